package gssapi

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"skew":        fmt.Errorf("accept a client: %w", &SkewError{Local: time.Unix(0, 0), Peer: time.Unix(1000, 0)}),
		"expired":     &ValidityError{Now: time.Unix(10, 0)},
		"key-version": &KeyVersionError{},
		"internal":    &InternalError{Doing: "accepting", Value: 1},
		"wrong-key":   fmt.Errorf("ticket: %w", ErrIntegrity),
		"malformed":   malformed("AP-REQ", "ticket"),
		ReasonOther:   errors.New("something else"),
	} {
		require.Equal(t, want, Reason(err))
		require.Contains(t, Reasons(), want)
	}
	words := Reasons()
	slices.Sort(words)
	require.Len(t, slices.Compact(words), len(Reasons()), "one word, one reason")
}
