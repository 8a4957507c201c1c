// What the specifications' properties are called in their twins.

package tla

// twin of a specification.
type twin struct {
	module     string
	properties map[string]operator
}

// operator is a property in TLA+.
type operator struct {
	operator string
	negated  bool // the property is that some state is reachable, and the operator that none is
	temporal bool
}

func always(name string) operator       { return operator{operator: name} }
func temporal(name string) operator     { return operator{operator: name, temporal: true} }
func neverWithout(name string) operator { return operator{operator: name, negated: true} }

// twinOf returns the twin for constants: that of a session is another where there are two.
func twinOf(spec string, constants map[string]any) (twin, bool) {
	of, ok := twins[spec]
	if of.module == "Session" && constants["Metas"] == 2 {
		of.module = "Sessions"
	}
	return of, ok
}

var twins = map[string]twin{
	"session": {"Session", map[string]operator{
		"auth-before-request": always("AuthBeforeRequest"),
		"fresh-session":       always("FreshSession"),
		"single-connection":   always("SingleConnection"),
		"complete-once":       always("CompleteOnce"),
		"no-downgrade":        always("NoDowngrade"),
		"bounded":             always("Bounded"),
		"reconnect-converges": temporal("ReconnectConverges"),
		"requests-drain":      temporal("RequestsDrain"),
	}},
	"timeouts": {"Timeouts", map[string]operator{
		"converges":                temporal("Converges"),
		"non-zeno":                 temporal("NonZeno"),
		"done-by-cap":              always("DoneByCap"),
		"no-timeout":               always("NoTimeout"),
		"no-reset":                 always("NoReset"),
		"no-timeout-at-10":         always("NoTimeoutAt10"),
		"no-reset-at-5":            always("NoResetAt5"),
		"no-reset-at-0":            always("NoResetAt0"),
		"only-reported-signatures": always("OnlyReportedSignatures"),
		"can-finish":               neverWithout("NeverFinishes"),
	}},
	"routing": {"Routing", map[string]operator{
		"ballot-monotonic":         always("BallotMonotonic"),
		"bounded":                  always("Bounded"),
		"complete-once":            always("CompleteOnce"),
		"leader-found":             temporal("LeaderFound"),
		"requests-drain":           temporal("RequestsDrain"),
		"sometimes-redirected":     neverWithout("NeverRedirected"),
		"sometimes-two-leaders":    neverWithout("NeverTwo"),
		"sometimes-metas-disagree": neverWithout("NeverDisagree"),
		"sometimes-table-stale":    neverWithout("NeverStale"),
		"sometimes-refused":        neverWithout("NeverRefused"),
		"sometimes-older-answer":   neverWithout("NeverOlder"),
		"sometimes-all-answered":   neverWithout("NeverAllAnswered"),
		"sometimes-asked-again":    neverWithout("NeverAskedAgain"),
	}},
}
