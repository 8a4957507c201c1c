// Why a negotiation failed, in one word: for counting. The error itself says what to do.

package gssapi

import "errors"

// reasons has, in the order in which they are looked for, the word for each sentinel;
// nothing writes it.
var reasons = [...]struct {
	err  error
	word string
}{
	{ErrInternal, "internal"},
	{ErrSkew, "skew"},
	{ErrExpired, "expired"},
	{ErrNotYetValid, "not-yet-valid"},
	{ErrReplay, "replay"},
	{ErrReplayFull, "replay-cache-full"},
	{ErrWrongService, "wrong-service"},
	{ErrKeyVersion, "key-version"},
	{ErrNoKey, "no-key"},
	{ErrIntegrity, "wrong-key"},
	{ErrMismatch, "mismatch"},
	{ErrAuthzID, "authorization-identity"},
	{ErrPolicy, "policy"},
	{ErrEType, "encryption-type"},
	{ErrMutual, "mutual"},
	{ErrSequence, "sequence"},
	{ErrLayer, "layer"},
	{ErrPeer, "refused-by-peer"},
	{ErrNoCredential, "no-credential"},
	{ErrState, "state"},
	{ErrToken, "malformed"},
	{ErrFormat, "key-material"},
	{ErrConfig, "configuration"},
}

// ReasonOther is what Reason says of an error that is none of this package.
const ReasonOther = "other"

// Reason returns one word of a small, fixed set for err, fit for a label of a metric.
func Reason(err error) string {
	for i := range reasons {
		if errors.Is(err, reasons[i].err) {
			return reasons[i].word
		}
	}
	return ReasonOther
}

// Reasons returns every word that Reason can return.
func Reasons() []string {
	words := make([]string, 0, len(reasons)+1)
	for i := range reasons {
		words = append(words, reasons[i].word)
	}
	return append(words, ReasonOther)
}
