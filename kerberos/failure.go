// Failures of an exchange in the core's words.

package kerberos

import (
	"errors"
	"io/fs"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// failureOf puts an error into the core's words.
func failureOf(err error, exchange ticket.Exchange) ticket.Failure {
	var peer *gssapi.PeerError
	var skew *gssapi.SkewError
	refused := func(cause ticket.Cause) ticket.Failure {
		return ticket.Failure{Kind: ticket.FailureRefused, Cause: cause}
	}
	switch {
	case errors.Is(err, ErrUnreachable):
		return ticket.Failure{Kind: ticket.FailureUnreachable}
	case errors.Is(err, ErrSource), errors.Is(err, fs.ErrNotExist):
		return refused(ticket.CauseNoSource)
	case errors.As(err, &skew):
		return ticket.Failure{Kind: ticket.FailureRefused, Cause: ticket.CauseSkew, Local: skew.Local, Peer: skew.Peer}
	case errors.As(err, &peer):
		return ofPeer(peer, exchange)
	case errors.Is(err, gssapi.ErrIntegrity), errors.Is(err, gssapi.ErrNoKey):
		return refused(ticket.CauseBadKey)
	case errors.Is(err, gssapi.ErrEType):
		return refused(ticket.CauseEType)
	case errors.Is(err, gssapi.ErrNoCredential):
		return refused(ticket.CauseNoSource)
	case errors.Is(err, gssapi.ErrMismatch), errors.Is(err, gssapi.ErrWrongService):
		return refused(ticket.CauseAnswer)
	case errors.Is(err, gssapi.ErrInternal):
		return refused(ticket.CauseInternal)
	}
	return refused(ticket.CauseOther)
}

// ofPeer is a KDC's refusal. Codes of RFC 4120 section 7.5.9.
func ofPeer(e *gssapi.PeerError, exchange ticket.Exchange) ticket.Failure {
	f := ticket.Failure{Kind: ticket.FailureRefused, Cause: ticket.CauseOther}
	switch e.Code {
	case 6: // KDC_ERR_C_PRINCIPAL_UNKNOWN
		f.Cause = ticket.CauseClientUnknown
	case 7: // KDC_ERR_S_PRINCIPAL_UNKNOWN
		f.Cause = ticket.CauseServiceUnknown
	case 12, 13: // KDC_ERR_POLICY, KDC_ERR_BADOPTION
		f.Cause = ticket.CausePolicy
	case 14: // KDC_ERR_ETYPE_NOSUPP
		f.Cause = ticket.CauseEType
	case 1, 2, 18: // KDC_ERR_NAME_EXP, KDC_ERR_SERVICE_EXP, KDC_ERR_CLIENT_REVOKED
		f.Cause = ticket.CauseRevoked
	case 23: // KDC_ERR_KEY_EXPIRED
		f.Cause = ticket.CauseKeyExpired
	case 24: // KDC_ERR_PREAUTH_FAILED
		f.Cause = ticket.CauseBadKey
	case 37: // KRB_AP_ERR_SKEW
		f.Cause, f.Local, f.Peer = ticket.CauseSkew, e.LocalTime, e.PeerTime
	case 31, 32, 33, 44, 45: // of the ticket that was presented: KRB_AP_ERR_BAD_INTEGRITY, TKT_EXPIRED, TKT_NYV, BADKEYVER, NOKEY
		f.Cause = ticket.CauseBadKey
		if exchange != ticket.ExchangeInitial {
			f.Cause = ticket.CauseGranting
		}
	}
	return f
}
