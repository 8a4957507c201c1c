// Numbers over HTTP, for Prometheus to fetch.

package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Endpoint is a running HTTP server of GET /metrics. It has no authentication: let it listen
// where only Prometheus reaches it.
type Endpoint struct {
	server *http.Server
	addr   net.Addr
	ended  chan error
}

// Listen serves what the collectors say on address, host:port; port 0 is any.
func Listen(ctx context.Context, address string, collectors ...prometheus.Collector) (*Endpoint, error) {
	registry := prometheus.NewRegistry()
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics on %s: %w", address, err)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	e := &Endpoint{addr: l.Addr(), ended: make(chan error, 1), server: &http.Server{
		Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
	}}
	go func() { e.ended <- e.server.Serve(l) }()
	return e, nil
}

// Addr is where it listens.
func (e *Endpoint) Addr() net.Addr { return e.addr }

// Close ends it, answers under way included.
func (e *Endpoint) Close() error {
	err := e.server.Close()
	if ended := <-e.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
