// The two ends of a connection, which a simulator gives one number and two real drivers
// give one each: their addresses tell which belong together.

package conformance

import "github.com/a8011091/pegasus-reference/trace"

// stray is a server's end whose client's number is not known yet.
type stray struct {
	peer, addr string
	events     []trace.Event
}

// maxStrayEvents is how many events of such an end are kept until its client tells that it
// is connected: nothing is read from a client before that.
const maxStrayEvents = 4

// maxStrays is how many such ends are kept.
const maxStrays = 4096

// accept finds the connection by its number, or by the addresses of its two ends.
func (v *Validator) accept(n *node, ev *trace.Event) {
	if n.listens == "" {
		v.refuseNode(n, ev, object("S21", "%s does not listen", ev.Node))
		return
	}
	if w := v.wires[ev.Conn]; w != nil {
		if ev.Addr != w.session.server || w.local != "" && ev.Peer != w.local {
			v.refuseNode(n, ev, object("S21", "conn %d is from %s to %s", w.number, w.local, w.session.server))
			return
		}
		v.acceptedAs(w, ev)
		return
	}
	for _, t := range v.byAddr[ev.Addr] {
		if w := t.connectedFrom(ev.Peer); w != nil {
			v.wires[ev.Conn] = w
			v.acceptedAs(w, ev)
			return
		}
	}
	if len(v.strays) == maxStrays {
		clear(v.strays) // clients that are not in the trace: none of them will tell
	}
	v.strays[ev.Conn] = &stray{peer: ev.Peer, addr: ev.Addr, events: []trace.Event{*ev}}
}

// acceptedAs takes an accept of w's server end.
func (v *Validator) acceptedAs(w *wire, ev *trace.Event) {
	if !w.accepted {
		w.server, w.serverNumber = ev.Node, ev.Conn
	}
	v.explain(w.session, w, ev, atServer)
}

// connectedFrom is the session's connection from a port.
func (t *tracked) connectedFrom(local string) *wire {
	for i := range t.set {
		for _, w := range t.set[i].wires {
			if w != nil && w.connected && !w.accepted && w.local == local {
				return w
			}
		}
	}
	return nil
}

// adopt gives a connection what its server has told of it before the client told its port.
func (v *Validator) adopt(w *wire) {
	for number, s := range v.strays {
		if s.peer == w.local && s.addr == w.session.server {
			delete(v.strays, number)
			v.wires[number] = w
			w.server, w.serverNumber = s.events[0].Node, number
			for i := range s.events {
				v.explain(w.session, w, &s.events[i], atServer)
			}
		}
	}
}
