// A client process' Kerberos credentials: the core that keeps tickets (sasl/ticket) with
// its effects carried out against the simulated KDC. Upstream's clients, which leave this
// to their Java runtime, have the same one.

package sim

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// walletOwner is the owner part of the identities of the wallet's connections and timers.
const walletOwner = 1 << 30 << protocol.OwnerShift

// ticketPatience is how long a negotiation waits for its ticket: what upstream's and ours
// have for the whole of it.
const ticketPatience = 5 * time.Second

// heldTicket is a ticket under the handle that the core knows it by: one for a service
// has a credential, a granting one what the KDC calls it.
type heldTicket struct {
	credential *gssapi.Credential
	granting   uint64
}

// wallet holds a client's tickets and gets new ones.
type wallet struct {
	process    *clientProcess
	client     string
	core       *ticket.Core
	effects    []ticket.Effect
	tickets    map[ticket.Handle]heldTicket
	lastHandle ticket.Handle
	waiting    map[ticket.WaiterID]func(io *world.IO, c *gssapi.Credential, err error)
	lastWaiter ticket.WaiterID
	fetches    map[protocol.ConnID]*fetch
}

// fetch is one exchange with the KDC, on a connection of its own.
type fetch struct {
	id      ticket.FetchID
	name    ticket.Name
	request kdcRequest
	arrived []byte
}

func newWallet(p *clientProcess) *wallet {
	return &wallet{
		process: p, client: clientName(p.index), core: ticket.New(ticketConfig()),
		tickets: make(map[ticket.Handle]heldTicket),
		waiting: make(map[ticket.WaiterID]func(*world.IO, *gssapi.Credential, error)),
		fetches: make(map[protocol.ConnID]*fetch),
	}
}

func ticketConfig() ticket.Config { return ticket.DefaultConfig() }

// owns: an event is the wallet's and not the client core's.
func (l *wallet) owns(ev *world.Event) bool {
	return uint64(ev.Conn)&walletOwner != 0 && ev.Conn&world.AcceptOwner == 0 || uint64(ev.Timer)&walletOwner != 0
}

// want asks for a ticket for a node; answer is called once, unless the wait is canceled.
func (l *wallet) want(io *world.IO, node string, answer func(*world.IO, *gssapi.Credential, error)) ticket.WaiterID {
	l.lastWaiter++
	w := l.lastWaiter
	l.waiting[w] = answer
	l.do(io, ticket.Event{
		Kind: ticket.EventWant, Waiter: w, Name: ticket.Name{Service: kerberosService, Host: node}, Deadline: io.Wall().Add(ticketPatience),
	})
	return w
}

// cancel: nobody waits any more.
func (l *wallet) cancel(io *world.IO, w ticket.WaiterID) {
	if l.waiting[w] != nil {
		delete(l.waiting, w)
		l.do(io, ticket.Event{Kind: ticket.EventCancel, Waiter: w})
	}
}

// negotiated tells the core how a negotiation with node ended for which its ticket was
// presented. It counts for the ticket that is there now, as with the client's driver.
func (l *wallet) negotiated(io *world.IO, node string, accepted bool) {
	ev := ticket.Event{Kind: ticket.EventSuspect}
	if accepted {
		ev.Kind = ticket.EventTrust
	}
	for v := range l.core.Tickets() {
		if v.Name == (ticket.Name{Service: kerberosService, Host: node}) {
			ev.Handle = v.Handle
		}
	}
	l.do(io, ev)
}

// step takes what the world tells of the wallet's connections and timers.
func (l *wallet) step(ev world.Event, io *world.IO) {
	f := l.fetches[ev.Conn]
	switch {
	case ev.Kind == world.EventTimer:
		l.do(io, ticket.Event{Kind: ticket.EventTimer, Timer: ticket.TimerID(uint64(ev.Timer) &^ walletOwner)})
	case f == nil:
	case ev.Kind == world.EventDialed:
		io.Write(ev.Conn, f.request.marshal())
	case ev.Kind == world.EventReceived:
		l.received(ev, f, io)
	default: // the dial failed, or the connection ended without an answer
		delete(l.fetches, ev.Conn)
		l.do(io, ticket.Event{Kind: ticket.EventFailed, Fetch: f.id, Failure: ticket.Failure{Kind: ticket.FailureUnreachable}})
	}
}

func (l *wallet) received(ev world.Event, f *fetch, io *world.IO) {
	f.arrived = append(f.arrived, ev.Data...)
	message, broken := whole(f.arrived)
	if message == nil && !broken {
		return
	}
	delete(l.fetches, ev.Conn)
	io.Close(ev.Conn)
	reply, ok := parseKDCReply(message)
	switch {
	case broken || !ok:
		l.do(io, ticket.Event{Kind: ticket.EventFailed, Fetch: f.id, Failure: ticket.Failure{Kind: ticket.FailureUnreachable, Cause: ticket.CauseAnswer}})
	case reply.cause != ticket.CauseNone:
		l.do(io, ticket.Event{Kind: ticket.EventFailed, Fetch: f.id, Failure: ticket.Failure{
			Kind: ticket.FailureRefused, Cause: reply.cause, Local: io.Wall(), Peer: reply.now,
		}})
	default:
		l.do(io, ticket.Event{Kind: ticket.EventFetched, Fetch: f.id, Ticket: l.keep(f, &reply)})
	}
}

// keep puts what came into the wallet.
func (l *wallet) keep(f *fetch, reply *kdcReply) ticket.Ticket {
	l.lastHandle++
	held := heldTicket{granting: reply.granting}
	if !f.name.Granting() {
		key, err := gssapi.NewKey(keyType, reply.key)
		must(err)
		held.credential = &gssapi.Credential{
			Client: clientPrincipal(l.client), Service: gssapi.ServicePrincipal(kerberosService, f.name.Host, kerberosRealm),
			Ticket: reply.ticket, Key: key, Start: reply.start, End: reply.end,
		}
	}
	l.tickets[l.lastHandle] = held
	t := ticket.Ticket{Handle: l.lastHandle, Start: reply.start, End: reply.end}
	if f.name.Granting() {
		t.RenewTill = reply.renewTill
	}
	return t
}

func (l *wallet) do(io *world.IO, ev ticket.Event) {
	l.effects = l.core.Step(io.Wall(), ev, l.effects[:0])
	effects := l.effects
	l.effects = nil // an answer may lead back here
	for i := range effects {
		l.apply(io, &effects[i])
	}
	l.effects = effects
}

func (l *wallet) apply(io *world.IO, e *ticket.Effect) {
	switch e.Kind {
	case ticket.EffectFetch:
		l.fetch(io, e)
	case ticket.EffectAbandon:
		l.abandon(io, e.Fetch)
	case ticket.EffectArm:
		io.Arm(protocol.TimerID(uint64(e.Timer)|walletOwner), e.After+between(io.Rand(), 0, e.Spread))
	case ticket.EffectStop:
		io.Stop(protocol.TimerID(uint64(e.Timer) | walletOwner))
	case ticket.EffectAnswer:
		l.answer(io, e)
	case ticket.EffectState:
		l.changed(io, e)
	case ticket.EffectDrop:
		delete(l.tickets, e.Handle)
	}
}

func (l *wallet) fetch(io *world.IO, e *ticket.Effect) {
	f := &fetch{id: e.Fetch, name: e.Name, request: kdcRequest{
		exchange: e.Exchange, client: l.client, now: io.Wall(), granting: l.tickets[e.Handle].granting, node: e.Name.Host,
	}}
	conn := protocol.ConnID(uint64(e.Fetch) | walletOwner)
	l.fetches[conn] = f
	l.process.run.judge.fetched(l.process.run.world.Now(), l.process.index)
	io.Dial(conn, kdcAddr())
}

func (l *wallet) abandon(io *world.IO, id ticket.FetchID) {
	conn := protocol.ConnID(uint64(id) | walletOwner)
	if l.fetches[conn] != nil {
		delete(l.fetches, conn)
		io.Close(conn)
	}
}

func (l *wallet) answer(io *world.IO, e *ticket.Effect) {
	answer := l.waiting[e.Waiter]
	if answer == nil {
		return
	}
	delete(l.waiting, e.Waiter)
	if e.Handle == 0 {
		answer(io, nil, fmt.Errorf("%w: %v", gssapi.ErrNoCredential, e.Failure))
		return
	}
	answer(io, l.tickets[e.Handle].credential, nil)
}

// changed traces what has become of a ticket.
func (l *wallet) changed(io *world.IO, e *ticket.Effect) {
	note := ""
	if e.Failure.Kind != ticket.FailureNone {
		note = e.Failure.String()
	}
	io.Trace(trace.Event{Kind: trace.KindCredential, Key: e.Name.String(), State: e.State.String(), Note: note})
	l.process.run.judge.ticketChanged(l.process.run.world.Now(), l.process.index, e)
}
