// What can be asked of a model: invariants, reachability, absence of deadlock and three forms of liveness.

package check

// Kind of a property.
type Kind uint8

// Kinds of properties.
const (
	Safety       Kind = iota + 1 // violated by a finite path
	Deadlock                     // violated by a path into a state without a way on
	Liveness                     // violated by a path that ends in a fair cycle, or stops where stopping is fair
	Reachability                 // violated by the whole state space
)

// String returns the kind in one word.
func (k Kind) String() string {
	switch k {
	case Safety:
		return "safety"
	case Deadlock:
		return "deadlock"
	case Liveness:
		return "liveness"
	case Reachability:
		return "reachability"
	}
	return "unknown"
}

// Property is a named statement about a model. Make one with Always, Sometimes,
// DeadlockFree, Eventually, EventuallyAlways, InfinitelyOften, LeadsTo or All.
type Property[S any] struct {
	Name  string
	Kind  Kind
	holds func(S) bool    // safety: must hold; reachability: wanted; deadlock: may end here
	goals []obligation[S] // liveness
}

// obligation is one liveness formula. With from nil it is "<>[] until", else
// "from ~> until"; onlyInitially makes from count in initial states only.
type obligation[S any] struct {
	from          func(S) bool
	until         func(S) bool
	onlyInitially bool
}

// Always says that holds is true of every reachable state.
func Always[S any](name string, holds func(S) bool) Property[S] {
	return Property[S]{Name: name, Kind: Safety, holds: holds}
}

// Sometimes says that at least one reachable state satisfies wanted. A specification
// without such properties may hold because nothing ever happens in it.
func Sometimes[S any](name string, wanted func(S) bool) Property[S] {
	return Property[S]{Name: name, Kind: Reachability, holds: wanted}
}

// DeadlockFree says that every state has a step that changes it, unless ended says
// that the behaviour may stop there. ended may be nil.
func DeadlockFree[S any](name string, ended func(S) bool) Property[S] {
	if ended == nil {
		ended = func(S) bool { return false }
	}
	return Property[S]{Name: name, Kind: Deadlock, holds: ended}
}

// Eventually says that every fair behaviour reaches a state that satisfies goal.
func Eventually[S any](name string, goal func(S) bool) Property[S] {
	always := func(S) bool { return true }
	return liveness(name, obligation[S]{from: always, until: goal, onlyInitially: true})
}

// EventuallyAlways says that in every fair behaviour goal is true from some point on.
func EventuallyAlways[S any](name string, goal func(S) bool) Property[S] {
	return liveness(name, obligation[S]{until: goal})
}

// InfinitelyOften says that in every fair behaviour goal is true again and again.
func InfinitelyOften[S any](name string, goal func(S) bool) Property[S] {
	always := func(S) bool { return true }
	return liveness(name, obligation[S]{from: always, until: goal})
}

// LeadsTo says that in every fair behaviour a state that satisfies from is followed,
// at once or later, by one that satisfies goal.
func LeadsTo[S any](name string, from, goal func(S) bool) Property[S] {
	return liveness(name, obligation[S]{from: from, until: goal})
}

// All joins liveness properties, for instance one for each request, under one name.
// It panics when one of them is not a liveness property.
func All[S any](name string, parts ...Property[S]) Property[S] {
	joined := Property[S]{Name: name, Kind: Liveness}
	for _, p := range parts {
		if p.Kind != Liveness {
			panic("check.All: " + p.Name + " is not a liveness property")
		}
		joined.goals = append(joined.goals, p.goals...)
	}
	return joined
}

func liveness[S any](name string, goal obligation[S]) Property[S] {
	return Property[S]{Name: name, Kind: Liveness, goals: []obligation[S]{goal}}
}
