//go:build browser

// The report in a browser: a real run, and a hundred thousand events, moved by keys.
// Screenshots go to the directory that SCREENSHOTS names.

package report_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/page/browser"
	"github.com/a8011091/pegasus-reference/report"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// steps moves through the page as a user does, and notes what is shown. Colours counts what
// is on the canvas: an empty one has one.
const steps = `
	const seen = {};
	const colours = () => {
		Lanes.drawNow();
		const c = d.find("#lanes");
		const pixels = new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
		return new Set(pixels).size;
	};
	const span = () => Lanes.view.to - Lanes.view.from;
	seen.sentences = d.all("#sentences li").map((li) => li.textContent);
	seen.colours = colours();
	seen.rows = Lanes.rows().length;
	const whole = span();
	await d.press("+");
	seen.zoomed = whole / span();
	const before = Lanes.view.from;
	await d.press("ArrowRight");
	seen.moved = Lanes.view.from > before;
	await d.press("0");
	seen.back = span() / whole;
	await d.press("3");
	await d.until("the sentence's event", () => d.text("#detail") !== "");
	seen.told = d.text("#detail");
	seen.narrow = span() < whole / 100;
	seen.coloursNear = colours();
	const first = d.text("#detail");
	await d.press("n");
	seen.next = d.text("#detail") !== first;
	await d.press("p");
	seen.previous = d.text("#detail") === first;
	await d.press("/");
	seen.typing = document.activeElement.id;
	d.find("#filter").value = "client-2 meta-1 ERR_TIMEOUT";
	await d.press("Enter");
	await d.until("the filter", () => !d.text("#matches").startsWith(Timeline.count.toLocaleString("en") + " of"));
	seen.filteredRows = Lanes.rows().length;
	seen.filtered = d.all("#rows .event").map((e) => e.textContent);
	await d.press("Escape");
	await d.until("no filter", () => Lanes.rows().length === seen.rows);
	await d.click("#kinds button");
	seen.hidden = d.text("#matches");
	await d.click("#kinds button");
	await d.press("v");
	seen.atViolation = Lanes.view.from < Timeline.violations[0].at_ns && Lanes.view.to >= Timeline.violations[0].at_ns;
	await d.press("t");
	seen.dark = colours();
	await d.press("?");
	seen.help = d.all("dialog[open] kbd").length;
	await d.click("dialog[open] button");
	await d.press("0");
	seen.listed = d.all("#rows .event").length;
	return seen;`

type stepsSeen struct {
	Sentences    []string `json:"sentences"`
	Colours      int      `json:"colours"`
	Rows         int      `json:"rows"`
	Zoomed       float64  `json:"zoomed"`
	Moved        bool     `json:"moved"`
	Back         float64  `json:"back"`
	Told         string   `json:"told"`
	Narrow       bool     `json:"narrow"`
	ColoursNear  int      `json:"coloursNear"`
	Next         bool     `json:"next"`
	Previous     bool     `json:"previous"`
	Typing       string   `json:"typing"`
	FilteredRows int      `json:"filteredRows"`
	Filtered     []string `json:"filtered"`
	Hidden       string   `json:"hidden"`
	AtViolation  bool     `json:"atViolation"`
	Dark         int      `json:"dark"`
	Help         int      `json:"help"`
	Listed       int      `json:"listed"`
}

func find(t *testing.T) *browser.Browser {
	t.Helper()
	b, err := browser.Find()
	require.NoError(t, err)
	return b
}

func incident(t *testing.T) sim.Scenario {
	t.Helper()
	s, err := sim.Generate(sim.ScenarioFullRestart, 0x5eed)
	require.NoError(t, err)
	s.Client, s.Server, s.Auth = sim.ClientUpstreamSnapshot, sim.ServerHang, sim.AuthMandatory
	return s
}

// act writes the collector's page with steps added, and does them.
func act(t *testing.T, c *report.Collector, s report.Summary, steps string, seen any) {
	t.Helper()
	actAt(t, "", c, s, steps, seen)
}

// actAt does so where the page's address ends with a fragment.
func actAt(t *testing.T, fragment string, c *report.Collector, s report.Summary, steps string, seen any) {
	t.Helper()
	b := find(t)
	p, err := c.Page(s)
	require.NoError(t, err)
	p.Scripts = append([]string{browser.Driver(steps)}, p.Scripts...)
	file, err := os.Create(filepath.Join(t.TempDir(), "report.html"))
	require.NoError(t, err)
	require.NoError(t, p.Write(file))
	require.NoError(t, file.Close())
	require.NoError(t, b.Drive(t.Context(), "file://"+file.Name()+fragment, seen))
}

// drive acts as a user does.
func drive(t *testing.T, c *report.Collector, s report.Summary) stepsSeen {
	t.Helper()
	var seen stepsSeen
	act(t, c, s, steps, &seen)
	require.Greater(t, seen.Colours, 5, "something is drawn")
	require.Greater(t, seen.ColoursNear, 5)
	require.Greater(t, seen.Dark, 5)
	require.InDelta(t, 2, seen.Zoomed, 0.01)
	require.True(t, seen.Moved)
	require.InDelta(t, 1, seen.Back, 0.01)
	require.True(t, seen.Narrow)
	require.True(t, seen.Next)
	require.True(t, seen.Previous)
	require.Equal(t, "filter", seen.Typing)
	require.True(t, seen.AtViolation)
	require.GreaterOrEqual(t, seen.Help, 16)
	require.Less(t, seen.FilteredRows, seen.Rows)
	for _, text := range seen.Filtered {
		require.Contains(t, text, "ERR_TIMEOUT")
		require.Contains(t, text, "client-2")
	}
	require.NotEmpty(t, seen.Filtered)
	require.NotEmpty(t, seen.Hidden)
	require.Less(t, seen.Listed, 60, "the list has only what is in sight")
	return seen
}

func TestRunInBrowser(t *testing.T) {
	c := report.NewCollector(0)
	result, err := sim.Run(t.Context(), incident(t), sim.Options{Sink: c})
	require.NoError(t, err)
	s := report.Summary{Title: "incident", Verdict: string(result.Verdict), Reason: result.Reason, Repro: "simulate replay"}
	for _, v := range result.Violations {
		s.Violations = append(s.Violations, report.Violation{Property: v.Property, AtNS: int64(v.At), What: v.What, Decides: v.Property == *result.Property})
	}
	seen := drive(t, c, s)
	require.Equal(t, 5+3+3*5, seen.Rows, "servers, clients, and each client's servers")
	require.Contains(t, seen.Sentences[2], "the first frame is a query")
	require.Contains(t, seen.Told, "writes RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX")
}

// An address is somebody's typing: what it names is shown, and all of it where it names nothing.
func TestAddressNamesWhatIsShown(t *testing.T) {
	c := report.NewCollector(0)
	result, err := sim.Run(t.Context(), incident(t), sim.Options{Sink: c})
	require.NoError(t, err)
	for fragment, part := range map[string]float64{
		"#from=abc&to=5": 1, "#from=5": 1, "#sentence=99": 1,
		"#from=1000000000&to=2000000000": float64(time.Second) / float64(result.SimulatedNS),
	} {
		var shown float64
		actAt(t, fragment, c, report.Summary{Title: "incident"}, `return (Lanes.view.to - Lanes.view.from) / (Timeline.span.to - Timeline.span.from);`, &shown)
		require.InDelta(t, part, shown, 0.03, fragment)
	}
}

// TestHundredThousandInBrowser repeats the run's events until there are so many.
func TestHundredThousandInBrowser(t *testing.T) {
	rows := trace.NewRecorder(1 << 20)
	result, err := sim.Run(t.Context(), incident(t), sim.Options{Sink: rows})
	require.NoError(t, err)
	c := report.NewCollector(0)
	var end int64
	connections := uint64(0)
	for sent := 0; sent < 100_000; {
		from, base := end, connections
		for _, ev := range rows.Events() {
			ev.AtNS += from
			if ev.Conn != 0 {
				ev.Conn += base
				connections = max(connections, ev.Conn)
			}
			end = ev.AtNS
			c.Emit(&ev)
			sent++
		}
	}
	drive(t, c, report.Summary{Title: "many", Verdict: "violation", Violations: []report.Violation{
		{Property: *result.Property, AtNS: *result.AtNS, What: result.Reason, Decides: true},
	}})
}

// TestScreenshots keeps pictures of a report directory for people to look at.
func TestScreenshots(t *testing.T) {
	b := find(t)
	pictures := os.Getenv("SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(pictures, 0o755))
	result, err := sim.Run(t.Context(), incident(t), sim.Options{})
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, sim.WriteReport(t.Context(), dir, &result))
	address := "file://" + filepath.Join(dir, sim.ReportPage)
	for name, url := range map[string]string{
		"report-light.png":    address + "?theme=light",
		"report-dark.png":     address + "?theme=dark",
		"report-sentence.png": address + "?theme=light#sentence=4",
		"history.png":         "file://" + filepath.Join(dir, sim.ReportHistory),
	} {
		picture := filepath.Join(pictures, name)
		require.NoError(t, b.Screenshot(t.Context(), url, picture, 1400, 900))
		info, err := os.Stat(picture)
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(20_000), "an empty page is smaller")
	}
	printed := filepath.Join(pictures, "report-print.pdf")
	require.NoError(t, b.Print(t.Context(), address, printed))
	require.Greater(t, pages(t, printed), 2, "the head, and a sheet for each client")
}

// pages counts the pages of a PDF.
func pages(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(data, -1))
}
