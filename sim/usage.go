// Errors of people's input: a wrong word or number, with a near match where there is one.

package sim

import (
	"fmt"
	"strings"
)

// UsageError is input that cannot be used. Its text is one sentence that says what to
// change; callers exit with status 2.
type UsageError struct {
	Text string
}

func (e *UsageError) Error() string { return e.Text }

func usagef(format string, args ...any) error {
	return &UsageError{Text: fmt.Sprintf(format, args...)}
}

// oneOf refuses a word that is not among the valid ones.
func oneOf(what, word string, valid []string) error {
	for _, v := range valid {
		if v == word {
			return nil
		}
	}
	return usagef("unknown %s %q%s; there are: %s", what, word, DidYouMean(word, valid), strings.Join(valid, ", "))
}

// DidYouMean is ` (did you mean "x"?)` with the nearest of the valid words, or empty
// when none is near.
func DidYouMean(word string, valid []string) string {
	best, distance := "", 1+max(2, len(word)/3)
	for _, v := range valid {
		d := editDistance(strings.ToLower(word), strings.ToLower(v))
		if word != "" && (strings.HasPrefix(v, word) || strings.HasSuffix(v, word)) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = v, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance is Levenshtein's: insertions, deletions and substitutions of bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
