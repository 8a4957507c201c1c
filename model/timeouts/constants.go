// The constants: deadlines, delays, and which client meets which server.

package timeouts

import "github.com/a8011091/pegasus-reference/model/constant"

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
type ConstantError = constant.Error

func constants() constant.List[Constants] {
	return constant.List[Constants]{Spec: "timeouts", All: []constant.Of[Constants]{
		constant.Number("TNeg", 0, maxSeconds, func(c *Constants) *int { return &c.TNeg }),
		constant.Truth("PerMessage", func(c *Constants) *bool { return &c.PerMessage }),
		constant.Number("TQ", 0, maxSeconds, func(c *Constants) *int { return &c.TQ }),
		constant.Number("Win", 0, maxSeconds, func(c *Constants) *int { return &c.Win }),
		constant.Number("TSrv", 0, maxSeconds, func(c *Constants) *int { return &c.TSrv }),
		constant.Number("D", 0, maxSeconds, func(c *Constants) *int { return &c.D }),
		constant.Number("R", 1, maxRounds, func(c *Constants) *int { return &c.R }),
		constant.Number("SynDelay", 0, maxSeconds, func(c *Constants) *int { return &c.SynDelay }),
		constant.Number("Backoff", 0, maxSeconds, func(c *Constants) *int { return &c.Backoff }),
		constant.Number("Away", 0, maxSeconds, func(c *Constants) *int { return &c.Away }),
		constant.Truth("NegFirst", func(c *Constants) *bool { return &c.NegFirst }),
		constant.Choice("Client", func(c *Constants) *Client { return &c.Client }, ClientSession, ClientConn),
		constant.Choice("ServerMode", func(c *Constants) *ServerMode { return &c.ServerMode }, ServerFin, ServerHang, ServerReference),
		constant.Truth("Mandatory", func(c *Constants) *bool { return &c.Mandatory }),
		constant.Number("Cap", 0, maxSeconds, func(c *Constants) *int { return &c.Cap }),
	}}
}

// Describe returns every constant.
func Describe() []constant.Info { return constants().Describe() }

// Set changes one constant by name. The error is a *ConstantError.
func (c *Constants) Set(name, value string) error { return constants().Set(c, name, value) }

// Values returns the constants by name: int, string or bool.
func (c Constants) Values() map[string]any { return constants().Values(c) }

func (c Constants) check() error { return constants().Check(c) }
