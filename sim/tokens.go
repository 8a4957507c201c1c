// SASL tokens in the simulated world: every process keeps the mechanism's ends of its
// connections here, and posts what they made back to itself a drawn while later.

package sim

import (
	"net/netip"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// madeToken is what an end of a negotiation made.
type madeToken struct {
	conn         protocol.ConnID
	data         []byte
	done, failed bool
}

// acceptedToken is what an acceptor made.
type acceptedToken struct {
	madeToken
	principal string
}

// initiators are a client's ends.
type initiators struct {
	run       *run
	mechanism sasl.Mechanism
	ends      map[protocol.ConnID]sasl.Session
}

func newInitiators(r *run, m sasl.Mechanism) *initiators {
	return &initiators{run: r, mechanism: m, ends: make(map[protocol.ConnID]sasl.Session)}
}

func (t *initiators) drop(conn protocol.ConnID) { delete(t.ends, conn) }

// ask has the initiator of conn answer a challenge, a new initiator where begin says so.
// A madeToken is posted.
func (t *initiators) ask(io *world.IO, conn protocol.ConnID, server netip.AddrPort, begin bool, challenge []byte) {
	delay := t.run.tokenDelay(io)
	made, err := t.make(io, conn, server, begin, challenge)
	if err != nil {
		t.run.tellRefusal(io, io.Global(conn), err)
	}
	io.Post(delay, made)
}

func (t *initiators) make(io *world.IO, conn protocol.ConnID, server netip.AddrPort, begin bool, challenge []byte) (madeToken, error) {
	if begin {
		challenge = nil
		end, err := t.mechanism.Client(sasl.ClientConfig{Host: t.run.hostOf(server), Random: randomReader{io.Rand()}})
		if err != nil {
			return madeToken{conn: conn, failed: true}, err
		}
		t.ends[conn] = end
	}
	out, done, err := t.ends[conn].Step(io.Wall(), challenge)
	return madeToken{conn: conn, data: out, done: done, failed: err != nil}, err
}

// acceptors are a server's ends.
type acceptors struct {
	run       *run
	host      string
	mechanism sasl.Mechanism
	ends      map[protocol.ConnID]sasl.ServerSession
}

func newAcceptors(r *run, self netip.AddrPort, m sasl.Mechanism) *acceptors {
	return &acceptors{run: r, host: r.hostOf(self), mechanism: m, ends: make(map[protocol.ConnID]sasl.ServerSession)}
}

func (t *acceptors) drop(conn protocol.ConnID) { delete(t.ends, conn) }

// ask has the acceptor of conn judge a token, a new acceptor where begin says so. An
// acceptedToken is posted.
func (t *acceptors) ask(io *world.IO, conn protocol.ConnID, begin bool, token []byte) {
	delay := t.run.tokenDelay(io)
	made, err := t.make(io, conn, begin, token)
	if err != nil {
		t.run.tellRefusal(io, io.Global(conn), err)
	}
	io.Post(delay, made)
}

func (t *acceptors) make(io *world.IO, conn protocol.ConnID, begin bool, token []byte) (acceptedToken, error) {
	refused := acceptedToken{madeToken: madeToken{conn: conn, failed: true}}
	if begin {
		end, err := t.mechanism.Server(sasl.ServerConfig{Host: t.host, Random: randomReader{io.Rand()}})
		if err != nil {
			return refused, err
		}
		t.ends[conn] = end
	}
	end := t.ends[conn]
	out, done, err := end.Step(io.Wall(), token)
	if err != nil {
		return refused, err
	}
	answer := acceptedToken{madeToken: madeToken{conn: conn, data: out, done: done}}
	if done {
		answer.principal = end.Principal()
	}
	return answer, nil
}
