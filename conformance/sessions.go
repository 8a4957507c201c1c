// The sessions of a trace: the states that are possible in each, and what an event leaves
// of them.

package conformance

import (
	"slices"

	"github.com/a8011091/pegasus-reference/trace"
)

type sessionKey struct{ client, server string }

// tracked is one session of the trace: a client and a server address.
type tracked struct {
	sessionKey
	set       []possible
	observed  bool // the trace shows what the server does
	listening bool
	tells     bool   // the client tells its states
	ready     uint64 // the last connection that was authenticated
	held      *Refusal
	over      bool // closed for good, refused, or not judged any further
}

// moment is one event being explained in one session.
type moment struct {
	x      *explorer
	specs  []*specification
	t      *tracked
	w      *wire // nil: the event is of no connection
	client *node
	ev     *trace.Event
	frame  frame
	taken  frame // that the event answers
}

// dial begins a connection, and a session where the client has none to that server.
func (v *Validator) dial(ev *trace.Event) {
	key := sessionKey{ev.Node, ev.Peer}
	t := v.byKey[key]
	if t == nil {
		t = v.newSession(key)
	}
	w := &wire{number: ev.Conn, session: t}
	v.wires[ev.Conn] = w
	v.result.Connections++
	v.explain(t, w, ev, atClient)
}

// newSession starts where the specification starts, with the longest negotiation until
// it is known how long it is.
func (v *Validator) newSession(key sessionKey) *tracked {
	t := &tracked{sessionKey: key}
	if name, known := v.servers[key.server]; known {
		t.observed = true
		t.listening = v.nodes[name].listens == key.server
	}
	spec := v.specs[maxRounds-1]
	for _, s := range spec.model.Initial() {
		refill(&s)
		p := possible{spec: spec, state: s}
		if t.observed && !t.listening {
			t.set = append(t.set, v.x.after(&p, actCrash, 0)...)
			continue
		}
		t.set = append(t.set, p)
	}
	v.byKey[key], v.known[key] = t, struct{}{}
	v.byAddr[key.server] = append(slices.DeleteFunc(v.byAddr[key.server], func(t *tracked) bool { return t.over }), t)
	v.result.Sessions++
	return t
}

// end takes a session from those that are judged.
func (v *Validator) end(t *tracked) {
	t.over, t.set, t.held = true, nil, nil
	if v.byKey[t.sessionKey] == t {
		delete(v.byKey, t.sessionKey)
	}
}

// explain keeps of a session's states those that the event leads to.
func (v *Validator) explain(t *tracked, w *wire, ev *trace.Event, at side) {
	r := rowOf(at, ev)
	if t.over || r == nil {
		return
	}
	v.judged = true
	switch {
	case at == atClient && (ev.Kind == trace.KindSession && ev.State == closedByUser || ev.Kind == trace.KindClose && ev.Note == closedByUser):
		v.end(t)
		return
	case t.held != nil && at == atClient:
		v.refuse(t, t.held)
		return
	case t.held != nil:
		return
	}
	m := &moment{x: &v.x, specs: v.specs, t: t, w: w, client: v.nodes[t.client], ev: ev, frame: frameOf(ev)}
	if ev.Kind == trace.KindFrameOut || ev.Kind == trace.KindFrameIn {
		n := v.nodes[ev.Node]
		n.shows |= fieldsOf(ev)
		m.frame.shown = n.shows
		if o := m.isFirst(at, n); o != nil {
			n.unsaid = false
			v.refuse(t, v.refusal(m, r, o))
			return
		}
	}
	if o := r.facts(m); o != nil {
		v.refuse(t, v.refusal(m, r, o))
		return
	}
	next, whole := v.successors(m, r)
	switch {
	case !whole || len(next) > v.opts.MaxStates:
		v.full = true // what is dropped may be what explains this event, or a later one
		v.end(t)
	case len(next) == 0 && r.kind == trace.KindClose && at == atClient:
		t.held = v.refusal(m, r, nil) // unless the next thing told is that the session is closed
	case len(next) == 0:
		v.refuse(t, v.refusal(m, r, nil))
	default:
		t.set = next
		v.result.MostStates = max(v.result.MostStates, len(next))
	}
	if w != nil && w.ready {
		t.ready = w.number // what later refusals refer to
	}
}

// closedByUser is the state of a session that its user has closed, and why its connection
// was: the specification's sessions go on for ever.
const closedByUser = "closed"

// successors are the states that the event makes of those possible now; not the whole of
// them where more were possible before it than allowed.
func (v *Validator) successors(m *moment, r *row) (next []possible, whole bool) {
	limit := v.opts.MaxStates
	before, whole := v.x.closure(m.t, m.t.set, r.always, limit)
	if !whole {
		return nil, false
	}
	next = explained(m, r, before)
	if len(next) == 0 && len(r.ifNeeded) > 0 {
		// Both kinds in any order: a server that starts now lets the handshake be done.
		before, whole = v.x.closure(m.t, before, slices.Concat(r.always, r.ifNeeded), limit)
		next = explained(m, r, before)
	}
	return next, whole
}

func explained(m *moment, r *row, before []possible) []possible {
	explain := r.explain
	if r.at == atServer && m.w != nil && m.w.clientOver {
		explain = func(m *moment, p *possible) []possible {
			if p.slot(m.w) == 0 {
				return []possible{*p} // nobody's any more: insServe has made room for another
			}
			return r.explain(m, p)
		}
	}
	if len(before) == 1 {
		return explain(m, &before[0])
	}
	all := newStates(len(before))
	for i := range before {
		for _, q := range explain(m, &before[i]) {
			all.add(q)
		}
	}
	return all.list
}
