// The constants: bounds, budgets, and defects that are switched on.

package routing

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/constant"
)

// Largest values of the constants that bound a state.
const (
	MaxMetas    = 4
	MaxNodes    = 4
	MaxParts    = 2
	MaxRequests = 4
	maxBudget   = 20
)

// Defects of a client, as bits of Constants.Defects, in the order of the words for them.
const (
	ForwardPingPong     uint32 = 1 << iota // a redirect is followed although that meta has been asked
	RetryToStalePrimary                    // a retry goes where the first try went, whatever the table says
	OlderBallotAccepted                    // an answer's ballot is not compared with the one that is known
	LostCallback                           // an answer with an error that the client does not know leaves the query open for ever
)

// Constants of the specification, named as in its TLA+ twin.
type Constants struct {
	Metas     int  // metas 1..Metas; meta 1 leads at first
	Known     int  // metas 1..Known are configured; others are learned from redirects
	Nodes     int  // replica nodes 1..Nodes
	Parts     int  // partitions; the primary of each is node 1 at first
	NReq      int  // requests 1..NReq; request r is of partition 1 + (r-1) mod Parts
	Moves     int  // budget: new primaries
	Elections int  // budget: new leaders
	Splits    int  // budget: a meta comes to believe in a leader that is none
	Crashes   int  // budget: crashes of metas and nodes
	Earlies   int  // budget: timers that fire although the answer was on its way
	Odd       bool // a meta may answer with an error that the client does not know; uses up Earlies
	Learn     bool // every meta hears of the leader in the end
	Cyclic    bool // the user submits each request again and again
	Defects   uint32
}

// Default returns the default bounds: three metas, two nodes, one request at a time, and
// one of each fault.
func Default() Constants {
	return Constants{
		Metas: 3, Known: 3, Nodes: 2, Parts: 1, NReq: 1,
		Moves: 1, Elections: 1, Splits: 1, Crashes: 1, Earlies: 1, Odd: true, Cyclic: true,
	}
}

// Small returns the same without crashes.
func Small() Constants {
	c := Default()
	c.Crashes = 0
	return c
}

// Plain returns bounds with two requests and two moves, without crashes and early timers.
func Plain() Constants {
	c := Default()
	c.NReq, c.Moves = 2, 2
	c.Crashes, c.Earlies, c.Odd = 0, 0, false
	return c
}

// Deep returns bounds that take many minutes: two requests, two moves, two crashes.
func Deep() Constants {
	c := Default()
	c.NReq, c.Moves, c.Crashes = 2, 2, 2
	return c
}

// ConstantError says that a constant does not exist or cannot have a value.
type ConstantError = constant.Error

func constants() constant.List[Constants] {
	return constant.List[Constants]{Spec: "routing", All: []constant.Of[Constants]{
		constant.Number("Metas", 1, MaxMetas, func(c *Constants) *int { return &c.Metas }),
		constant.Number("Known", 1, MaxMetas, func(c *Constants) *int { return &c.Known }),
		constant.Number("Nodes", 1, MaxNodes, func(c *Constants) *int { return &c.Nodes }),
		constant.Number("Parts", 1, MaxParts, func(c *Constants) *int { return &c.Parts }),
		constant.Number("NReq", 1, MaxRequests, func(c *Constants) *int { return &c.NReq }),
		constant.Number("Moves", 0, maxBudget, func(c *Constants) *int { return &c.Moves }),
		constant.Number("Elections", 0, maxBudget, func(c *Constants) *int { return &c.Elections }),
		constant.Number("Splits", 0, maxBudget, func(c *Constants) *int { return &c.Splits }),
		constant.Number("Crashes", 0, maxBudget, func(c *Constants) *int { return &c.Crashes }),
		constant.Number("Earlies", 0, maxBudget, func(c *Constants) *int { return &c.Earlies }),
		constant.Truth("Odd", func(c *Constants) *bool { return &c.Odd }),
		constant.Truth("Learn", func(c *Constants) *bool { return &c.Learn }),
		constant.Truth("Cyclic", func(c *Constants) *bool { return &c.Cyclic }),
		constant.Set("Defects", func(c *Constants) *uint32 { return &c.Defects },
			"forward-ping-pong", "retry-to-stale-primary", "older-ballot-accepted", "lost-callback-on-unknown-error"),
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
	if c.Known > c.Metas {
		return &ConstantError{
			Spec: "routing", Name: "Known", Value: fmt.Sprint(c.Known),
			Want: fmt.Sprintf("at most Metas, which is %d", c.Metas),
		}
	}
	return nil
}

// has says whether a defect is switched on.
func (c *Constants) has(defect uint32) bool { return c.Defects&defect != 0 }
