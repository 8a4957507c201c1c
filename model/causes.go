// The incident's claimed causes and remedies, as values of the specifications' constants.

package model

// Cause is a claimed cause of the incident, and Switch the defect that it is made precise as.
type Cause struct {
	Name   string // "C1", "C2", "C3"
	Switch string
	Remedy string // that is claimed to cure it
	About  string
}

// Remedy is a claimed remedy.
type Remedy struct {
	Name  string // "r1", "r2", "r3"
	About string
}

// effects of a cause or remedy: what it sets, by specification. A specification that is
// not listed cannot express it, and is not changed by it.
type effects struct {
	set    map[string][]Setting
	absent map[string][]Setting // of a cause that is taken away
}

var causes = []struct {
	Cause
	effects
}{
	{
		Cause{"C1", staleAuthFlag, "r1", "authentication is a flag of the client's session, which outlives the connection that a restart ends"},
		effects{
			set:    map[string][]Setting{"session": {{"Client", "session"}}, "timeouts": {{"Client", "session"}}},
			absent: map[string][]Setting{"session": {{"Client", "conn"}}, "timeouts": {{"Client", "conn"}}},
		},
	},
	{
		Cause{"C2", portReuse, "r2", "the client dials from a port on which the server still holds a connection, and the server mishandles that"},
		effects{
			set:    map[string][]Setting{"session": {{"PortReuse", "true"}, {"OldConn", "sticky"}}},
			absent: map[string][]Setting{"session": {{"PortReuse", "false"}, {"OldConn", "tcp"}}},
		},
	},
	{
		Cause{"C3", timeoutMismatch, "r3", "the server gives up a negotiation before the client does"},
		effects{
			set:    map[string][]Setting{"session": {{"GiveUp", "true"}}, "timeouts": {{"TNeg", "10"}, {"TSrv", "5"}}},
			absent: map[string][]Setting{"session": {{"GiveUp", "false"}}, "timeouts": {{"TNeg", "10"}, {"TSrv", "0"}}},
		},
	},
}

var remedies = []struct {
	Remedy
	set  map[string][]Setting
	only string // the cause without which the remedy has nothing to act on, "" for none
}{
	{
		Remedy{"r1", "a watcher that notices a restart drops the session and builds it anew"},
		map[string][]Setting{"session": {{"Rebuild", "async"}}, "timeouts": {{"Client", "conn"}}}, "C1",
	},
	{
		Remedy{"r2", "a local port is not used again while the server could know a connection on it"},
		map[string][]Setting{"session": {{"PortReuse", "false"}}}, "",
	},
	{
		Remedy{"r3", "one deadline for a negotiation on both sides, the client's below the server's"},
		map[string][]Setting{"session": {{"GiveUp", "false"}}, "timeouts": {{"TNeg", "10"}, {"TSrv", "15"}}}, "",
	},
}

// Causes returns the three claimed causes.
func Causes() []Cause {
	list := make([]Cause, 0, len(causes))
	for _, c := range causes {
		list = append(list, c.Cause)
	}
	return list
}

// Remedies returns the three claimed remedies.
func Remedies() []Remedy {
	list := make([]Remedy, 0, len(remedies))
	for _, r := range remedies {
		list = append(list, r.Remedy)
	}
	return list
}

// Ablation returns the constants of a specification for a combination of causes and
// remedies, by name, for Request.Set: upstream's rules where a cause is in, the
// reference's where it is out, and then what the remedies change. Server, authentication
// and bounds are left to the request. The error is a *UsageError.
func Ablation(spec string, withCauses, withRemedies []string) ([]Setting, error) {
	if _, err := find(spec); err != nil {
		return nil, err
	}
	in, err := chosen("cause", withCauses, names(Causes(), func(c Cause) string { return c.Name }))
	if err != nil {
		return nil, err
	}
	cured, err := chosen("remedy", withRemedies, names(Remedies(), func(r Remedy) string { return r.Name }))
	if err != nil {
		return nil, err
	}
	var settings []Setting
	for _, c := range causes {
		if in[c.Name] {
			settings = append(settings, c.set[spec]...)
		} else {
			settings = append(settings, c.absent[spec]...)
		}
	}
	for _, r := range remedies {
		if cured[r.Name] && (r.only == "" || in[r.only]) {
			settings = append(settings, r.set[spec]...)
		}
	}
	return settings, nil
}

// chosen makes a set of words, all of which must be valid.
func chosen(what string, words, valid []string) (map[string]bool, error) {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		if _, err := choose(what, w, valid); err != nil || w == "" {
			return nil, &UsageError{What: what, Word: w, Valid: valid}
		}
		set[w] = true
	}
	return set, nil
}
