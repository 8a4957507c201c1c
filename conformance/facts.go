// What a trace must have shown before an event, and what it has shown after it: the
// frames in order and the ends that are open. The specification's states come after this.

package conformance

import (
	"fmt"
)

func nothing(*moment) *objection { return nil }

func object(clause, format string, args ...any) *objection {
	return &objection{clause, fmt.Sprintf(format, args...)}
}

func listens(m *moment) *objection {
	m.t.listening, m.t.observed = true, true
	return nil
}

func isConnected(m *moment) *objection {
	if m.w.connected || m.w.clientOver {
		return object("S21", "the client was told of this handshake before")
	}
	if o := m.toldDialing(); o != nil {
		return o
	}
	m.w.connected, m.w.local = true, m.ev.Addr
	return nil
}

// noteNoPort is why a dial failed that found every port of its host taken.
const noteNoPort = "no-port"

func dialIsOver(m *moment) *objection {
	if m.w.connected || m.w.clientOver {
		return object("S9", "the client's dial was over before")
	}
	m.w.clientOver = true
	if m.ev.Note == noteNoPort && m.w.accepted {
		return object("S20", "there was no port for this dial, which the server has accepted")
	}
	return m.toldDialing()
}

// toldDialing: a client that tells its session's states told of this dial.
func (m *moment) toldDialing() *objection {
	if m.t.tells && m.w.stage == "" {
		return object("S7", "the client has not told that it dials")
	}
	return nil
}

func isAccepted(m *moment) *objection {
	if m.w.accepted {
		return object("S21", "the server accepted this connection before")
	}
	m.w.accepted = true
	return nil
}

func (w *wire) clientOpen() *objection {
	switch {
	case w.clientOver:
		return object("S14", "the client's end is closed")
	case !w.connected:
		return object("S8", "the client's handshake is not done")
	}
	return nil
}

func (w *wire) serverOpen() *objection {
	switch {
	case w.serverOver:
		return object("S30", "the server's end is closed")
	case !w.accepted:
		return object("S21", "the server has not accepted this connection")
	}
	return nil
}

// statusOf is what the n-th message of a negotiation is called.
func statusOf(n int) string {
	switch n {
	case 1:
		return "SASL_LIST_MECHANISMS"
	case 2:
		return "SASL_SELECT_MECHANISMS"
	case 3:
		return "SASL_INITIATE"
	}
	return "SASL_CHALLENGE_RESP"
}

func writesNegotiation(m *moment) *objection {
	if o := m.w.clientOpen(); o != nil {
		return o
	}
	m.w.negotiations++
	if want := statusOf(m.w.negotiations); m.frame.neg != want {
		return object("S17", "message %d of a negotiation is %s, not %s", m.w.negotiations, want, m.frame.neg)
	}
	return m.writes()
}

// writes puts a frame on its way. Its sequence number is how an answer finds it (S15).
func (m *moment) writes() *objection {
	same := func(f *frame) bool { return f.seq == m.frame.seq }
	if m.w.up.find(same) != nil || m.w.read.find(same) != nil {
		return object("S15", "a frame with this sequence number waits for its answer already")
	}
	m.w.up.push(m.frame)
	return nil
}

func writesRequest(m *moment) *objection {
	if o := m.w.clientOpen(); o != nil {
		return o
	}
	if m.w.ready && m.w.stage != "" && m.w.stage != "ready" && m.w.stage != "draining" {
		return object("S4", "the client has not told that its session is ready")
	}
	return m.writes()
}

func serverReads(m *moment) *objection {
	if o := m.w.serverOpen(); o != nil {
		return o
	}
	next := m.w.up.first()
	if next == nil {
		return object("S24", "the client has written no frame that the server has not read")
	}
	if is := m.frame.differs(next); is != "" {
		return object("S24", "the next frame on this connection is %s", is)
	}
	if !m.w.atServer.take(m.frame.size) {
		return object("S24", "not all of the frame's bytes have arrived")
	}
	m.w.up.pop()
	m.w.read.push(m.frame)
	return nil
}

func answersNegotiation(m *moment) *objection {
	if o := m.w.serverOpen(); o != nil {
		return o
	}
	next := m.w.read.first()
	if next == nil || next.rpc+ackSuffix != m.frame.rpc || next.seq != m.frame.seq {
		return object("S34", "the server has read no such message that it has not answered")
	}
	m.w.read.pop()
	m.w.answers++
	m.w.anonymous = success(m.frame) && m.frame.neg != "SASL_SUCC"
	m.w.down.push(m.frame)
	return nil
}

// ackSuffix is what an answer's name has behind the request's.
const ackSuffix = "_ACK"

func executes(m *moment) *objection {
	if o := m.w.serverOpen(); o != nil {
		return o
	}
	next := m.w.read.find(func(f *frame) bool { return !f.executed && f.neg == "" })
	if next == nil || next.rpc != m.frame.rpc {
		return object("S32", "the server has read no such request that it has not executed")
	}
	next.executed = true
	return m.executedFor()
}

// executedFor: a client authenticates as one principal, whatever it is connected to. Which
// one shows where its first request is executed.
func (m *moment) executedFor() *objection {
	name := m.ev.Principal
	switch known := m.client.principal; {
	case name == "":
	case known == "":
		m.client.principal = name
	case known != name:
		return object("S32", "authenticated-execution: requests of %s are executed for %q, this one for %q", m.t.client, known, name)
	}
	return nil
}

func answersRequest(m *moment) *objection {
	if o := m.w.serverOpen(); o != nil {
		return o
	}
	asked := m.w.read.find(func(f *frame) bool { return f.seq == m.frame.seq && f.rpc+ackSuffix == m.frame.rpc })
	if asked == nil {
		return object("S32", "the server has read no such request that it has not answered")
	}
	m.taken = *asked
	m.w.read.remove(asked)
	m.w.down.push(m.frame)
	return nil
}

func clientReads(m *moment) *objection {
	if o := m.w.clientOpen(); o != nil {
		return o
	}
	if o := m.arrives(); o != nil {
		return o
	}
	if !m.w.atClient.take(m.frame.size) {
		return object("S24", "not all of the frame's bytes have arrived")
	}
	if m.w.stage == "dialing" {
		return object("S8", "the client has not told that it negotiates")
	}
	if isNegotiation(m.ev) {
		m.w.answered++
		m.w.ready = m.w.ready || success(m.frame)
	}
	return nil
}

// arrives takes the frame from its way to the client; where the trace does not show what
// the server does, it answers a frame that the client wrote.
func (m *moment) arrives() *objection {
	if m.t.observed {
		next := m.w.down.first()
		if next == nil {
			return object("S24", "the server has written no frame that the client has not read")
		}
		if is := m.frame.differs(next); is != "" {
			return object("S24", "the next frame on this connection is %s", is)
		}
		m.w.down.pop()
		return nil
	}
	asked := m.w.up.find(func(f *frame) bool { return f.seq == m.frame.seq && f.rpc+ackSuffix == m.frame.rpc })
	if asked == nil {
		return object("S15", "the client has written no such request on this connection that is not answered")
	}
	m.w.up.remove(asked)
	return nil
}

func clientEnd(m *moment) *objection {
	if m.w.clientOver {
		return object("S14", "the client's end was closed before")
	}
	m.w.clientOver = true
	return nil
}

func serverEnd(m *moment) *objection {
	if o := m.w.serverOpen(); o != nil {
		return o
	}
	m.w.serverOver, m.w.hungUp = true, m.t.listening
	return nil
}

// tells: a client that tells its session's states leaves none out that decides.
func tells(m *moment) *objection {
	if m.w == nil {
		return nil
	}
	first := m.w.stage == ""
	m.w.stage, m.t.tells = m.ev.State, true
	if first && m.ev.State != "dialing" {
		return object("S7", "the client has not told that it dials")
	}
	return nil
}
