// The explorer over HTTP, for a browser on the same machine.

package explore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/page"
)

// MaxPath is the longest path in states that the server follows.
const MaxPath = 4096

// ErrNotLoopback refuses an address that others than this machine could reach.
var ErrNotLoopback = errors.New("the explorer listens on loopback only, such as 127.0.0.1:0")

// Listen listens on address, which must be a loopback one.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrNotLoopback, address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%w, not %q", ErrNotLoopback, address)
	}
	return net.Listen("tcp", address)
}

// Serve answers on l until ctx ends.
func (e *Explorer) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           e.Handler(l.Addr().String()),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 1 << 17, // of which a path of MaxPath states takes about half
	}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is being sent then is of no use any more
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Handler answers for the address that it is reached at, and for no other name: a page of
// somebody else's whose name was made to resolve to loopback sends its own name.
func (e *Explorer) Handler(address string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", e.servePage)
	mux.HandleFunc("GET /initial", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.exploration.Initial()) })
	mux.HandleFunc("GET /at", e.serveAt)
	mux.HandleFunc("GET /check", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.Checked()) })
	return guard(address, mux)
}

// guard refuses other names than address, requests that other sites' pages make, and
// keeps others from framing and guessing.
func guard(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address)
	names := []string{address, net.JoinHostPort("localhost", port)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := false
		for _, name := range names {
			known = known || strings.EqualFold(r.Host, name)
		}
		site := r.Header.Get("Sec-Fetch-Site")
		switch {
		case !known:
			http.Error(w, fmt.Sprintf("this server is http://%s/ and answers to no other name", address), http.StatusMisdirectedRequest)
			return
		case site == "cross-site" || site == "same-site":
			http.Error(w, "this server does not answer the pages of others", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (e *Explorer) servePage(w http.ResponseWriter, _ *http.Request) {
	p, err := e.served()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.Policy()+"; frame-ancestors 'none'")
	_, _ = w.Write(out.Bytes()) // the browser has gone
}

// served is the page that asks the server for states.
func (e *Explorer) served() (*page.Page, error) {
	m := e.meta()
	m.Online = true
	return document(m)
}

// serveAt answers ?path=ID,ID,.. with the view at its end.
func (e *Explorer) serveAt(w http.ResponseWriter, r *http.Request) {
	path, err := parsePath(r.URL.Query().Get("path"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	view, err := e.exploration.At(path)
	switch {
	case errors.Is(err, check.ErrNoSuchPath):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		answer(w, view)
	}
}

func parsePath(text string) ([]check.StateID, error) {
	words := strings.Split(text, ",")
	if len(words) > MaxPath {
		return nil, fmt.Errorf("the path has %d states, at most %d are followed", len(words), MaxPath)
	}
	path := make([]check.StateID, len(words))
	for i, word := range words {
		if err := path[i].UnmarshalText([]byte(word)); err != nil {
			return nil, fmt.Errorf("state %d of the path: %w", i, err)
		}
	}
	return path, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the browser has gone
}
