package kerberos

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// Every obstacle has its kind and cause: a dead KDC is not a refusal, a refusal of the
// ticket-granting ticket not one of the client's key, and a bug of ours neither.
func TestFailures(t *testing.T) {
	kdc := func(code int32) error { return fmt.Errorf("KDC x: %w", &gssapi.PeerError{Code: code}) }
	for _, tc := range []struct {
		err      error
		exchange ticket.Exchange
		kind     ticket.FailureKind
		cause    ticket.Cause
	}{
		{fmt.Errorf("%w: %w", ErrUnreachable, errors.New("refused")), ticket.ExchangeInitial, ticket.FailureUnreachable, ticket.CauseNone},
		{&SourceError{Path: "p", Err: gssapi.ErrNoKey}, ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseNoSource},
		{&gssapi.SkewError{}, ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseSkew},
		{kdc(6), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseClientUnknown},
		{kdc(7), ticket.ExchangeService, ticket.FailureRefused, ticket.CauseServiceUnknown},
		{kdc(12), ticket.ExchangeService, ticket.FailureRefused, ticket.CausePolicy},
		{kdc(14), ticket.ExchangeService, ticket.FailureRefused, ticket.CauseEType},
		{kdc(18), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseRevoked},
		{kdc(23), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseKeyExpired},
		{kdc(24), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseBadKey},
		{kdc(31), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseBadKey},
		{kdc(31), ticket.ExchangeService, ticket.FailureRefused, ticket.CauseGranting},
		{kdc(32), ticket.ExchangeRenew, ticket.FailureRefused, ticket.CauseGranting},
		{kdc(60), ticket.ExchangeService, ticket.FailureRefused, ticket.CauseOther},
		{fmt.Errorf("%w", gssapi.ErrIntegrity), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseBadKey},
		{fmt.Errorf("%w", gssapi.ErrMismatch), ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseAnswer},
		{&gssapi.InternalError{}, ticket.ExchangeInitial, ticket.FailureRefused, ticket.CauseInternal},
	} {
		f := failureOf(tc.err, tc.exchange)
		require.Equal(t, tc.kind, f.Kind, "%v", tc.err)
		require.Equal(t, tc.cause, f.Cause, "%v", tc.err)
	}
	now := time.Now()
	f := failureOf(&gssapi.PeerError{Code: 37, LocalTime: now, PeerTime: now.Add(time.Hour)}, ticket.ExchangeInitial)
	require.Equal(t, ticket.Failure{Kind: ticket.FailureRefused, Cause: ticket.CauseSkew, Local: now, Peer: now.Add(time.Hour)}, f)
}
