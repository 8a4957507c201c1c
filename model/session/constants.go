// The constants: bounds, budgets, and which client meets which server.

package session

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/constant"
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

// Defects of the reference client, as bits of Constants.Defects, in the order of the words
// for them. docs/spec.md says which of upstream's defects each is.
const (
	CloseEventOfAnother  uint32 = 1 << iota // S50
	NegotiateBeforeCheck                    // S51
	FailureClosesNewer                      // S52
	ParkedNeverPurged                       // S53
	RetryOnDying                            // S54
	Downgrade                               // S55
	ZombieAfterError                        // S56
	LostCallback                            // S57
	PendingNotFailed                        // S58
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
	Metas      int // 1, or 2 for NewPair; each has the slots, ports and budgets below
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
	Odd        bool // the server may answer with an error that the client does not know; uses up Earlies
	Rogue      bool // the server may answer a negotiation message with "no authentication here"; uses up Earlies
	Defects    uint32
}

// Default returns the default bounds: two requests, two crashes, one FIN that is lost,
// one timer that fires early, and the four rounds that GSSAPI takes; the reference
// client and server. There are as many ports and slots as lost FINs can block, and one more.
func Default() Constants {
	return Constants{
		Metas: 1, NReq: 2, K: 2, NPorts: 2, R: 4, W: 2, Crashes: 2, Losses: 1, Earlies: 1,
		Client: ClientConn, Rebuild: RebuildNo, ServerMode: ServerReference, Mandatory: true,
		OldConn: OldConnTCP, ByRemoval: true, Cyclic: true,
	}
}

// Small returns bounds with one request, one of each fault and a short negotiation.
func Small() Constants {
	c := Default()
	c.NReq, c.R, c.Crashes = 1, 2, 1
	return c
}

// Plain returns bounds without lost FINs and early timers, so that one port is enough.
func Plain() Constants {
	c := Default()
	c.NPorts, c.Losses, c.Earlies = 1, 0, 0
	return c
}

// TwoMetas returns bounds with what the incident needs at each of two metas: one query, one
// restart of each, a negotiation of two rounds, and a timer that fires early at each, so that
// a query can move although its answer is on the way.
func TwoMetas() Constants {
	c := Plain()
	c.Metas, c.NReq, c.K, c.R, c.Crashes, c.Earlies = 2, 1, 1, 2, 1, 1
	return c
}

// Broad returns bounds that take up to a minute with a defect switched on.
func Broad() Constants {
	c := Default()
	c.NReq, c.Crashes = 3, 3
	return c
}

// Deep returns bounds that take minutes: a third slot and port, so that two lost FINs leave
// one to connect with, and two early timers besides.
func Deep() Constants {
	c := Broad()
	c.K, c.NPorts, c.W, c.Losses, c.Earlies = 3, 3, 3, 2, 2
	return c
}

// ConstantError says that a constant does not exist or cannot have a value.
type ConstantError = constant.Error

func constants() constant.List[Constants] {
	return constant.List[Constants]{Spec: "session", All: []constant.Of[Constants]{
		constant.Number("Metas", 1, metas, func(c *Constants) *int { return &c.Metas }),
		constant.Number("NReq", 1, MaxRequests, func(c *Constants) *int { return &c.NReq }),
		constant.Number("K", 1, MaxSlots, func(c *Constants) *int { return &c.K }),
		constant.Number("NPorts", 1, MaxSlots, func(c *Constants) *int { return &c.NPorts }),
		constant.Number("R", 1, maxRounds, func(c *Constants) *int { return &c.R }),
		constant.Number("W", 1, maxBudget, func(c *Constants) *int { return &c.W }),
		constant.Number("Crashes", 0, maxBudget, func(c *Constants) *int { return &c.Crashes }),
		constant.Number("Losses", 0, maxBudget, func(c *Constants) *int { return &c.Losses }),
		constant.Number("Earlies", 0, maxBudget, func(c *Constants) *int { return &c.Earlies }),
		constant.Choice("Client", func(c *Constants) *Client { return &c.Client }, ClientSession, ClientReset, ClientConn),
		constant.Choice("Rebuild", func(c *Constants) *Rebuild { return &c.Rebuild }, RebuildNo, RebuildAsync, RebuildSync),
		constant.Choice("ServerMode", func(c *Constants) *ServerMode { return &c.ServerMode }, ServerFin, ServerHang, ServerReference),
		constant.Truth("Mandatory", func(c *Constants) *bool { return &c.Mandatory }),
		constant.Truth("PortReuse", func(c *Constants) *bool { return &c.PortReuse }),
		constant.Choice("OldConn", func(c *Constants) *OldConn { return &c.OldConn }, OldConnTCP, OldConnGlued, OldConnOvertake, OldConnSticky),
		constant.Truth("GiveUp", func(c *Constants) *bool { return &c.GiveUp }),
		constant.Truth("ByRemoval", func(c *Constants) *bool { return &c.ByRemoval }),
		constant.Truth("Cyclic", func(c *Constants) *bool { return &c.Cyclic }),
		constant.Truth("Odd", func(c *Constants) *bool { return &c.Odd }),
		constant.Truth("Rogue", func(c *Constants) *bool { return &c.Rogue }),
		constant.Set("Defects", func(c *Constants) *uint32 { return &c.Defects },
			"close-event-of-another-connection", "negotiate-before-state-check", "failure-closes-newer-connection",
			"parked-requests-never-purged", "retry-on-dying-session", "downgrade", "zombie-after-decode-error",
			"lost-callback-on-unknown-error", "pending-not-failed-on-eof"),
	}}
}

// Describe returns every constant.
func Describe() []constant.Info { return constants().Describe() }

// Set changes one constant by name. The error is a *ConstantError.
func (c *Constants) Set(name, value string) error { return constants().Set(c, name, value) }

// Values returns the constants by name: int, string or bool.
func (c Constants) Values() map[string]any { return constants().Values(c) }

// check says what is wrong with the values or their combination; nil if nothing.
func (c Constants) check() error {
	if err := constants().Check(c); err != nil {
		return err
	}
	if c.Client != ClientSession && c.Rebuild != RebuildNo {
		return &ConstantError{
			Spec: "session", Name: "Rebuild", Value: string(c.Rebuild), Valid: []string{string(RebuildNo)},
			Want: fmt.Sprintf("no with Client %s: rebuilding is a remedy for Client session", c.Client),
		}
	}
	if c.Client != ClientConn && c.Defects != 0 {
		return &ConstantError{
			Spec: "session", Name: "Defects", Value: fmt.Sprint(c.Values()["Defects"]), Valid: []string{constant.None},
			Want: fmt.Sprintf("none with Client %s: they are switched on in the reference client", c.Client),
		}
	}
	return nil
}

// defect says whether a defect is switched on.
func (c *Constants) defect(which uint32) bool { return c.Defects&which != 0 }
