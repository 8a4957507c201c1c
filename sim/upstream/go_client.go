// The outside of the model of upstream's Go client: Step, its timers, its sessions.
// Its defects have the numbers of docs/upstream-go.md, which says which of them are modelled.

package upstream

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// GoClient models one process that uses upstream's Go client (go-client at master). It
// has no SASL: what it writes on a new connection is a request. It is made by NewGoClient,
// and takes and gives the events and effects of Client but those of tokens.
type GoClient struct {
	cfg      GoConfig
	metas    []*goSession // configured, and those that redirects have named
	leader   int          // index in metas
	replicas []*goSession // one for each address; never removed
	bySocket map[protocol.ConnID]*goSession
	timers   map[protocol.TimerID]goTask
	tables   []*goTable
	calls    int // submitted and not completed

	lastConn  protocol.ConnID
	lastTimer protocol.TimerID

	now  time.Time // of the current Step
	out  []ClientEffect
	wire []byte // frames written in the current Step
	resp protocol.Response
	qcfg protocol.QueryConfig
}

// NewGoClient returns the model of a client that was configured and has done nothing yet:
// it dials when it is asked for something. Errors wrap ErrConfig.
func NewGoClient(cfg GoConfig) (*GoClient, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	c := &GoClient{
		cfg: cfg, bySocket: make(map[protocol.ConnID]*goSession), timers: make(map[protocol.TimerID]goTask),
	}
	for _, addr := range cfg.Metas {
		c.metas = append(c.metas, newGoSession(addr))
	}
	return c, nil
}

// Step takes one event at an instant that never goes back, and appends what has to be
// done to out.
func (c *GoClient) Step(now time.Time, ev ClientEvent, out []ClientEffect) []ClientEffect {
	c.now, c.out, c.wire = now, out, c.wire[:0]
	switch ev.Kind {
	case ClientOpenTable:
		c.openTable(ev.ID, ev.Table)
	case ClientSubmit:
		c.submit(&ev)
	case ClientTimer:
		if t, ok := c.timers[ev.Timer]; ok {
			delete(c.timers, ev.Timer)
			c.run(t)
		}
	default:
		if s := c.bySocket[ev.Conn]; s != nil {
			c.socketEvent(s, &ev)
		}
	}
	out, c.out = c.out, nil
	return out
}

// Unanswered is the number of requests that sessions remember although nothing has
// answered them, whether somebody waits for them or not.
func (c *GoClient) Unanswered() int {
	n := 0
	for _, list := range [][]*goSession{c.metas, c.replicas} {
		for _, s := range list {
			n += len(s.pending)
		}
	}
	return n
}

// Parked is the session that keeps most requests without an answer, or a connection to write
// them to, and how many (G4).
func (c *GoClient) Parked() (addr netip.AddrPort, requests int) {
	for _, list := range [][]*goSession{c.metas, c.replicas} {
		for _, s := range list {
			if n := len(s.waiting) + len(s.pending); n > requests {
				addr, requests = s.addr, n
			}
		}
	}
	return addr, requests
}

func (c *GoClient) socketEvent(s *goSession, ev *ClientEvent) {
	switch ev.Kind {
	case ClientDialed:
		c.dialed(s)
	case ClientDialFailed:
		c.dialFailed(s)
	case ClientReceived:
		c.received(s, ev.Data)
	case ClientClosed:
		c.peerClosed(s)
	}
}

// replica returns the session of a replica server. A meta server at the same address has
// one of its own.
func (c *GoClient) replica(addr netip.AddrPort) *goSession {
	for _, s := range c.replicas {
		if s.addr == addr {
			return s
		}
	}
	s := newGoSession(addr)
	c.replicas = append(c.replicas, s)
	return s
}

// goTaskKind says what to do when a timer fires.
type goTaskKind uint8

const (
	goTaskDial        goTaskKind = iota + 1 // [s] the sleep before a dial is over
	goTaskDialTimeout                       // [s]
	goTaskPoll                              // [r] a caller looks whether its session is ready
	goTaskRead                              // [s, conn] the reader looks up
	goTaskDeadline                          // [call] of an operation
	goTaskRetry                             // [call]
	goTaskDeliver                           // [call] the application's goroutine sees the result
	goTaskBackup                            // [query] ask the other metas too
	goTaskQueryEnd                          // [query] its deadline
	goTaskRested                            // [table] the pause after a query is over
)

// goTask is what a timer stands for. Which fields count depends on its kind.
type goTask struct {
	kind  goTaskKind
	conn  protocol.ConnID
	s     *goSession
	r     *goRequest
	call  *goCall
	query *goQuery
	table *goTable
}

// after arms a timer for base and a draw from an interval.
func (c *GoClient) after(base time.Duration, i Interval, t goTask) protocol.TimerID {
	c.lastTimer++
	c.timers[c.lastTimer] = t
	c.out = append(c.out, ClientEffect{
		Kind: ClientArmTimer, Timer: c.lastTimer, After: base + i.Min, Spread: i.Max - i.Min,
	})
	return c.lastTimer
}

// stop takes an armed timer back; one that has fired, or is zero, is passed over.
func (c *GoClient) stop(id protocol.TimerID) {
	if _, ok := c.timers[id]; ok {
		delete(c.timers, id)
		c.out = append(c.out, ClientEffect{Kind: ClientStopTimer, Timer: id})
	}
}

func (c *GoClient) run(t goTask) {
	switch t.kind {
	case goTaskDial:
		c.dial(t.s)
	case goTaskDialTimeout:
		c.out = append(c.out, ClientEffect{Kind: ClientClose, Conn: t.s.conn})
		c.dialFailed(t.s)
	case goTaskPoll:
		c.polled(t.r)
	case goTaskRead:
		c.readTimeout(t.s, t.conn)
	case goTaskDeadline:
		c.callDeadline(t.call)
	case goTaskRetry:
		c.attempt(t.call)
	case goTaskDeliver:
		c.deliver(t.call)
	case goTaskBackup:
		c.askBackups(t.query)
	case goTaskQueryEnd:
		c.endQuery(t.query, protocol.CodeTimeout)
	case goTaskRested:
		c.rested(t.table)
	}
}
