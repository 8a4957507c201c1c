// The constants: bounds, budgets, and which client meets which server.

package session

import (
	"fmt"
	"slices"
	"strconv"
)

// Client says where authentication is remembered.
type Client string

// Clients.
const (
	ClientSession Client = "session" // in a flag of the session, never reset
	ClientReset   Client = "reset"   // in a flag of the session, reset after the close
	ClientConn    Client = "conn"    // with the connection: the reference client
)

// Rebuild is a remedy added to ClientSession: the session is rebuilt when the
// client notices that the server ended its connection.
type Rebuild string

// Remedies.
const (
	RebuildNo    Rebuild = "no"
	RebuildAsync Rebuild = "async" // by a watcher, some time later
	RebuildSync  Rebuild = "sync"  // in the same step
)

// ServerMode says what the server does to a request that comes before authentication
// where that is mandatory, and to a negotiation message out of order.
type ServerMode string

// Server modes.
const (
	ServerFin       ServerMode = "fin"       // closes the connection
	ServerHang      ServerMode = "hang"      // leaves it open, reads on, never answers again
	ServerReference ServerMode = "reference" // refuses a request, and closes on a message out of order
)

// OldConn says what becomes of a dial from a port on which the server still holds an
// earlier connection.
type OldConn string

// Fates of such a dial.
const (
	OldConnTCP      OldConn = "tcp"      // challenge ACK, RST, the old connection is gone, the SYN is sent again
	OldConnGlued    OldConn = "glued"    // taken for the old connection, unless its FIN is on the way
	OldConnOvertake OldConn = "overtake" // the same, FIN on the way or not
	OldConnSticky   OldConn = "sticky"   // the same, and no FIN ever ends the old connection
)

// Largest values of the constants that bound a state.
const (
	MaxRequests = 8
	MaxSlots    = 8
	maxRounds   = 20
	maxBudget   = 100
)

// Constants of the specification, named as in its TLA+ twin.
type Constants struct {
	NReq       int // requests 1..NReq
	K          int // connection slots
	NPorts     int // local ports 1..NPorts
	R          int // request/response pairs of one negotiation
	W          int // unanswered timeouts that make the client close its session
	Crashes    int // budget: server crashes
	Losses     int // budget: FINs that never arrive
	Earlies    int // budget: timers that fire although the answer was on its way
	Client     Client
	Rebuild    Rebuild
	ServerMode ServerMode
	Mandatory  bool // authentication is mandatory
	PortReuse  bool // the client may dial from a port that the server still holds
	OldConn    OldConn
	GiveUp     bool // the server has a negotiation timer of its own
	ByRemoval  bool // a reply counts only if its request still waits for one
	Cyclic     bool // the user submits each request again and again
}

// Default returns the default bounds: two requests, two crashes, one FIN that is lost,
// one timer that fires early, and the four rounds that GSSAPI takes; the reference
// client and server. There are as many ports and slots as lost FINs can block, and one more.
func Default() Constants {
	return Constants{
		NReq: 2, K: 2, NPorts: 2, R: 4, W: 2, Crashes: 2, Losses: 1, Earlies: 1,
		Client: ClientConn, Rebuild: RebuildNo, ServerMode: ServerReference, Mandatory: true,
		OldConn: OldConnTCP, ByRemoval: true, Cyclic: true,
	}
}

// Plain returns bounds without lost FINs and early timers, so that one port is enough.
func Plain() Constants {
	c := Default()
	c.NPorts, c.Losses, c.Earlies = 1, 0, 0
	return c
}

// Deep returns bounds that take minutes with a defect switched on.
func Deep() Constants {
	c := Default()
	c.NReq, c.Crashes = 3, 3
	return c
}

// ConstantError says that a constant does not exist or cannot have a value.
type ConstantError struct {
	Name  string
	Value string
	Want  string   // what the value should be; "" where there is no such constant
	Valid []string // names of all constants, or all values if they can be listed
}

// Error says it in one sentence.
func (e *ConstantError) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("the session specification has no constant %q", e.Name)
	}
	return fmt.Sprintf("constant %s cannot be %q: it must be %s", e.Name, e.Value, e.Want)
}

// constant is how one of them is read and written.
type constant struct {
	name   string
	want   string
	values []string
	get    func(*Constants) any
	set    func(*Constants, string) bool
}

var constants = []constant{
	number("NReq", 1, MaxRequests, func(c *Constants) *int { return &c.NReq }),
	number("K", 1, MaxSlots, func(c *Constants) *int { return &c.K }),
	number("NPorts", 1, MaxSlots, func(c *Constants) *int { return &c.NPorts }),
	number("R", 1, maxRounds, func(c *Constants) *int { return &c.R }),
	number("W", 1, maxBudget, func(c *Constants) *int { return &c.W }),
	number("Crashes", 0, maxBudget, func(c *Constants) *int { return &c.Crashes }),
	number("Losses", 0, maxBudget, func(c *Constants) *int { return &c.Losses }),
	number("Earlies", 0, maxBudget, func(c *Constants) *int { return &c.Earlies }),
	choice("Client", func(c *Constants) *Client { return &c.Client }, ClientSession, ClientReset, ClientConn),
	choice("Rebuild", func(c *Constants) *Rebuild { return &c.Rebuild }, RebuildNo, RebuildAsync, RebuildSync),
	choice("ServerMode", func(c *Constants) *ServerMode { return &c.ServerMode }, ServerFin, ServerHang, ServerReference),
	truth("Mandatory", func(c *Constants) *bool { return &c.Mandatory }),
	truth("PortReuse", func(c *Constants) *bool { return &c.PortReuse }),
	choice("OldConn", func(c *Constants) *OldConn { return &c.OldConn }, OldConnTCP, OldConnGlued, OldConnOvertake, OldConnSticky),
	truth("GiveUp", func(c *Constants) *bool { return &c.GiveUp }),
	truth("ByRemoval", func(c *Constants) *bool { return &c.ByRemoval }),
	truth("Cyclic", func(c *Constants) *bool { return &c.Cyclic }),
}

func number(name string, low, high int, field func(*Constants) *int) constant {
	return constant{
		name: name, want: fmt.Sprintf("a number from %d to %d", low, high),
		get: func(c *Constants) any { return *field(c) },
		set: func(c *Constants, value string) bool {
			n, err := strconv.Atoi(value)
			if err != nil || n < low || n > high {
				return false
			}
			*field(c) = n
			return true
		},
	}
}

func choice[T ~string](name string, field func(*Constants) *T, values ...T) constant {
	c := constant{name: name, get: func(c *Constants) any { return string(*field(c)) }}
	for i, v := range values {
		c.values = append(c.values, string(v))
		switch {
		case i == 0:
			c.want = string(v)
		case i == len(values)-1:
			c.want += " or " + string(v)
		default:
			c.want += ", " + string(v)
		}
	}
	c.set = func(to *Constants, value string) bool {
		for _, v := range values {
			if string(v) == value {
				*field(to) = v
				return true
			}
		}
		return false
	}
	return c
}

func truth(name string, field func(*Constants) *bool) constant {
	return constant{
		name: name, want: "true or false", values: []string{"true", "false"},
		get: func(c *Constants) any { return *field(c) },
		set: func(c *Constants, value string) bool {
			switch value {
			case "true", "TRUE":
				*field(c) = true
			case "false", "FALSE":
				*field(c) = false
			default:
				return false
			}
			return true
		},
	}
}

// ConstantInfo describes a constant.
type ConstantInfo struct {
	Name string
	Want string // what its values are
}

// Describe returns every constant.
func Describe() []ConstantInfo {
	list := make([]ConstantInfo, 0, len(constants))
	for _, c := range constants {
		list = append(list, ConstantInfo{Name: c.name, Want: c.want})
	}
	return list
}

func names() []string {
	list := make([]string, 0, len(constants))
	for _, c := range constants {
		list = append(list, c.name)
	}
	return list
}

// Set changes one constant by name. The error is a *ConstantError.
func (c *Constants) Set(name, value string) error {
	for _, k := range constants {
		if k.name != name {
			continue
		}
		if !k.set(c, value) {
			return &ConstantError{Name: name, Value: value, Want: k.want, Valid: slices.Clone(k.values)}
		}
		return nil
	}
	return &ConstantError{Name: name, Value: value, Valid: names()}
}

// Values returns the constants by name: int, string or bool.
func (c Constants) Values() map[string]any {
	values := make(map[string]any, len(constants))
	for _, k := range constants {
		values[k.name] = k.get(&c)
	}
	return values
}

// check says what is wrong with the values or their combination; nil if nothing.
func (c Constants) check() error {
	for _, k := range constants {
		value := fmt.Sprint(k.get(&c))
		if !k.set(&c, value) {
			return &ConstantError{Name: k.name, Value: value, Want: k.want, Valid: slices.Clone(k.values)}
		}
	}
	if c.Client != ClientSession && c.Rebuild != RebuildNo {
		return &ConstantError{
			Name: "Rebuild", Value: string(c.Rebuild), Valid: []string{string(RebuildNo)},
			Want: fmt.Sprintf("no with Client %s: rebuilding is a remedy for Client session", c.Client),
		}
	}
	return nil
}
