//go:build browser

// The report for readers on paper, and for those who do not see colours as others do.

package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/report"
	"github.com/a8011091/pegasus-reference/sim"
)

// printing looks at what is printed: the size of each text on the sheets, in points, with
// what a sheet of A4 or Letter and its margins make of a canvas that does not fit.
const printing = `
	const written = [];
	const canvases = CanvasRenderingContext2D.prototype, fillText = canvases.fillText;
	canvases.fillText = function (text, ...rest) {
		written.push({canvas: this.canvas, text, dots: parseFloat(/([0-9.]+)px/.exec(this.font)[1]) * this.getTransform().d});
		return fillText.call(this, text, ...rest);
	};
	dispatchEvent(new Event("beforeprint"));
	canvases.fillText = fillText;
	const millimetre = 96 / 25.4;
	const paper = {width: (279.4 - 20) * millimetre, height: (210 - 20) * millimetre}; // the narrower, and the lower
	const caption = 24;
	const points = (w) => {
		const [wide, high] = [parseFloat(w.canvas.style.width), parseFloat(w.canvas.style.height)];
		return w.dots * wide / w.canvas.width * Math.min(1, paper.width / wide, (paper.height - caption) / high) * 0.75;
	};
	const sheets = d.all("#sheets canvas");
	const onPaper = written.filter((w) => sheets.includes(w.canvas));
	const texts = new Set(onPaper.map((w) => w.text));
	const label = (row) => row.node ? row.node.name : "▸ " + row.pair.client + " ↔ " + row.pair.server;
	const seen = {
		sheets: sheets.length, texts: onPaper.length, smallest: Math.min(...onPaper.map(points)),
		pairs: Lanes.rows().filter((row) => row.pair).length,
		missing: Lanes.rows().map(label).filter((l) => !texts.has(l)),
		words: Math.min(...d.all("#top *, #key *, .bar *, figcaption").map((e) => parseFloat(getComputedStyle(e).fontSize) * 0.75)),
		captions: d.all("#sheets figcaption").map((c) => c.textContent),
	};
	dispatchEvent(new Event("afterprint"));
	seen.after = d.all("#sheets canvas").length;
	return seen;`

// leastPoints is the smallest print that is read without a lens.
const leastPoints = 6

// A run with 28 pairs fills several sheets, and each row is on one, in print that can be read.
func TestPaperInBrowser(t *testing.T) {
	s, err := sim.Generate(sim.ScenarioSwarm, 0x12c)
	require.NoError(t, err)
	c := report.NewCollector(0)
	result, err := sim.Run(t.Context(), s, sim.Options{Sink: c})
	require.NoError(t, err)
	var seen struct {
		Sheets   int      `json:"sheets"`
		Texts    int      `json:"texts"`
		Smallest float64  `json:"smallest"`
		Pairs    int      `json:"pairs"`
		Missing  []string `json:"missing"`
		Words    float64  `json:"words"`
		Captions []string `json:"captions"`
		After    int      `json:"after"`
	}
	act(t, c, report.Summary{Title: "swarm", Verdict: string(result.Verdict)}, printing, &seen)
	require.GreaterOrEqual(t, seen.Pairs, 25)
	require.GreaterOrEqual(t, seen.Sheets, 3)
	require.Greater(t, seen.Texts, 100)
	require.GreaterOrEqual(t, seen.Smallest, float64(leastPoints))
	require.GreaterOrEqual(t, seen.Words, float64(leastPoints))
	require.Empty(t, seen.Missing)
	require.Contains(t, seen.Captions[0], "sheet 1 of")
	require.Zero(t, seen.After, "they are for paper only")

	b := find(t)
	file := filepath.Join(t.TempDir(), "report.html")
	page, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, c.WriteHTML(page, report.Summary{Title: "swarm", Verdict: string(result.Verdict)}))
	require.NoError(t, page.Close())
	printed := filepath.Join(t.TempDir(), "print.pdf")
	if pictures := os.Getenv("SCREENSHOTS"); pictures != "" {
		require.NoError(t, os.MkdirAll(pictures, 0o755))
		printed = filepath.Join(pictures, "report-swarm-print.pdf")
	}
	require.NoError(t, b.Print(t.Context(), "file://"+file, printed))
	require.GreaterOrEqual(t, pages(t, printed), seen.Sheets+1)
}

// withoutColour draws the run from end to end and notes how the lines of each colour look
// otherwise: their dashes and how thick they are. Arcs stand around a sign and are left out,
// as are the tiles that areas are hatched with.
const withoutColour = `
	const style = getComputedStyle(document.documentElement);
	const names = {};
	for (const name of ["accent", "bad", "good", "note", "focus"]) names[style.getPropertyValue("--" + name).trim()] = name;
	const looks = {}, canvases = CanvasRenderingContext2D.prototype;
	const {stroke, arc, beginPath} = canvases;
	let round = false;
	canvases.beginPath = function () { round = false; return beginPath.call(this); };
	canvases.arc = function (...a) { round = true; return arc.apply(this, a); };
	canvases.stroke = function () {
		const name = names[this.strokeStyle];
		if (name && !round && this.canvas.id === "lanes") ((looks[name] ??= {})[this.getLineDash().join(" ") + " at " + this.lineWidth] = true);
		return stroke.call(this);
	};
	Lanes.drawNow();
	for (const i of [0, 1, 2, 3, 4]) {
		await d.press(String(i + 1));
		Lanes.drawNow();
	}
	Object.assign(canvases, {stroke, arc, beginPath});
	const signs = {};
	for (let i = 0; i < Timeline.count; i++) (signs[Timeline.sign(i)] ??= {})[Timeline.kind(i)] = true;
	for (const name in looks) looks[name] = Object.keys(looks[name]);
	for (const sign in signs) signs[sign] = Object.keys(signs[sign]);
	return {looks, signs};`

// No two colours that mean something are all that tells two lines apart, and no two kinds of
// events have one sign: whoever sees one grey in place of them reads the same.
func TestWithoutColourInBrowser(t *testing.T) {
	c := report.NewCollector(0)
	result, err := sim.Run(t.Context(), incident(t), sim.Options{Sink: c})
	require.NoError(t, err)
	var seen struct {
		Looks map[string][]string `json:"looks"`
		Signs map[string][]string `json:"signs"`
	}
	act(t, c, report.Summary{Title: "incident", Verdict: "violation", Violations: []report.Violation{
		{Property: *result.Property, AtNS: *result.AtNS, What: result.Reason, Decides: true},
	}}, withoutColour, &seen)
	for _, name := range []string{"accent", "bad", "good", "note", "focus"} {
		require.NotEmpty(t, seen.Looks[name], "a line of colour %s is drawn", name)
	}
	of := map[string]string{}
	for name, looks := range seen.Looks {
		for _, look := range looks {
			require.Empty(t, of[look], "a line %q is %s or %s by its colour alone", look, name, of[look])
			of[look] = name
		}
	}
	require.Greater(t, len(seen.Signs), 10)
	for sign, kinds := range seen.Signs {
		require.Len(t, kinds, 1, sign)
	}
}
