// The wire observer: it reads every frame that a process writes, independently of the
// cores, and knows when the other side has it. What the judge says of connections and
// negotiations, and every frame in a trace, comes from here and not from what a client
// or a server believes of itself.

package sim

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// connection is what the observer knows of one TCP connection.
type connection struct {
	id     uint64
	client int // index
	node   string
	pair   *pair

	dialedAt  time.Time
	upAt      time.Time                  // zero until the client's handshake completed
	heardAt   time.Time                  // when the client last received bytes
	ready     bool                       // success was delivered to the client, or a client without SASL is served without
	granted   bool                       // success was written by the server
	forged    bool                       // an odd server's answer stood in the place of one of its core's
	garbled   bool                       // what comes from the node is no frame any more
	mute      bool                       // the node has given it up, and leaves it open
	clientEnd bool                       // the client has its end open
	serverEnd bool                       // the node has its end open
	disturbed bool                       // a fault of a node or of the network may have cost it something
	requests  int                        // requests written and not answered
	awaited   []awaited                  // requests that have a deadline, oldest first
	step      protocol.NegotiationStatus // the latest negotiation message of the client
	up, down  direction
}

// direction is one byte stream and the frames in it that have not arrived whole.
type direction struct {
	written, delivered int
	started            bool // a frame was written
	frames             []frame
	first              int // index in frames of the oldest that has not arrived
}

// frame is what arrives when the stream has been delivered up to end.
type frame struct {
	end   int
	event trace.Event
	rpc   protocol.RPC
	seq   int32
	neg   protocol.NegotiationStatus
	code  protocol.ErrorCode
	query protocol.ErrorCode // of the answer to a meta query
}

// push makes room for a frame of size bytes that is written now.
func (d *direction) push(size int) *frame {
	if d.first*2 > len(d.frames) {
		d.frames = append(d.frames[:0], d.frames[d.first:]...)
		d.first = 0
	}
	d.written += size
	d.frames = append(d.frames, frame{end: d.written})
	return &d.frames[len(d.frames)-1]
}

// arrive takes n delivered bytes and calls whole for each frame that they complete.
func (d *direction) arrive(n int, whole func(*frame)) {
	d.delivered += n
	for d.first < len(d.frames) && d.frames[d.first].end <= d.delivered {
		whole(&d.frames[d.first])
		d.first++
	}
}

// observer decodes what is written and tells the judge.
type observer struct {
	up          func(netip.AddrPort) bool // whether a server runs there
	troubled    func(node string) bool    // whether a fault is in force that spares nobody
	leads       func(node string) bool    // whether the metas have elected it
	ports       map[usedPort]bool
	judge       *judge
	connections []*connection // by id, which counts dials; nil: nobody has it open
	requests    *protocol.RequestDecoder
	responses   *protocol.ResponseDecoder
}

func newObserver(j *judge) *observer {
	return &observer{
		judge:     j,
		up:        func(netip.AddrPort) bool { return true },
		troubled:  func(string) bool { return false },
		leads:     func(string) bool { return true },
		ports:     make(map[usedPort]bool),
		requests:  protocol.NewRequestDecoder(protocol.DefaultLimits()),
		responses: protocol.NewResponseDecoder(protocol.DefaultLimits()),
	}
}

// usedPort is a client's port towards a node.
type usedPort struct {
	client int
	node   string
	port   uint16
}

// dialed: the client started a connection to node.
func (o *observer) dialed(now time.Time, id uint64, client int, node string) {
	c := &connection{id: id, client: client, node: node, dialedAt: now, clientEnd: true}
	c.disturbed = o.troubled(node) || o.troubled(clientName(client))
	for uint64(len(o.connections)) <= id {
		o.connections = append(o.connections, nil)
	}
	o.connections[id] = c
	o.judge.dialed(now, c)
}

// connection finds one that somebody has open, nil without.
func (o *observer) connection(id uint64) *connection {
	if id >= uint64(len(o.connections)) {
		return nil
	}
	return o.connections[id]
}

// connected: the client's handshake completed.
func (o *observer) connected(now time.Time, id uint64, port uint16) {
	c := o.connection(id)
	c.upAt = now
	o.judge.connected()
	if s := o.judge.scenario; !s.negotiates() && !s.mandatory() { // it is as ready as it will be
		c.ready = true
		o.judge.negotiated(now, c)
	}
	used := usedPort{c.client, c.node, port}
	if o.ports[used] {
		o.judge.meet(MetPortReuse)
	}
	o.ports[used] = true
}

// clientGone: the client's end is closed, by itself or by what it was told.
func (o *observer) clientGone(now time.Time, id uint64) {
	c := o.connection(id)
	if c == nil || !c.clientEnd {
		return
	}
	c.clientEnd = false
	o.judge.lost(now, c)
	o.forget(c)
}

// accepted: the node has its end.
func (o *observer) accepted(id uint64) {
	if c := o.connection(id); c != nil {
		c.serverEnd = true
	}
}

// serverGone: the node's end is closed, by itself or by what it was told.
func (o *observer) serverGone(id uint64) {
	if c := o.connection(id); c != nil {
		c.serverEnd = false
		o.forget(c)
	}
}

// nodeGone: every end of the node is closed.
func (o *observer) nodeGone(node string) {
	for _, c := range o.connections {
		if c != nil && c.node == node {
			c.serverEnd = false
			o.forget(c)
		}
	}
}

// clientDied: every end of a client is closed.
func (o *observer) clientDied(now time.Time, client int) {
	for _, c := range o.connections {
		if c != nil && c.client == client {
			o.clientGone(now, c.id)
		}
	}
}

// disturb marks the connections of a node, server or client.
func (o *observer) disturb(node string) {
	for _, c := range o.connections {
		if c != nil && (c.node == node || clientName(c.client) == node) {
			c.disturbed = true
		}
	}
}

// forget drops a connection that nobody has open any more.
func (o *observer) forget(c *connection) {
	if !c.clientEnd && !c.serverEnd {
		o.connections[c.id] = nil
	}
}

// clientWrote takes whole frames of the client; tell emits their trace events at the
// client.
func (o *observer) clientWrote(now time.Time, id uint64, data []byte, tell func(*trace.Event)) {
	c := o.connection(id)
	if c == nil {
		return
	}
	o.requests.Reset()
	_ = o.requests.Write(data) // what cannot be decoded is told by Next
	before := o.requests.Buffered()
	var r protocol.Request
	for {
		ok, err := o.requests.Next(&r)
		if err != nil {
			o.judge.violate(now, propertyFrames, fmt.Sprintf("%s wrote bytes on c%d that are not frames: %v", clientName(c.client), id, err))
			return
		}
		if !ok {
			break
		}
		left := o.requests.Buffered()
		o.clientFrame(now, c, &r, before-left, tell)
		before = left
	}
}

func (o *observer) clientFrame(now time.Time, c *connection, r *protocol.Request, size int, tell func(*trace.Event)) {
	f := c.up.push(size)
	f.rpc = r.RPC
	f.event = trace.Event{Kind: trace.KindFrameOut, Conn: c.id, RPC: r.RPC.String(), Seq: r.Seq, Size: size, First: !c.up.started}
	c.up.started = true
	if r.RPC == protocol.RPCNegotiation {
		f.neg, _, _ = protocol.ParseNegotiationArgs(r.Body)
		f.event.Neg = f.neg.String()
		c.step = f.neg
	} else {
		f.event.OfRequest(r)
		c.requests++
		c.expect(now, r)
		o.judge.requestWritten(now, c, r.RPC, f.event.First)
	}
	tell(&f.event)
	f.event.Kind = trace.KindFrameIn
}

// serverReceived: n bytes of the client arrived at the node.
func (o *observer) serverReceived(id uint64, n int, tell func(*trace.Event)) {
	if c := o.connection(id); c != nil {
		c.up.arrive(n, func(f *frame) { tell(&f.event) })
	}
}

// serverWrote takes whole frames of the node.
func (o *observer) serverWrote(now time.Time, id uint64, data []byte, tell func(*trace.Event)) {
	c := o.connection(id)
	if c == nil || c.garbled {
		return
	}
	if c.mute {
		o.judge.wroteMute(now, c)
	}
	o.responses.Reset()
	_ = o.responses.Write(data)
	before := o.responses.Buffered()
	var r protocol.Response
	for {
		ok, err := o.responses.Next(&r)
		if err != nil {
			o.judge.violate(now, propertyFrames, fmt.Sprintf("%s wrote bytes on c%d that are not frames: %v", c.node, id, err))
			return
		}
		if !ok {
			break
		}
		left := o.responses.Buffered()
		o.serverFrame(c, &r, before-left, tell)
		before = left
	}
}

func (o *observer) serverFrame(c *connection, r *protocol.Response, size int, tell func(*trace.Event)) {
	name := r.CodeName
	if r.Code != protocol.CodeUnknown {
		name = r.Code.String()
	}
	f := c.down.push(size)
	f.rpc, f.code, f.seq = r.RPC, r.Code, r.Seq
	f.event = trace.Event{Kind: trace.KindFrameOut, Conn: c.id, RPC: r.RPC.AckName(), Seq: r.Seq, Code: name, Size: size, First: !c.down.started}
	c.down.started = true
	switch {
	case r.RPC == protocol.RPCNegotiation && r.Code == protocol.CodeOK:
		f.neg, _, _ = protocol.ParseNegotiationResult(r.Body)
		f.event.Neg = f.neg.String()
		c.granted = c.granted || f.neg == protocol.SASLSucc && !c.forged
	case r.RPC == protocol.RPCQueryConfig && r.Code == protocol.CodeOK:
		var q protocol.QueryConfig
		if protocol.ParseQueryConfigResult(r.Body, &q) == nil {
			f.query = q.Err
			f.event.Answer = trace.AnswerOf(&q).String()
			o.meetRedirect(c.node, &q)
		}
	}
	tell(&f.event)
	f.event.Kind = trace.KindFrameIn
}

// clientReceived: n bytes of the node arrived at the client. Called before the client
// acts on them.
func (o *observer) clientReceived(now time.Time, id uint64, n int, tell func(*trace.Event)) {
	c := o.connection(id)
	if c == nil {
		return
	}
	c.heardAt = now
	c.down.arrive(n, func(f *frame) {
		tell(&f.event)
		switch {
		case f.rpc != protocol.RPCNegotiation:
			c.requests--
			o.meetAnswer(now, c, f.seq)
			o.meetRefusal(f)
			o.judge.answered(now, c, f.rpc, f.code, f.query)
		case f.neg == protocol.SASLSucc && !c.ready && !c.forged:
			c.ready = true
			o.judge.negotiated(now, c)
		}
	})
}

// muted: the node leaves a connection open, and is never to write on it again.
func (o *observer) muted(id uint64) {
	if c := o.connection(id); c != nil {
		c.mute = true
	}
}

// forge: what a connection is told of its negotiation from now on is not its server's word.
func (o *observer) forge(id uint64) {
	if c := o.connection(id); c != nil {
		c.forged = true
	}
}

// garbage: an odd server's bytes, which are no frame, go to the client.
func (o *observer) garbage(id uint64) {
	if c := o.connection(id); c != nil {
		c.garbled = true
	}
}

// inFlight counts the requests that are written to node and not answered.
func (o *observer) inFlight(node string) int {
	n := 0
	for _, c := range o.connections {
		if c != nil && c.node == node && c.clientEnd {
			n += c.requests
		}
	}
	return n
}
