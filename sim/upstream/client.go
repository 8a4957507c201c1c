// The client model's outside: Step, its timers, its sessions and channels.

package upstream

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Client models one process that uses upstream's Java client. It is made by NewClient.
type Client struct {
	cfg      ClientConfig
	meta     metaSession
	sessions []*session // one for each address, metas included; never removed
	bySocket map[protocol.ConnID]*channel
	timers   map[protocol.TimerID]task
	tables   []*table
	calls    map[OpID]*call

	lastConn  protocol.ConnID
	lastTimer protocol.TimerID

	now  time.Time // of the current Step
	out  []ClientEffect
	wire []byte // frames written in the current Step
	args []byte // scratch for args structs
	resp protocol.Response
	qcfg protocol.QueryConfig
}

// NewClient returns the model of a client that was configured and has done nothing yet.
// Errors wrap ErrConfig.
func NewClient(cfg ClientConfig) (*Client, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg:      cfg,
		bySocket: make(map[protocol.ConnID]*channel),
		timers:   make(map[protocol.TimerID]task),
		calls:    make(map[OpID]*call),
	}
	for _, addr := range cfg.Metas {
		c.meta.list = append(c.meta.list, c.session(addr))
	}
	return c, nil
}

// Step takes one event at an instant that never goes back, and appends what has to be
// done to out.
func (c *Client) Step(now time.Time, ev ClientEvent, out []ClientEffect) []ClientEffect {
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
		if ch := c.bySocket[ev.Conn]; ch != nil {
			c.channelEvent(ch, &ev)
		}
	}
	out, c.out = c.out, nil
	return out
}

func (c *Client) channelEvent(ch *channel, ev *ClientEvent) {
	switch ev.Kind {
	case ClientDialed:
		c.dialed(ch)
	case ClientDialFailed:
		c.dialFailed(ch)
	case ClientReceived:
		c.received(ch, ev.Data)
	case ClientClosed:
		c.peerClosed(ch)
	case ClientToken:
		c.token(ch, ev.Data, ev.Failed)
	}
}

// session returns the one session object of an address.
func (c *Client) session(addr netip.AddrPort) *session {
	for _, s := range c.sessions {
		if s.addr == addr {
			return s
		}
	}
	s := &session{addr: addr}
	c.sessions = append(c.sessions, s)
	return s
}

// taskKind says what to do when a timer fires.
type taskKind uint8

const (
	taskRequestTimeout taskKind = iota + 1 // [s, seq] nothing came back
	taskDial                               // [s] connect
	taskConnectTimeout                     // [ch]
	taskActive                             // [ch] the channel became active on its I/O thread
	taskClose                              // [ch] the I/O thread closes the channel
	taskInactive                           // [ch] the channel became inactive
	taskDisconnected                       // [s] all pending requests were told
	taskResetAuth                          // [s] the mark of authentication is taken back
	taskRebuild                            // [s] the watcher drops the session, and builds it anew
	taskWriteFailed                        // [s, seq] a write on a closed channel failed
	taskCloseSession                       // [s] the failed negotiation was logged
	taskQuery                              // [round] next try of a meta query
	taskAttempt                            // [call] next attempt of an operation
	taskDeliver                            // [call] the application's thread sees the result
	taskCaller                             // [call] the application's thread stops waiting
	taskOpened                             // [table] openTable waits no longer for connections
)

// task is what a timer stands for. Which fields count depends on its kind.
type task struct {
	kind  taskKind
	seq   int32
	s     *session
	ch    *channel
	round *queryRound
	call  *call
	table *table
}

// after arms a timer for base and a draw from an interval.
func (c *Client) after(base time.Duration, i Interval, t task) protocol.TimerID {
	c.lastTimer++
	c.timers[c.lastTimer] = t
	c.out = append(c.out, ClientEffect{
		Kind: ClientArmTimer, Timer: c.lastTimer, After: base + i.Min, Spread: i.Max - i.Min,
	})
	return c.lastTimer
}

// stop takes an armed timer back; one that has fired, or is zero, is passed over.
func (c *Client) stop(id protocol.TimerID) {
	if _, ok := c.timers[id]; ok {
		delete(c.timers, id)
		c.out = append(c.out, ClientEffect{Kind: ClientStopTimer, Timer: id})
	}
}

func (c *Client) run(t task) {
	switch t.kind {
	case taskRequestTimeout:
		c.fail(t.s, t.seq, protocol.CodeTimeout)
	case taskDial:
		c.dial(t.s)
	case taskConnectTimeout:
		c.connectTimeout(t.ch)
	case taskActive:
		c.channelActive(t.ch)
	case taskClose:
		c.closeChannel(t.ch)
	case taskInactive:
		c.channelInactive(t.ch)
	case taskDisconnected:
		c.disconnected(t.s)
	case taskResetAuth:
		c.resetAuth(t.s)
	case taskRebuild:
		c.rebuild(t.s)
	case taskWriteFailed:
		c.writeFailed(t.s, t.seq)
	case taskCloseSession:
		c.closeSession(t.s)
	case taskQuery:
		c.tryQuery(t.round)
	case taskAttempt:
		c.attempt(t.call)
	case taskDeliver:
		c.deliver(t.call)
	case taskCaller:
		c.callerTimeout(t.call)
	case taskOpened:
		c.completeOpen(t.table, protocol.CodeOK)
	}
}
