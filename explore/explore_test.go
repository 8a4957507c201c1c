// The explorer without a browser: what is served, to whom, and what is in a file.

package explore

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
)

// small has a counterexample of each form within a few thousand states.
var small = model.Request{
	Spec: "session", Config: "default", With: []string{"stale-auth-flag"}, Server: "hang",
	Set: []model.Setting{{Name: "NReq", Value: "1"}, {Name: "Crashes", Value: "1"}, {Name: "Losses", Value: "0"}, {Name: "Earlies", Value: "0"}},
}

// checkedExplorer has looked for counterexamples.
func checkedExplorer(t *testing.T, request model.Request) *Explorer {
	t.Helper()
	e, err := New(request)
	require.NoError(t, err)
	report, err := e.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, "violation", report.Verdict)
	return e
}

const address = "127.0.0.1:4711"

func get(t *testing.T, e *Explorer, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://"+address+path, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	e.Handler(address).ServeHTTP(w, r)
	return w
}

func TestServesPathsAndCounterexamples(t *testing.T) {
	e := checkedExplorer(t, small)
	w := get(t, e, "/initial", nil)
	require.Equal(t, http.StatusOK, w.Code)
	var initial []check.Node
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &initial))
	require.Len(t, initial, 1)

	w = get(t, e, "/check", nil)
	var checked Checked
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &checked))
	require.True(t, checked.Done)
	require.Equal(t, "violation", checked.Report.Verdict)
	require.Len(t, checked.Counterexamples, len(checked.Report.Violations))
	finite, endless := 0, 0
	for _, c := range checked.Counterexamples {
		require.Equal(t, initial[0].ID, c.Path[0])
		w = get(t, e, "/at?path="+join(c.Path), nil)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		var view check.View
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &view))
		require.Len(t, view.Path, len(c.Path)-1)
		if c.Kind == "safety" {
			finite++
			require.Equal(t, -1, c.Cycle)
			require.Contains(t, view.Here().Judgements, check.Judgement{Property: c.Property, Kind: c.Kind, Holds: false})
			continue
		}
		endless++
		if c.Stutter {
			require.Equal(t, len(c.Path)-1, c.Cycle)
		} else {
			require.Equal(t, c.Path[c.Cycle], c.Path[len(c.Path)-1], "the cycle closes")
		}
	}
	require.NotZero(t, finite)
	require.NotZero(t, endless)
}

func join(path []check.StateID) string {
	words := make([]string, 0, len(path))
	for _, id := range path {
		words = append(words, id.String())
	}
	return strings.Join(words, ",")
}

func TestPageLoadsNothing(t *testing.T) {
	e := checkedExplorer(t, small)
	w := get(t, e, "/", nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, w.Header().Get("Content-Security-Policy"), "unsafe")
	var file bytes.Buffer
	_, _, err := e.WriteOffline(t.Context(), &file, 100)
	require.NoError(t, err)
	for _, text := range []string{w.Body.String(), file.String()} {
		require.NotRegexp(t, `(?i)<(link|img|iframe|object|embed|base)\b|\bsrc=|@import|url\(`, text)
		for _, found := range regexp.MustCompile(`https?://[^\s"']+`).FindAllString(text, -1) {
			require.Equal(t, "http://www.w3.org/2000/svg", found, "a name, not an address")
		}
	}
}

func TestAnswersToItsOwnNameOnly(t *testing.T) {
	e := checkedExplorer(t, small)
	for _, c := range []struct {
		host, site string
		code       int
	}{
		{address, "", http.StatusOK},
		{"localhost:4711", "same-origin", http.StatusOK},
		{address, "none", http.StatusOK},
		{"rebound.example:4711", "", http.StatusMisdirectedRequest},
		{"127.0.0.1", "", http.StatusMisdirectedRequest},
		{"127.0.0.1:4712", "", http.StatusMisdirectedRequest},
		{address, "cross-site", http.StatusForbidden},
		{address, "same-site", http.StatusForbidden},
	} {
		w := get(t, e, "/initial", func(r *http.Request) {
			r.Host = c.host
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
		})
		require.Equal(t, c.code, w.Code, "%s %s", c.host, c.site)
	}
}

func TestRefusesBadPaths(t *testing.T) {
	e := checkedExplorer(t, small)
	for path, code := range map[string]int{
		"/at":                       http.StatusBadRequest,
		"/at?path=xyz":              http.StatusBadRequest,
		"/at?path=0000000000000001": http.StatusNotFound,
		"/nowhere":                  http.StatusNotFound,
		"/at?path=" + strings.Repeat("0000000000000001,", MaxPath) + "0000000000000001": http.StatusBadRequest,
	} {
		w := get(t, e, path, nil)
		require.Equal(t, code, w.Code)
		require.NotEmpty(t, w.Body.String())
	}
	w := httptest.NewRecorder()
	e.Handler(address).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://"+address+"/initial", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, wrong := range []string{"0.0.0.0:0", ":0", "example.com:80", "localhost:0", "127.0.0.1", "192.0.2.1:0"} {
		_, err := Listen(wrong)
		require.ErrorIs(t, err, ErrNotLoopback, wrong)
	}
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	e := checkedExplorer(t, small)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Serve(ctx, l) }()
	answered, err := http.Get("http://" + l.Addr().String() + "/initial")
	require.NoError(t, err)
	_, err = io.ReadAll(answered.Body)
	require.NoError(t, answered.Body.Close())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answered.StatusCode)
	cancel()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on after the end of its context")
	}
}

// TestFileHasWhatIsServed unpacks the file as the page does, and compares with the served
// views: every state of every counterexample, and the steps out of it.
func TestFileHasWhatIsServed(t *testing.T) {
	e := checkedExplorer(t, small)
	doc, states, complete, err := e.offline(t.Context(), 200)
	require.NoError(t, err)
	require.False(t, complete)
	require.GreaterOrEqual(t, states, 200)
	var p struct {
		Text  []string
		IDs   []string
		Nodes [][3]json.RawMessage
		Edges [][][4]int
	}
	require.NoError(t, json.Unmarshal(doc.Data[1].JSON, &p))
	require.Len(t, p.IDs, states)
	require.Len(t, p.Edges, states)
	number := map[string]int{}
	for i, id := range p.IDs {
		number[id] = i
	}
	for _, c := range e.Checked().Counterexamples {
		for end := range c.Path {
			view, err := e.exploration.At(c.Path[:end+1])
			require.NoError(t, err)
			here, known := number[c.Path[end].String()]
			require.True(t, known, "a state of a counterexample")
			var values []int
			require.NoError(t, json.Unmarshal(p.Nodes[here][1], &values))
			for i, f := range view.Here().Fields {
				require.Equal(t, f.Value, p.Text[values[i]])
			}
			next := slices.DeleteFunc(view.Next, func(b check.Branch) bool { return b.Idle })
			require.Len(t, p.Edges[here], len(next))
			for i, b := range next {
				edge := p.Edges[here][i]
				require.Equal(t, b.Text, p.Text[edge[1]])
				if to, inside := number[b.To.ID.String()]; inside {
					require.Equal(t, to, edge[3])
				} else {
					require.Equal(t, outside, edge[3])
				}
			}
		}
	}
}

func TestWholeStateSpaceInAFile(t *testing.T) {
	e, err := New(model.Request{Spec: "two-phase-commit", RMs: 3})
	require.NoError(t, err)
	_, _, err = e.WriteOffline(t.Context(), io.Discard, 10)
	require.ErrorIs(t, err, ErrNotChecked)
	_, err = e.Check(t.Context())
	require.NoError(t, err)
	states, complete, err := e.WriteOffline(t.Context(), io.Discard, 1000)
	require.NoError(t, err)
	require.Equal(t, 288, states)
	require.True(t, complete)
	states, complete, err = e.WriteOffline(t.Context(), io.Discard, 287)
	require.NoError(t, err)
	require.Equal(t, 287, states)
	require.False(t, complete)
}

func TestFileEndsWithItsContext(t *testing.T) {
	e := checkedExplorer(t, small)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := e.WriteOffline(ctx, io.Discard, 100)
	require.ErrorIs(t, err, context.Canceled)
}
