// Comparing reactions. One run decides ties by luck, so many simulated runs together are
// held against one recording.

package recording

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Tolerance is how far two ages of one signature may be apart.
const Tolerance = 100 * time.Millisecond

// Kind of a signature: what is compared.
type Kind struct {
	Role string
	Err  string
	Age  time.Duration
}

func (k Kind) String() string { return fmt.Sprintf("%s %s at %v", k.Role, k.Err, k.Age) }

// Covers says that a signature is of the kind.
func (k Kind) Covers(s Signature) bool {
	return k.Role == s.Role && k.Err == s.Err && (k.Age-s.Age).Abs() <= Tolerance
}

// Measured returns every kind of signature that upstream's unfixed clients were measured
// to show against servers that hang: 635 connections of 24 runs.
func Measured() []Kind {
	const s = time.Second
	return []Kind{
		{"meta", "ERR_SESSION_RESET", 5 * s},
		{"meta", "ERR_SESSION_RESET", 10 * s},
		{"meta", "ERR_TIMEOUT", 10 * s},
		{"replica", "ERR_SESSION_RESET", 1 * s},
		{"replica", "ERR_SESSION_RESET", 5 * s},
		{"replica", "ERR_SESSION_RESET", 9 * s},
		{"replica", "ERR_SESSION_RESET", 10 * s},
		{"replica", "ERR_TIMEOUT", 10 * s},
	}
}

// Kinds returns the kinds that signatures are of, each once, sorted. A signature of none
// is returned as a kind with its own age, so that it is seen.
func Kinds(signatures []Signature, known []Kind) []Kind {
	var kinds []Kind
	for _, s := range signatures {
		k := Kind{s.Role, s.Err, s.Age.Round(time.Millisecond)}
		if i := slices.IndexFunc(known, func(k Kind) bool { return k.Covers(s) }); i >= 0 {
			k = known[i]
		}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Err, b.Err), cmp.Compare(a.Age, b.Age))
	})
	return kinds
}

// Missing returns what of want is not in have.
func Missing[T comparable](want, have []T) []T {
	var missing []T
	for _, w := range want {
		if !slices.Contains(have, w) && !slices.Contains(missing, w) {
			missing = append(missing, w)
		}
	}
	return missing
}
