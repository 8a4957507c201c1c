// Trials that find nothing, and are kept to say so.

package defect

// Unseen is a trial of an engine that does not see the defect: where it ever does, the
// catalogue is to be changed.
type Unseen struct {
	Trial
	Why string
}

func unseen(trial Trial, why string) Unseen { return Unseen{Trial: trial, Why: why} }

// blind says why a trial is expected to find nothing; "" if it is to find the defect.
func blind(trial Trial) string {
	if u, ok := trial.(Unseen); ok {
		return u.Why
	}
	return ""
}
