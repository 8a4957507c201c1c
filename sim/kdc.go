// The simulated KDC: a process on a host of its own, behind the simulated network, with a
// clock. It knows the realm's keys and answers a drawn while after it was asked. Its
// messages are not Kerberos' AS and TGS exchanges but as much of them as decides anything:
// who asks for what, the asker's clock, and the ticket with its times.

package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
	"github.com/a8011091/pegasus-reference/sim/world"
)

const (
	kdcPort        = 88
	kdcSkew        = 5 * time.Minute // what MIT's KDC allows for
	renewableLives = 7               // a granting ticket can be renewed for so many lives
	kdcHeader      = 4               // length in front of a message, as RFC 4120 section 7.2.2 has it over TCP
	maxKDCMessage  = 64 << 10
)

func kdcAddr() netip.AddrPort { return address(4, 0, kdcPort) }

// kdcRequest is what a client asks.
type kdcRequest struct {
	exchange ticket.Exchange
	client   string
	now      time.Time // the client's
	granting uint64    // the granting ticket that it has, where the exchange takes one
	node     string    // whose ticket, of ExchangeService
}

// kdcReply is the answer. A refusal has a cause and the KDC's time.
type kdcReply struct {
	cause                 ticket.Cause
	now                   time.Time
	granting              uint64
	start, end, renewTill time.Time
	key, ticket           []byte // of ExchangeService
}

func (q *kdcRequest) marshal() []byte {
	b := make([]byte, kdcHeader, 64)
	b = append(b, byte(q.exchange))
	b = binary.BigEndian.AppendUint64(b, uint64(q.now.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, q.granting)
	b = appendShort(appendShort(b, q.client), q.node)
	return sealMessage(b)
}

func (a *kdcReply) marshal() []byte {
	b := make([]byte, kdcHeader, 512)
	b = append(b, byte(a.cause))
	b = binary.BigEndian.AppendUint64(b, a.granting)
	for _, t := range [...]time.Time{a.now, a.start, a.end, a.renewTill} {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixNano()))
	}
	b = appendShort(appendShort(b, string(a.key)), string(a.ticket))
	return sealMessage(b)
}

func sealMessage(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-kdcHeader))
	return b
}

func appendShort(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
}

// messageReader takes a message apart; what is missing makes it bad.
type messageReader struct {
	rest []byte
	bad  bool
}

func (m *messageReader) bytes(n int) []byte {
	if len(m.rest) < n {
		m.bad = true
		return make([]byte, n)
	}
	b := m.rest[:n]
	m.rest = m.rest[n:]
	return b
}

func (m *messageReader) uint64() uint64  { return binary.BigEndian.Uint64(m.bytes(8)) }
func (m *messageReader) time() time.Time { return time.Unix(0, int64(m.uint64())).UTC() }
func (m *messageReader) short() []byte   { return m.bytes(int(binary.BigEndian.Uint16(m.bytes(2)))) }

// whole cuts a complete message off the bytes that have come; nil while it is not whole.
func whole(data []byte) (message []byte, broken bool) {
	if len(data) < kdcHeader {
		return nil, false
	}
	n := int(binary.BigEndian.Uint32(data))
	if n > maxKDCMessage {
		return nil, true
	}
	if len(data) < kdcHeader+n {
		return nil, false
	}
	return data[kdcHeader : kdcHeader+n], false
}

func parseKDCRequest(message []byte) (q kdcRequest, ok bool) {
	m := messageReader{rest: message}
	q.exchange = ticket.Exchange(m.bytes(1)[0])
	q.now, q.granting = m.time(), m.uint64()
	q.client, q.node = string(m.short()), string(m.short())
	return q, !m.bad && len(m.rest) == 0
}

func parseKDCReply(message []byte) (a kdcReply, ok bool) {
	m := messageReader{rest: message}
	a.cause = ticket.Cause(m.bytes(1)[0])
	a.granting = m.uint64()
	a.now, a.start, a.end, a.renewTill = m.time(), m.time(), m.time(), m.time()
	a.key, a.ticket = m.short(), m.short()
	return a, !m.bad && len(m.rest) == 0
}

// kdcProcess implements world.Process. What it has granted is the realm's and outlives it.
type kdcProcess struct {
	run     *run
	arrived map[protocol.ConnID][]byte
}

// kdcAnswer is posted when a request has been worked on.
type kdcAnswer struct {
	conn    protocol.ConnID
	request kdcRequest
}

// Step implements world.Process.
func (k *kdcProcess) Step(_ time.Time, ev world.Event, io *world.IO) {
	switch ev.Kind {
	case world.EventBoot:
		io.Listen(kdcAddr())
	case world.EventReceived:
		k.received(ev, io)
	case world.EventClosed:
		delete(k.arrived, ev.Conn)
	case world.EventPost:
		answer := ev.Value.(kdcAnswer)
		reply := k.run.realm.answer(io.Wall(), &answer.request, k.run.scenario.TicketLife)
		io.Write(answer.conn, reply.marshal())
	}
}

func (k *kdcProcess) received(ev world.Event, io *world.IO) {
	k.arrived[ev.Conn] = append(k.arrived[ev.Conn], ev.Data...)
	message, broken := whole(k.arrived[ev.Conn])
	switch {
	case broken:
		delete(k.arrived, ev.Conn)
		io.Close(ev.Conn)
	case message != nil:
		delete(k.arrived, ev.Conn)
		request, ok := parseKDCRequest(message)
		if !ok {
			io.Close(ev.Conn)
			return
		}
		io.Post(between(io.Rand(), 100*time.Microsecond, 3*time.Millisecond), kdcAnswer{ev.Conn, request})
	}
}

// granted is a ticket-granting ticket.
type granted struct {
	client                string
	start, end, renewTill time.Time
}

// answer decides a request by the KDC's clock.
func (k *realm) answer(now time.Time, q *kdcRequest, life time.Duration) kdcReply {
	a := kdcReply{now: now}
	if apart := q.now.Sub(now); apart.Abs() > kdcSkew {
		a.cause = ticket.CauseSkew
		return a
	}
	for _, short := range k.shortLives {
		life = min(life, short)
	}
	start := now.Truncate(time.Second)
	if q.exchange == ticket.ExchangeInitial {
		return k.grant(a, granted{client: q.client, start: start, end: start.Add(life), renewTill: start.Add(renewableLives * life)})
	}
	g, known := k.granted[q.granting]
	switch {
	case !known || g.client != q.client || !now.Before(g.end) || g.start.After(now.Add(kdcSkew)):
		a.cause = ticket.CauseGranting
	case q.exchange == ticket.ExchangeRenew && !now.Before(g.renewTill):
		a.cause = ticket.CauseGranting
	case q.exchange == ticket.ExchangeRenew:
		g.start, g.end = start, earlier(start.Add(life), g.renewTill)
		return k.grant(a, g)
	case k.services[q.node] == nil:
		a.cause = ticket.CauseServiceUnknown
	default:
		return k.serve(a, q, start, earlier(start.Add(life), g.end))
	}
	return a
}

func (k *realm) grant(a kdcReply, g granted) kdcReply {
	k.lastGranted++
	k.granted[k.lastGranted] = g
	a.granting, a.start, a.end, a.renewTill = k.lastGranted, g.start, g.end, g.renewTill
	return a
}

func (k *realm) serve(a kdcReply, q *kdcRequest, start, end time.Time) kdcReply {
	s := k.services[q.node]
	keys, err := gssapi.NewKeytab(s.current)
	must(err)
	c, err := gssapi.Mint(keys, gssapi.MintConfig{
		Client: clientPrincipal(q.client), Service: s.principal, Start: start, End: end, Random: randomReader{k.random},
	})
	if err != nil { // it would end before it begins
		a.cause = ticket.CausePolicy
		return a
	}
	a.start, a.end, a.ticket, a.key = c.Start, c.End, c.Ticket, c.Key.Bytes()
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
