// The names of the properties and what kind each is.

package sim

import "slices"

// Property names, as the specification, every report and the documents use them.
const (
	PropertyAuthBeforeRequest      = "auth-before-request"
	PropertyFreshSession           = "fresh-session"
	PropertySingleConnection       = "single-connection"
	PropertyCompleteOnce           = "complete-once"
	PropertyAuthenticatedExecution = "authenticated-execution"
	PropertyNoDowngrade            = "no-downgrade"
	PropertyBounded                = "bounded"
	PropertyBallotMonotonic        = "ballot-monotonic"
	PropertyLinearizable           = "linearizable"
	PropertyReconnectConverges     = "reconnect-converges"
	PropertyRequestsDrain          = "requests-drain"
	PropertyLeaderFound            = "leader-found"
	PropertyConvergenceBound       = "convergence-bound"
)

// PropertyKind is what a violation of a property means for an exit status.
type PropertyKind uint8

// Property kinds.
const (
	Safety PropertyKind = iota + 1
	Liveness
	Linearizability
)

// properties in the order in which violations are told: safety, linearizability, liveness.
var properties = []struct {
	name string
	kind PropertyKind
}{
	{PropertyAuthBeforeRequest, Safety},
	{PropertyFreshSession, Safety},
	{PropertySingleConnection, Safety},
	{PropertyCompleteOnce, Safety},
	{PropertyAuthenticatedExecution, Safety},
	{PropertyNoDowngrade, Safety},
	{PropertyBounded, Safety},
	{PropertyBallotMonotonic, Safety},
	{PropertyLinearizable, Linearizability},
	{PropertyReconnectConverges, Liveness},
	{PropertyRequestsDrain, Liveness},
	{PropertyLeaderFound, Liveness},
	{PropertyConvergenceBound, Liveness},
}

// upstreamProperties are what a run of an upstream client is judged on, in the order in
// which one is named first.
var upstreamProperties = []string{PropertyReconnectConverges, PropertyRequestsDrain, PropertyAuthenticatedExecution}

// PropertyNames lists every property that a run can be judged on.
func PropertyNames() []string {
	names := make([]string, 0, len(properties))
	for _, p := range properties {
		names = append(names, p.name)
	}
	return names
}

// KindOf is the kind of a property; zero for a name that is none.
func KindOf(name string) PropertyKind {
	for _, p := range properties {
		if p.name == name {
			return p.kind
		}
	}
	return 0
}

// judgedProperties are those that decide the verdict of a run with this client.
func judgedProperties(client string) []string {
	if client != ClientReference {
		return upstreamProperties
	}
	return PropertyNames()
}

// rank orders violations: judged ones first, then as properties are listed.
func rank(judged []string, property string) int {
	if i := slices.Index(judged, property); i >= 0 {
		return i
	}
	return len(properties) + slices.Index(PropertyNames(), property)
}
