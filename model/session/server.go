// Clauses S30 to S41: the server.

package session

import "strings"

// authenticated and dead are the ends of a connection at the server beside those that
// wait for a negotiation message.
func (m *Model) authenticated() uint8 { return uint8(m.R) + 1 }
func (m *Model) dead() uint8          { return uint8(m.R) + 2 }

// serve takes the next message of a connection.
func (x *steps) serve(s State, c uint8) {
	end := s.connection(c)
	if end.Server == 0 || end.ToServer == "" {
		return
	}
	m := end.ToServer[0]
	switch {
	// S30: a FIN ends the connection, unless the server never forgets one.
	case m == msgFIN:
		end.ToServer = ""
		if x.OldConn != OldConnSticky {
			end.Server = 0
			end.forget()
		}
	// S31: an end that has died without telling reads on and throws away.
	case end.Server == x.dead():
		end.ToServer = end.ToServer[1:]
	// S32: a request is executed and answered for an authenticated client, and for
	// anybody where authentication is not mandatory.
	case isRequest(m) && (end.Server == x.authenticated() || !x.Mandatory):
		end.answer(m, end.Server)
	// S33: otherwise the reference server refuses it and nothing else changes.
	case isRequest(m) && x.ServerMode == ServerReference:
		end.answer(msgRefusal+m, end.Server)
	// S34: the negotiation message that is waited for is answered.
	case isNeg(m) && end.Server == m-msgNeg:
		end.answer(m, end.Server+1)
	default:
		x.offence(end)
	}
	x.take(serve, c, s)
}

// answer sends m back and leaves the server's end in that state.
func (c *Connection) answer(m byte, server uint8) {
	c.Server, c.ToServer = server, c.ToServer[1:]
	if c.hears() {
		c.ToClient += string([]byte{m})
	}
}

// offence. S35: a request before authentication, or a negotiation message out of
// order. The hanging server leaves the connection open and never answers again; the
// others close it.
func (x *steps) offence(end *Connection) {
	if x.ServerMode == ServerHang {
		end.Server, end.ToServer = x.dead(), end.ToServer[1:]
		return
	}
	end.closeServer()
}

func (c *Connection) closeServer() {
	c.Server, c.ToServer = 0, ""
	if c.hears() {
		c.ToClient += string([]byte{msgFIN})
	}
	c.forget()
}

// giveUp. S36, GiveUp: the server ends a negotiation by a timer of its own while the
// client is still at it. It is an early timer.
func (x *steps) giveUp(s State, c uint8) {
	end := s.connection(c)
	if !x.GiveUp || s.Earlies == 0 || end.Server < 1 || int(end.Server) > x.R {
		return
	}
	s.Earlies--
	if x.ServerMode == ServerHang {
		end.Server = x.dead()
	} else {
		end.closeServer()
	}
	x.take(giveUp, c, s)
}

// answerOddly. S40, Odd: the server answers a request with an error that the client does
// not know.
func (x *steps) answerOddly(s State, c uint8) {
	if end := s.connection(c); x.Odd && x.strange(&s, end) && isRequest(end.ToServer[0]) {
		s.Earlies--
		end.answer(msgOdd+end.ToServer[0], end.Server)
		x.take(answerOddly, c, s)
	}
}

// answerDisabled. S41, Rogue: the server answers a negotiation message with "no
// authentication here".
func (x *steps) answerDisabled(s State, c uint8) {
	if end := s.connection(c); x.Rogue && x.strange(&s, end) && isNeg(end.ToServer[0]) {
		s.Earlies--
		end.answer(msgDisabled, end.Server)
		x.take(answerDisabled, c, s)
	}
}

// strange says whether the server can answer as it should not.
func (x *steps) strange(s *State, end *Connection) bool {
	return s.Earlies > 0 && end.Server != 0 && end.Server != x.dead() && end.ToServer != ""
}

// crash. S37: the server dies, and with it its end of every connection and what was on
// the way to it; open connections are told. S38: or, unnoticed, they are not.
func (x *steps) crash(s State) {
	if !s.Up || s.Crashes == 0 {
		return
	}
	s.Up = false
	s.Crashes--
	told := s
	held := false
	for c := range x.K {
		held = held || s.Connections[c].Client == Open && s.Connections[c].Server != 0
		s.Connections[c].crash()
		told.Connections[c].crash()
		if end := &told.Connections[c]; end.hears() && !strings.Contains(end.ToClient, string([]byte{msgFIN})) {
			end.ToClient += string([]byte{msgFIN})
		}
	}
	x.take(crash, 0, told)
	if s.Losses > 0 && held {
		s.Losses--
		x.take(crashUnnoticed, 0, s)
	}
}

func (c *Connection) crash() {
	c.Server, c.ToServer = 0, ""
	c.forget()
}

// start. S39: the server comes back. It has forgotten every connection.
func (x *steps) start(s State) {
	if !s.Up {
		s.Up = true
		x.take(start, 0, s)
	}
}
