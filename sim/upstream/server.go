// The server model's outside: Step, its connections, the gate before execution, and the
// death of a session.

package upstream

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Server models one meta or replica process. It is made by NewServer; all that survives
// a restart of it is in its Storage.
type Server struct {
	cfg     ServerConfig
	storage Storage
	peers   map[protocol.ConnID]*peer
	leaked  int // sockets that are never closed, see Leaked

	now  time.Time // of the current Step
	out  []ServerEffect
	wire []byte // frames written in the current Step
	body []byte // scratch for result structs
	req  protocol.Request
	qcfg protocol.QueryConfig
	args protocol.QueryConfigArgs
}

// peer is one accepted connection with its negotiation. Both are made by the accept and
// end together: a restarted server knows neither.
type peer struct {
	id        protocol.ConnID
	state     ServerConnState
	status    protocol.NegotiationStatus // what was accepted or sent last
	waiting   bool                       // for the mechanism
	timed     bool                       // its negotiation's deadline runs
	seq       int32                      // of the negotiation message that waits
	principal string
	dec       *protocol.RequestDecoder
	held      bool // dead, and an answer is queued on it that holds it
}

// NewServer returns a server that has just started. Errors wrap ErrConfig. storage may
// be nil for a meta server.
func NewServer(cfg ServerConfig, storage Storage) (*Server, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	if storage == nil {
		storage = NewMemory()
	}
	return &Server{cfg: cfg, storage: storage, peers: make(map[protocol.ConnID]*peer)}, nil
}

// Step takes one event at an instant that never goes back, and appends what has to be
// done to out.
func (s *Server) Step(now time.Time, ev ServerEvent, out []ServerEffect) []ServerEffect {
	s.now, s.out, s.wire = now, out, s.wire[:0]
	p := s.peers[ev.Conn]
	switch {
	case ev.Kind == ServerAccepted:
		s.accepted(ev.Conn)
	case ev.Kind == ServerLeader:
		s.cfg.Leader = ev.Peer
	case ev.Kind == ServerTables:
		s.cfg.Tables = ev.Tables
	case p == nil:
	case ev.Kind == ServerReceived:
		s.received(p, ev.Data)
	case ev.Kind == ServerClosed:
		s.gone(p, CausePeer)
	case ev.Kind == ServerToken:
		s.token(p, &ev)
	case ev.Kind == ServerTimer:
		s.deadline(p)
	}
	out, s.out = s.out, nil
	return out
}

// Leaked is the number of sockets that the process has open although their peers have closed
// them, and nobody will: those of sessions on which a negotiation message came after their
// end. Its answer was queued, and each of the two holds the other (S2).
func (s *Server) Leaked() int { return s.leaked }

func (s *Server) accepted(id protocol.ConnID) {
	if len(s.peers) >= s.cfg.MaxConnections {
		s.out = append(s.out, ServerEffect{Kind: ServerClose, Conn: id, Cause: CauseLimit})
		return
	}
	p := &peer{id: id, status: protocol.SASLListMechanisms, dec: protocol.NewRequestDecoder(s.cfg.Limits)}
	s.peers[id] = p
	s.enter(p, ServerConnOpen, CauseNone)
	if s.cfg.Auth == AuthMandatory {
		s.startDeadline(p)
	}
}

// startDeadline is the cause C3, where the configuration has it.
func (s *Server) startDeadline(p *peer) {
	if s.cfg.NegotiationTimeout > 0 && !p.timed {
		p.timed = true
		s.out = append(s.out, ServerEffect{Kind: ServerArmTimer, Conn: p.id, After: s.cfg.NegotiationTimeout})
	}
}

func (s *Server) stopDeadline(p *peer) {
	if p.timed {
		p.timed = false
		s.out = append(s.out, ServerEffect{Kind: ServerStopTimer, Conn: p.id})
	}
}

// deadline gives up a session whose negotiation is under way, as any other.
func (s *Server) deadline(p *peer) {
	if p.timed && p.state == ServerConnOpen {
		p.timed = false
		s.die(p, CauseDeadline)
	}
}

func (s *Server) enter(p *peer, state ServerConnState, cause Cause) {
	p.state = state
	s.out = append(s.out, ServerEffect{Kind: ServerConn, Conn: p.id, State: state, Cause: cause})
}

func (s *Server) gone(p *peer, cause Cause) {
	s.stopDeadline(p)
	delete(s.peers, p.id)
	if p.held {
		s.leaked++
	}
	s.enter(p, ServerConnGone, cause)
}

// die gives a session up. fin closes the socket; hang leaves it to the peer to close,
// reads what comes, and never writes again, not even the answer to a negotiation.
func (s *Server) die(p *peer, cause Cause) {
	if s.cfg.Mode == ModeHang {
		s.stopDeadline(p)
		s.enter(p, ServerConnDead, cause)
		return
	}
	s.out = append(s.out, ServerEffect{Kind: ServerClose, Conn: p.id, Cause: cause})
	s.gone(p, cause)
}

func (s *Server) received(p *peer, data []byte) {
	err := p.dec.Write(data)
	for err == nil && p.state != ServerConnGone {
		var ok bool
		if ok, err = p.dec.Next(&s.req); !ok {
			break
		}
		if p.state == ServerConnDead {
			p.held = p.held || s.req.RPC == protocol.RPCNegotiation
			continue
		}
		s.request(p)
	}
	if err != nil && p.state != ServerConnDead {
		s.die(p, CauseProtocol)
	}
}

// request is the gate: where authentication is mandatory, nothing but negotiation before
// its success.
func (s *Server) request(p *peer) {
	authenticated := p.state == ServerConnAuthenticated
	switch {
	case s.req.RPC == protocol.RPCNegotiation:
		s.negotiation(p)
	case s.cfg.Auth == AuthMandatory && !authenticated:
		s.die(p, CauseEarlyRequest)
	default:
		s.out = append(s.out, ServerEffect{
			Kind: ServerExecuted, Conn: p.id, RPC: s.req.RPC, Principal: p.principal, Authenticated: authenticated,
		})
		s.execute(p)
	}
}

// execute answers a request. An rpc that a node of its role has no handler for is
// answered so.
func (s *Server) execute(p *peer) {
	code := protocol.CodeHandlerNotFound
	s.body = s.body[:0]
	switch {
	case s.cfg.Meta && s.req.RPC == protocol.RPCQueryConfig:
		code = s.queryConfig()
	case !s.cfg.Meta && (s.req.RPC.IsRead() || s.req.RPC.IsWrite()):
		code = s.serve()
	}
	s.reply(p, s.req.RPC, s.req.Name, s.req.Seq, code)
}

// reply writes an answer; s.body is its result struct. A one-way request has none.
func (s *Server) reply(p *peer, rpc protocol.RPC, name string, seq int32, code protocol.ErrorCode) {
	if rpc.IsOneWay() {
		return
	}
	r := protocol.Response{Code: code, RPC: rpc, Seq: seq, Body: s.body}
	if rpc == protocol.RPCUnknown {
		r.Name = name + "_ACK"
	}
	start := len(s.wire)
	s.wire = protocol.AppendResponse(s.wire, &r)
	s.out = append(s.out, ServerEffect{Kind: ServerWrite, Conn: p.id, Data: s.wire[start:len(s.wire):len(s.wire)]})
}
