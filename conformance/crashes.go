// What goes with a node that crashes: R29. Each connection is followed at both of its ends,
// so that it is known which answers a server had written before it went down.

package conformance

import "github.com/a8011091/pegasus-reference/trace"

// ended is a connection, as far as both of its ends tell.
type ended struct {
	client, peer, local string
	number              uint64         // at the client
	server              string         // that accepted it
	crashed             bool           // the server has gone down since
	answered            map[int32]bool // by the server, and not read
}

// joint is how a connection's ends know each other: the client's address and the server's.
type joint struct{ client, server string }

// early is a server's end of a connection whose client's is not known yet.
type early struct {
	server string
	number uint64
}

// crashes follows servers and what they owe.
type crashes struct {
	down    map[string]bool
	dialed  map[uint64]*ended // by the client's number
	taken   map[uint64]*ended // by the server's number
	joints  map[joint]*ended
	strays  map[joint]early // accepted before the client told that it is connected
	servers map[string]bool
}

func newCrashes() *crashes {
	return &crashes{
		down: make(map[string]bool), dialed: make(map[uint64]*ended), taken: make(map[uint64]*ended),
		joints: make(map[joint]*ended), strays: make(map[joint]early), servers: make(map[string]bool),
	}
}

// take holds one event against R29. gone lists the connections that a crash has just taken
// along.
func (c *crashes) take(ev *trace.Event) (gone []*ended, o *objection) {
	switch ev.Kind {
	case trace.KindListen:
		c.servers[ev.Node] = true
		delete(c.down, ev.Node)
	case trace.KindNodeUp:
		delete(c.down, ev.Node)
	case trace.KindNodeDown:
		return c.crash(ev.Node), nil
	case trace.KindDial:
		c.dialed[ev.Conn] = &ended{client: ev.Node, peer: ev.Peer, number: ev.Conn, answered: make(map[int32]bool)}
	case trace.KindConnected:
		c.connected(ev)
	case trace.KindAccept:
		o = c.accepted(ev)
	case trace.KindExecute, trace.KindFrameOut, trace.KindFrameIn:
		o = c.framed(ev)
	case trace.KindClose, trace.KindClosed, trace.KindDialFailed:
		c.over(ev)
	}
	return nil, o
}

func (c *crashes) crash(node string) (gone []*ended) {
	if !c.servers[node] {
		for number, e := range c.dialed {
			if e.client == node {
				delete(c.dialed, number)
				delete(c.joints, joint{e.local, e.peer})
			}
		}
		return nil
	}
	c.down[node] = true
	for number, e := range c.taken {
		if e.server == node {
			e.crashed = true
			delete(c.taken, number)
			gone = append(gone, e)
		}
	}
	return gone
}

func (c *crashes) connected(ev *trace.Event) {
	e := c.dialed[ev.Conn]
	if e == nil || e.client != ev.Node {
		return
	}
	e.local = ev.Addr
	at := joint{ev.Addr, e.peer}
	c.joints[at] = e
	if s, known := c.strays[at]; known {
		delete(c.strays, at)
		e.server = s.server
		c.taken[s.number] = e
	}
}

func (c *crashes) accepted(ev *trace.Event) *objection {
	if c.down[ev.Node] {
		return object("R29", "%s is down", ev.Node)
	}
	c.servers[ev.Node] = true
	at := joint{ev.Peer, ev.Addr}
	e := c.dialed[ev.Conn] // one writer numbers both ends alike; else a port may have been another connection's
	if e == nil || e.peer != ev.Addr || e.local != "" && e.local != ev.Peer {
		if e = c.joints[at]; e == nil {
			if len(c.strays) == maxStrays {
				clear(c.strays)
			}
			c.strays[at] = early{ev.Node, ev.Conn}
			return nil
		}
	}
	e.server = ev.Node
	c.taken[ev.Conn] = e
	return nil
}

// framed: a server that is down does nothing, and what it had not answered when it went
// down is not answered.
func (c *crashes) framed(ev *trace.Event) *objection {
	if c.servers[ev.Node] {
		if c.down[ev.Node] {
			return object("R29", "%s is down", ev.Node)
		}
		if e := c.taken[ev.Conn]; e != nil && ev.Kind == trace.KindFrameOut {
			e.answered[ev.Seq] = true
		}
		return nil
	}
	e := c.dialed[ev.Conn]
	if ev.Kind != trace.KindFrameIn || e == nil || e.client != ev.Node {
		return nil
	}
	answered := e.answered[ev.Seq]
	delete(e.answered, ev.Seq)
	if e.crashed && !answered {
		return object("R29", "%s went down before it had answered this: what was written to it and not answered is lost", e.server)
	}
	return nil
}

func (c *crashes) over(ev *trace.Event) {
	if c.servers[ev.Node] {
		if e := c.taken[ev.Conn]; e != nil && e.server == ev.Node {
			delete(c.taken, ev.Conn)
		}
		return
	}
	if e := c.dialed[ev.Conn]; e != nil && e.client == ev.Node {
		delete(c.dialed, ev.Conn)
		if at := (joint{e.local, e.peer}); c.joints[at] == e {
			delete(c.joints, at)
		}
	}
}
