// One running server: starting it, looking at it, stopping it.

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// ErrClosed is what a closed server's methods return.
var ErrClosed = errors.New("server is closed")

// Server is one running server. Its methods may be called from anywhere, but for its own hooks.
type Server struct {
	cfg      Config
	listener net.Listener
	self     netip.AddrPort

	inputs   chan input    // to the goroutine that owns the core
	stop     chan struct{} // closed by the first Close or Kill
	stopOnce sync.Once
	flush    bool          // set before stop is closed: what was written is to be delivered
	done     chan struct{} // closed when the core takes no more inputs
	finished chan struct{} // closed when every goroutine but timers' has ended
	running  sync.WaitGroup
	queued   atomic.Int64 // bytes that wait for peers to read them

	core  *node.Core // owned by the loop, as is all below
	conns map[protocol.ConnID]*conn
	last  protocol.ConnID
	loopState
	tracer *tracer // nil: nothing is traced

	warnings warnings // about peers

	mu  sync.Mutex
	err error // why the server ended by itself
	end Stats // the last numbers
}

// Stats are a server's numbers.
type Stats struct {
	node.Stats
	Panics       uint64 // bugs: recovered, logged, and paid for with one connection each, but for a hook's; never a verdict on credentials
	SlowPeers    uint64 // disconnected because they did not read
	AcceptErrors uint64
	TokenErrors  uint64 // tokens that the mechanism refused
	// Refusals are these by reason, a word of gssapi.Reasons; a mechanism that is not
	// GSSAPI has "other". Not to be changed.
	Refusals map[string]uint64
}

// Start listens and serves. It returns when connections are accepted. The server ends
// with ctx, or with Close. Errors: *ConfigError, *ListenError.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	l := cfg.Listener
	if err := cfg.validate(); err != nil {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
		return nil, err
	}
	if l == nil {
		var err error
		if l, err = listen(ctx, cfg.Listen); err != nil {
			return nil, err
		}
	}
	self, err := advertised(&cfg, l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	n := cfg.nodeConfig(self)
	if !cfg.announced {
		traceStart(cfg.Trace, self)
	}
	if n.Meta != nil {
		traceLeader(cfg.Trace, n.Meta.Leader)
	}
	s := &Server{
		cfg: cfg, listener: l, self: self, tracer: newTracer(cfg.Trace, n.Limits.Frame),
		inputs: make(chan input, inputQueue), stop: make(chan struct{}), done: make(chan struct{}), finished: make(chan struct{}),
		core: node.New(n), conns: make(map[protocol.ConnID]*conn), loopState: newLoopState(),
	}
	warnOfTimeouts(&cfg)
	s.running.Add(2)
	go s.accept()
	go s.loop()
	go s.outlive(context.AfterFunc(ctx, func() { s.halt(true) }))
	cfg.Logger.Info("serving", "address", self, "meta", cfg.Meta != nil, "replica", cfg.Replica != nil,
		"auth", cfg.Auth.Enabled, "mandatory", cfg.Auth.Mandatory, "early", cfg.Early.String())
	return s, nil
}

// outlive waits for every other goroutine. Connections that came in too late for the core
// are still queued then, and nobody queues more.
func (s *Server) outlive(forget func() bool) {
	s.running.Wait()
	forget()
	for {
		select {
		case in := <-s.inputs:
			if in.net != nil {
				hangUp(in.net)
			}
		default:
			close(s.finished)
			return
		}
	}
}

// Addr returns the address that clients know.
func (s *Server) Addr() netip.AddrPort { return s.self }

// Close stops accepting, delivers what was written, within Config.FlushTimeout, closes
// every connection, and returns when all of that is done. It returns why the server had
// ended by itself, if it had.
func (s *Server) Close() error {
	s.halt(true)
	return s.Wait()
}

// Kill is Close without a farewell: what was not sent is lost, as when a process dies.
func (s *Server) Kill() error {
	s.halt(false)
	return s.Wait()
}

// Wait returns when the server has ended, and why, where that was not asked for.
func (s *Server) Wait() error {
	<-s.finished
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.finished }

// SetLeader tells a meta server who leads from now on; zero: nobody is known to. It
// returns when that is in force, and ErrClosed after the end.
func (s *Server) SetLeader(leader netip.AddrPort) error {
	return s.call(func() {
		if s.core.Meta() != nil {
			traceLeader(s.cfg.Trace, leader)
		}
		s.step(node.Event{Kind: node.EventLeader, Peer: leader})
	})
}

// SetTables tells a meta server what another has changed; older news than its own changes
// nothing. It returns when that is in force, ErrClosed after the end, and a *ConfigError for
// tables that cannot be served.
func (s *Server) SetTables(r Registry) error {
	if err := r.Validate(); err != nil {
		return &ConfigError{Err: err}
	}
	return s.call(func() {
		if m := s.core.Meta(); m != nil {
			m.SetRegistry(r)
		}
	})
}

// SetPartitions tells a replica server what it serves from now on; rows of other partitions
// stay in storage. It returns when that is in force, and ErrClosed after the end.
func (s *Server) SetPartitions(list []Partition) error {
	return s.call(func() {
		if r := s.core.Replica(); r != nil {
			r.SetPartitions(list)
		}
	})
}

// Stats returns the numbers, after the end the last ones.
func (s *Server) Stats() Stats {
	var stats Stats
	if s.call(func() { stats = s.stats() }) != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.end
	}
	return stats
}

// call runs f where the core is owned, and waits for it.
func (s *Server) call(f func()) error {
	ran := make(chan struct{})
	if !s.send(input{kind: inputCall, call: func() { f(); close(ran) }}) {
		return fmt.Errorf("server %v: %w", s.self, ErrClosed)
	}
	select {
	case <-ran:
		return nil
	case <-s.done:
		return fmt.Errorf("server %v: %w", s.self, ErrClosed)
	}
}

// halt begins the end.
func (s *Server) halt(flush bool) {
	s.stopOnce.Do(func() {
		s.flush = flush
		close(s.stop)
	})
}

// fail ends the server because of err.
func (s *Server) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.halt(false)
}
