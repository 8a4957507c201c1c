// Clauses T30 to T39: what should be true, and the signatures that the incident has.

package timeouts

// Names of the properties.
const (
	Converges = "converges"   // T30: the query is answered sooner or later
	NonZeno   = "non-zeno"    // T31: time goes on
	DoneByCap = "done-by-cap" // T32: the query is answered by the time Cap
	NoTimeout = "no-timeout"  // T33: no negotiation fails with ERR_TIMEOUT
	NoReset   = "no-reset"    // T34: none fails with ERR_SESSION_RESET
	// The reported signatures, at their ages in seconds.
	NoTimeoutAt10          = "no-timeout-at-10"         // T35
	NoResetAt5             = "no-reset-at-5"            // T36
	NoResetAt0             = "no-reset-at-0"            // T37: what the server that closes at once shows
	OnlyReportedSignatures = "only-reported-signatures" // T38: no failure but those of T35 and T36
	CanFinish              = "can-finish"               // T39: there is at least one behaviour in which the query is answered
)

func done(s State) bool { return s.Query == Done }

// quiet. T31: again and again nothing is due, so that time can go on. Without it a
// client and a server may send and close for ever within one instant.
func (m *Model) quiet(s State) bool { return !m.due(&s) }

// doneByCap. T32: where nothing is due any more at the time Cap, the query is answered.
// It says nothing where time is not counted.
func (m *Model) doneByCap(s State) bool {
	return m.Cap == 0 || s.Now != int32(m.Cap) || m.due(&s) || done(s)
}

// failed says whether the latest negotiation failed so, at that age.
func (s *State) failed(by Failure, age int32) bool { return s.Last == by && s.LastAge == age }

// onlyReported. T38.
func onlyReported(s State) bool {
	return s.Last == NoFailure || s.failed(Timeout, 10) || s.failed(Reset, 5)
}
