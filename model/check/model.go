// What a model is: its states, its actions and what must be true of it.

package check

// Model is a state machine to be explored. S is one state. A Model is used by several
// goroutines at once, so its methods must not change anything that they share; given
// the same state they must answer the same, in the same order.
type Model[S any] interface {
	// Initial returns the states a behaviour may begin with, at least one.
	Initial() []S
	// Actions returns every action there is. Step.Action is an index into it.
	Actions() []Action
	// Next appends every step that can be taken from state. It may keep no
	// reference to steps. A step that leads back to the same state is allowed and
	// counts as generated, but it is no step: it neither enables its action nor
	// keeps a behaviour going.
	Next(state S, steps []Step[S]) []Step[S]
	// AppendState appends the canonical form of state: two states are the same
	// exactly if these bytes are the same. Equal bytes must mean equal futures.
	AppendState(dst []byte, state S) []byte
	// Properties returns what must be true.
	Properties() []Property[S]
}

// Step is one transition out of a state.
type Step[S any] struct {
	Action int // index into Model.Actions
	State  S   // the state it leads to
}

// Fairness of an action: what a behaviour must not do for ever.
type Fairness uint8

// Degrees of fairness.
const (
	// Unfair: the environment's choice; it may never happen.
	Unfair Fairness = iota
	// Weak: it may not stay enabled for ever without being taken.
	Weak
	// Strong: it may not be enabled again and again without being taken.
	Strong
)

// String returns the degree in one word.
func (f Fairness) String() string {
	switch f {
	case Weak:
		return "weak"
	case Strong:
		return "strong"
	}
	return "unfair"
}

// Action is a kind of step with its fairness. Actions with the same Group are one
// action as far as fairness goes (a disjunction under one WF or SF in TLA+); their
// Fairness must be the same. An empty Group means the Name.
type Action struct {
	Name     string
	Group    string
	Fairness Fairness
	MayRest  bool // that no reachable state can take it is no mistake; see Result.Dead
}

func (a Action) group() string {
	if a.Group != "" {
		return a.Group
	}
	return a.Name
}

// Symmetric is implemented by a model whose states can be permuted (the names of equal
// processes exchanged, say) without changing what may happen, but for the names.
// AppendCanonical appends the same bytes for all permutations of a state, and other
// bytes for any other state. Every property must say the same of all of them.
type Symmetric[S any] interface {
	AppendCanonical(dst []byte, state S) []byte
}

// Field is one named part of a state, for people.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Describer is implemented by a model whose states can be shown field by field.
// Traces then show what each step changed. The fields may differ from state to state.
type Describer[S any] interface {
	Describe(state S) []Field
}

// Teller is implemented by a model that can tell a step in words.
type Teller[S any] interface {
	Tell(from S, action int, to S) string
}
