// What the trace itself says of a connection: the frames on their way and the ends that
// are open. No rule of the specification is here, only that bytes arrive in order.

package conformance

// wire is one connection of the trace.
type wire struct {
	number  uint64 // at the client
	session *tracked
	local   string // the client's address, once it is connected

	server       string // the node that accepted it
	serverNumber uint64 // its number there

	connected, accepted    bool // told by client, by server
	clientOver, serverOver bool
	hungUp                 bool // the server closed it while it was alive
	torn                   bool // a firewall in between resets it, in the name of either end
	negotiations           int  // messages that the client wrote
	answers                int  // to them, that the server wrote
	answered               int  // to them, that the client read
	ready                  bool // the last of them was success
	anonymous              bool // success, because the server has no authentication: nobody has a principal

	told [2][2]bool // a frame has been told of: by side, written or read

	up       frames // written by the client, not read by the server
	read     frames // read by the server, not answered
	down     frames // written by the server, not read by the client
	atClient pipe
	atServer pipe
	stage    string // what the client last told of it
}

// frames is a queue.
type frames struct {
	list []frame
	head int
}

func (q *frames) len() int { return len(q.list) - q.head }

func (q *frames) push(f frame) {
	if q.head > 64 && q.head*2 > len(q.list) {
		q.list = append(q.list[:0], q.list[q.head:]...)
		q.head = 0
	}
	q.list = append(q.list, f)
}

func (q *frames) first() *frame {
	if q.len() == 0 {
		return nil
	}
	return &q.list[q.head]
}

func (q *frames) pop() { q.head++ }

// find returns the oldest frame that ok accepts.
func (q *frames) find(ok func(*frame) bool) *frame {
	for i := q.head; i < len(q.list); i++ {
		if ok(&q.list[i]) {
			return &q.list[i]
		}
	}
	return nil
}

// remove takes out a frame that find has found.
func (q *frames) remove(f *frame) {
	for i := q.head; i < len(q.list); i++ {
		if &q.list[i] == f {
			copy(q.list[q.head+1:i+1], q.list[q.head:i])
			q.head++
			return
		}
	}
}

// pipe counts the bytes that one end was given and that whole frames of it took; a
// recording that shows no bytes is not held to them.
type pipe struct {
	seen      bool
	delivered int
}

func (p *pipe) deliver(n int) {
	p.seen = true
	p.delivered += n
}

// take takes a frame's bytes; false where fewer have arrived.
func (p *pipe) take(n int) bool {
	p.delivered -= n
	return !p.seen || p.delivered >= 0
}
