// What is wrong with a request to run a specification.

package model

import (
	"errors"
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/model/constant"
)

// UsageError says which word of a Request is wrong, and what could stand there. It is
// the caller's mistake, not the specification's.
type UsageError struct {
	What  string   // "specification", "configuration", "constant", "value of constant K", "switch", "server", "auth", "property", "search", ...
	Word  string   // the wrong word
	Want  string   // what it should be, where that cannot be listed
	Valid []string // words that would be right, where they can be listed
}

// Error says it in one sentence.
func (e *UsageError) Error() string {
	switch {
	case e.Want != "":
		return fmt.Sprintf("%s %q must be %s", e.What, e.Word, e.Want)
	case len(e.Valid) == 0:
		return fmt.Sprintf("unknown %s %q", e.What, e.Word)
	}
	return fmt.Sprintf("unknown %s %q; there are: %s", e.What, e.Word, strings.Join(e.Valid, ", "))
}

// constantUsage makes what is wrong with a constant a *UsageError.
func constantUsage(err error) error {
	var wrong *constant.Error
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.Want == "":
		return &UsageError{What: "constant", Word: wrong.Name, Valid: wrong.Valid}
	}
	return &UsageError{What: "value of constant " + wrong.Name, Word: wrong.Value, Want: wrong.Want, Valid: wrong.Valid}
}
