// SASL tokens in the simulated world: every process keeps the mechanism's ends of its
// connections here, and posts what they made back to itself a drawn while later.

package sim

import (
	"net/netip"
	"time"

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

// makeToken gives the initiator of conn a challenge, a new initiator where begin says so.
func makeToken(m sasl.Mechanism, ends map[protocol.ConnID]sasl.Session, now time.Time, io *world.IO, conn protocol.ConnID, addr netip.AddrPort, begin bool, challenge []byte) madeToken {
	if begin {
		challenge = nil
		end, err := m.Client(sasl.ClientConfig{Host: addr.Addr().String(), Random: randomReader{io.Rand()}})
		if err != nil {
			return madeToken{conn: conn, failed: true}
		}
		ends[conn] = end
	}
	out, done, err := ends[conn].Step(now, challenge)
	return madeToken{conn: conn, data: out, done: done, failed: err != nil}
}

// acceptToken gives the acceptor of conn a token, a new acceptor where begin says so.
func acceptToken(m sasl.Mechanism, ends map[protocol.ConnID]sasl.ServerSession, now time.Time, io *world.IO, conn protocol.ConnID, self netip.AddrPort, begin bool, token []byte) acceptedToken {
	refused := acceptedToken{madeToken: madeToken{conn: conn, failed: true}}
	if begin {
		end, err := m.Server(sasl.ServerConfig{Host: self.Addr().String(), Random: randomReader{io.Rand()}})
		if err != nil {
			return refused
		}
		ends[conn] = end
	}
	end := ends[conn]
	out, done, err := end.Step(now, token)
	if err != nil {
		return refused
	}
	answer := acceptedToken{madeToken: madeToken{conn: conn, data: out, done: done}}
	if done {
		answer.principal = end.Principal()
	}
	return answer
}
