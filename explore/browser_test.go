//go:build browser

// The explorer in a browser: one that is served and one in a file, moved by keys and by
// clicks. Screenshots go to the directory that SCREENSHOTS names.

package explore

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/page/browser"
)

// incident is a specification with counterexamples of each form: a finite one, and lassos.
var incident = model.Request{Spec: "session", Config: "default", With: []string{"stale-auth-flag"}, Server: "hang"}

// walkSteps moves through the page as a user does, and notes what is shown.
const walkSteps = `
	const seen = {};
	const place = () => Number(d.find("[aria-current]").dataset.place);
	seen.choices = d.all("#next button").length;
	seen.lanes = d.all("#lanes span").map((s) => s.textContent);
	await d.press("1");
	await d.until("step 1", () => place() === 1);
	seen.changed = d.all("tr.changed").length;
	await d.press("ArrowDown");
	seen.focused = document.activeElement.closest("#next") !== null;
	document.activeElement.click();
	await d.until("step 2", () => place() === 2);
	await d.press("ArrowLeft");
	await d.until("step 1 again", () => place() === 1);
	seen.ahead = d.all(".step.ahead").length;
	await d.press("ArrowRight");
	await d.until("step 2 again", () => place() === 2);
	await d.until("counterexamples", () => d.all("#counterexamples button").length > 0);
	seen.counterexamples = d.all("#counterexamples button").map((b) => b.textContent);
	await d.press("c");
	await d.until("the first counterexample", () => d.all("[aria-pressed=true]").length === 1);
	seen.violated = d.text("[data-property=auth-before-request] .word");
	seen.sign = d.text("[data-property=auth-before-request] .sign");
	seen.remark = d.all(".step.violating").length;
	seen.arrows = d.all(".diagram line").length;
	seen.address = location.hash;
	await d.press("ArrowLeft");
	await d.until("the step before", () => d.text("[data-property=auth-before-request] .word") === "true");
	seen.warned = d.all("#next .violates").length;
	await d.press("c"); await d.press("c");
	await d.until("a lasso", () => d.all(".divider").length === 1);
	const before = document.documentElement.dataset.theme;
	await d.press("t");
	seen.themeChanged = document.documentElement.dataset.theme !== before;
	await d.press("?");
	seen.help = d.all("dialog[open] kbd").length;
	await d.click("dialog[open] button");
	await d.press("r");
	await d.until("the beginning", () => place() === 0 && d.all(".step").length === 1);
	seen.shades = [getComputedStyle(d.find("body")).backgroundColor, getComputedStyle(d.find("body")).color];
	return seen;`

type walkSeen struct {
	Choices         int      `json:"choices"`
	Lanes           []string `json:"lanes"`
	Changed         int      `json:"changed"`
	Focused         bool     `json:"focused"`
	Ahead           int      `json:"ahead"`
	Counterexamples []string `json:"counterexamples"`
	Violated        string   `json:"violated"`
	Sign            string   `json:"sign"`
	Remark          int      `json:"remark"`
	Arrows          int      `json:"arrows"`
	Address         string   `json:"address"`
	Warned          int      `json:"warned"`
	ThemeChanged    bool     `json:"themeChanged"`
	Help            int      `json:"help"`
	Shades          []string `json:"shades"`
}

func (s *walkSeen) hold(t *testing.T) {
	t.Helper()
	require.Equal(t, 3, s.Choices, "two requests to submit, one crash")
	require.Equal(t, []string{"client", "network", "server"}, s.Lanes)
	require.NotZero(t, s.Changed)
	require.True(t, s.Focused)
	require.Equal(t, 1, s.Ahead)
	require.Len(t, s.Counterexamples, 4)
	require.Contains(t, s.Counterexamples[0], "auth-before-request")
	require.Equal(t, "FALSE", s.Violated)
	require.Equal(t, "✗", s.Sign)
	require.Equal(t, 1, s.Remark)
	require.Greater(t, s.Arrows, 15)
	require.Contains(t, s.Address, "counterexample=0")
	require.NotZero(t, s.Warned)
	require.True(t, s.ThemeChanged)
	require.GreaterOrEqual(t, s.Help, 11)
	require.NotEqual(t, s.Shades[0], s.Shades[1])
}

func find(t *testing.T) *browser.Browser {
	t.Helper()
	b, err := browser.Find()
	require.NoError(t, err)
	return b
}

// screenshots is where they go.
func screenshots(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return t.TempDir()
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

func TestOfflineInBrowser(t *testing.T) {
	b := find(t)
	e := checkedExplorer(t, incident)
	file := filepath.Join(t.TempDir(), "session.html")
	doc, _, _, err := e.offline(t.Context(), 500)
	require.NoError(t, err)
	doc.Scripts = append([]string{browser.Driver(walkSteps)}, doc.Scripts...)
	var out bytes.Buffer
	require.NoError(t, doc.Write(&out))
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	var seen walkSeen
	require.NoError(t, b.Drive(t.Context(), "file://"+file, &seen))
	seen.hold(t)
}

func TestServedInBrowser(t *testing.T) {
	b := find(t)
	e := checkedExplorer(t, incident)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	handler := e.Handler(listener.Addr().String())
	doc, err := e.served()
	require.NoError(t, err)
	doc.Scripts = append([]string{browser.Driver(walkSteps)}, doc.Scripts...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /driven", func(w http.ResponseWriter, _ *http.Request) { _ = doc.Write(w) })
	mux.Handle("/", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	var seen walkSeen
	require.NoError(t, b.Drive(t.Context(), "http://"+listener.Addr().String()+"/driven", &seen))
	seen.hold(t)
}

// TestScreenshots keeps pictures for people to look at, and wants each to be one.
func TestScreenshots(t *testing.T) {
	b := find(t)
	dir := screenshots(t)
	e := checkedExplorer(t, incident)
	file := filepath.Join(t.TempDir(), "session.html")
	out, err := os.Create(file)
	require.NoError(t, err)
	_, _, err = e.WriteOffline(t.Context(), out, 500)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	for name, address := range map[string]string{
		"explorer-light.png": "?theme=light#at=18&counterexample=0",
		"explorer-dark.png":  "?theme=dark#at=19&counterexample=0",
		"explorer-lasso.png": "?theme=light#counterexample=2",
	} {
		picture := filepath.Join(dir, name)
		require.NoError(t, b.Screenshot(t.Context(), "file://"+file+address, picture, 1400, 900))
		info, err := os.Stat(picture)
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(30_000), "an empty page is smaller")
	}
	require.NoError(t, b.Print(t.Context(), "file://"+file+"#counterexample=0", filepath.Join(dir, "explorer-print.pdf")))
}
