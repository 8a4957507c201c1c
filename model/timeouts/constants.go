// The constants: deadlines, delays, and which client meets which server.

package timeouts

import (
	"fmt"
	"slices"
	"strconv"
)

// Client says where authentication is remembered.
type Client string

// Clients.
const (
	ClientSession Client = "session" // in a flag of the session, never reset, still set after the restart
	ClientConn    Client = "conn"    // with the connection: the reference client
)

// ServerMode says what the server does to a request that comes before authentication
// where that is mandatory, and how it gives up a negotiation.
type ServerMode string

// Server modes.
const (
	ServerFin       ServerMode = "fin"       // closes the connection
	ServerHang      ServerMode = "hang"      // leaves it open and never answers again
	ServerReference ServerMode = "reference" // refuses a request; closes when it gives up
)

// Largest values of the constants.
const (
	maxSeconds = 1000
	maxRounds  = 20
)

// Constants of the specification, named as in its TLA+ twin. Durations are in seconds.
type Constants struct {
	TNeg       int  // client's negotiation timer
	PerMessage bool // it begins anew with every negotiation message
	TQ         int  // timer of one try of the query
	Win        int  // reset window: a timeout so long after the first unanswered one closes the session
	TSrv       int  // server's own limit for a whole negotiation; 0 for none
	D          int  // server's time to answer one negotiation message
	R          int  // request/response pairs of one negotiation
	SynDelay   int  // until a connection is up
	Backoff    int  // before a query is tried again that was reset or refused
	Away       int  // that a query which timed out spends at another meta: 0 one meta, TQ a second that is mute as well
	NegFirst   bool // of timers due at one instant the negotiation's goes first
	Client     Client
	ServerMode ServerMode
	Mandatory  bool // authentication is mandatory
	Cap        int  // time is counted up to here; 0: not at all
}

// Default returns the reference client and server, after a restart under load: the SYN is
// sent once again, and the server takes a second for each message.
func Default() Constants {
	return Constants{
		TNeg: 5, TQ: 5, Win: 10, TSrv: 15, D: 1, R: 4, SynDelay: 1, Backoff: 1,
		Client: ClientConn, ServerMode: ServerReference, Mandatory: true, Cap: 30,
	}
}

// Plain returns the same with connections that are up at once.
func Plain() Constants {
	c := Default()
	c.SynDelay = 0
	return c
}

// Incident returns upstream's client and server as they were in the incident, with a
// second meta that is mute as well: nothing is slow.
func Incident() Constants {
	return Constants{
		TNeg: 10, PerMessage: true, TQ: 5, Win: 30, R: 4, Away: 5,
		Client: ClientSession, ServerMode: ServerHang, Mandatory: true, Cap: 120,
	}
}

// IncidentOneMeta returns the same with one meta: the query is tried again at once.
func IncidentOneMeta() Constants {
	c := Incident()
	c.Away = 0
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
		return fmt.Sprintf("the timeouts specification has no constant %q", e.Name)
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
	number("TNeg", 0, maxSeconds, func(c *Constants) *int { return &c.TNeg }),
	truth("PerMessage", func(c *Constants) *bool { return &c.PerMessage }),
	number("TQ", 0, maxSeconds, func(c *Constants) *int { return &c.TQ }),
	number("Win", 0, maxSeconds, func(c *Constants) *int { return &c.Win }),
	number("TSrv", 0, maxSeconds, func(c *Constants) *int { return &c.TSrv }),
	number("D", 0, maxSeconds, func(c *Constants) *int { return &c.D }),
	number("R", 1, maxRounds, func(c *Constants) *int { return &c.R }),
	number("SynDelay", 0, maxSeconds, func(c *Constants) *int { return &c.SynDelay }),
	number("Backoff", 0, maxSeconds, func(c *Constants) *int { return &c.Backoff }),
	number("Away", 0, maxSeconds, func(c *Constants) *int { return &c.Away }),
	truth("NegFirst", func(c *Constants) *bool { return &c.NegFirst }),
	choice("Client", func(c *Constants) *Client { return &c.Client }, "session or conn", ClientSession, ClientConn),
	choice("ServerMode", func(c *Constants) *ServerMode { return &c.ServerMode }, "fin, hang or reference", ServerFin, ServerHang, ServerReference),
	truth("Mandatory", func(c *Constants) *bool { return &c.Mandatory }),
	number("Cap", 0, maxSeconds, func(c *Constants) *int { return &c.Cap }),
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

func choice[T ~string](name string, field func(*Constants) *T, want string, values ...T) constant {
	c := constant{name: name, want: want, get: func(c *Constants) any { return string(*field(c)) }}
	for _, v := range values {
		c.values = append(c.values, string(v))
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

// check says which value is wrong; nil if none is.
func (c Constants) check() error {
	for _, k := range constants {
		value := fmt.Sprint(k.get(&c))
		if !k.set(&c, value) {
			return &ConstantError{Name: k.name, Value: value, Want: k.want, Valid: slices.Clone(k.values)}
		}
	}
	return nil
}
