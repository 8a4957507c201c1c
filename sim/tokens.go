// SASL tokens in the simulated world: every process keeps the mechanism's ends of its
// connections here, and posts what they made back to itself a drawn while later.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
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

// initiators are a client's ends. With Kerberos each waits for its ticket first.
type initiators struct {
	run    *run
	wallet *wallet // nil without Kerberos
	ends   map[protocol.ConnID]sasl.Session
	waits  map[protocol.ConnID]ticket.WaiterID
	used   map[protocol.ConnID]string // nodes to which a ticket was presented that is not accepted yet
}

func newInitiators(p *clientProcess) *initiators {
	return &initiators{
		run: p.run, wallet: p.wallet, ends: make(map[protocol.ConnID]sasl.Session),
		waits: make(map[protocol.ConnID]ticket.WaiterID), used: make(map[protocol.ConnID]string),
	}
}

// ask has the initiator of conn answer a challenge, a new initiator where begin says so.
// A madeToken is posted.
func (t *initiators) ask(io *world.IO, conn protocol.ConnID, server netip.AddrPort, begin bool, challenge []byte) {
	switch {
	case !begin:
		t.step(io, t.run.tokenDelay(io), conn, challenge)
	case t.wallet == nil:
		t.begin(io, conn, server, t.run.mechanism)
	default:
		node := t.run.nodeName(server)
		t.waits[conn] = t.wallet.want(io, node, func(io *world.IO, c *gssapi.Credential, err error) {
			delete(t.waits, conn)
			if err != nil {
				t.post(io, 0, madeToken{conn: conn, failed: true}, err)
				return
			}
			t.used[conn] = node
			t.begin(io, conn, server, t.run.clientMechanism(c))
		})
	}
}

func (t *initiators) begin(io *world.IO, conn protocol.ConnID, server netip.AddrPort, m sasl.Mechanism) {
	delay := t.run.tokenDelay(io)
	end, err := m.Client(sasl.ClientConfig{Host: t.run.hostOf(server), Random: randomReader{io.Rand()}})
	if err != nil {
		t.post(io, delay, madeToken{conn: conn, failed: true}, err)
		return
	}
	t.ends[conn] = end
	t.step(io, delay, conn, nil)
}

func (t *initiators) step(io *world.IO, delay time.Duration, conn protocol.ConnID, challenge []byte) {
	out, done, err := t.ends[conn].Step(io.Wall(), challenge)
	t.post(io, delay, madeToken{conn: conn, data: out, done: done, failed: err != nil}, err)
}

func (t *initiators) post(io *world.IO, delay time.Duration, made madeToken, err error) {
	if err != nil {
		delete(t.used, made.conn) // it is not the server that refuses
		t.run.tellRefusal(io, made.conn, err)
	}
	io.Post(delay, made)
}

// accepted: the server has let conn in.
func (t *initiators) accepted(io *world.IO, conn protocol.ConnID) { t.negotiated(io, conn, true) }

// negotiated tells the wallet what became of what conn presented, once.
func (t *initiators) negotiated(io *world.IO, conn protocol.ConnID, accepted bool) {
	if node, used := t.used[conn]; used {
		delete(t.used, conn)
		t.wallet.negotiated(io, node, accepted)
	}
}

// drop: conn is gone. What it presented and was not accepted was presented in vain.
func (t *initiators) drop(io *world.IO, conn protocol.ConnID) {
	delete(t.ends, conn)
	if w, waits := t.waits[conn]; waits {
		delete(t.waits, conn)
		t.wallet.cancel(io, w)
	}
	t.negotiated(io, conn, false)
}

// acceptors are a server's ends.
type acceptors struct {
	run       *run
	host      string
	mechanism sasl.Mechanism
	ends      map[protocol.ConnID]sasl.ServerSession
}

func newAcceptors(r *run, place *nodePlace) *acceptors {
	return &acceptors{run: r, host: r.hostOf(place.addr), mechanism: r.serverMechanism(place), ends: make(map[protocol.ConnID]sasl.ServerSession)}
}

func (t *acceptors) drop(conn protocol.ConnID) { delete(t.ends, conn) }

// ask has the acceptor of conn judge a token, a new acceptor where begin says so. An
// acceptedToken is posted.
func (t *acceptors) ask(io *world.IO, conn protocol.ConnID, begin bool, token []byte) {
	delay := t.run.tokenDelay(io)
	made, err := t.make(io, conn, begin, token)
	if err != nil {
		t.run.tellRefusal(io, conn, err)
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
