// Names of states, reasons and outcomes, as traces, logs and reports show them.

package session

// Tables of names, indexed by their constants; nothing writes them.
var (
	stateNames = [...]string{
		StateIdle: "idle", StateDialing: "dialing", StateNegotiating: "negotiating",
		StateReady: "ready", StateBackoff: "backoff", StateDraining: "draining", StateClosed: "closed",
	}
	stepNames = [...]string{
		StepNone: "none", StepList: "list", StepSelect: "select", StepToken: "token",
		StepInitiate: "initiate", StepChallenge: "challenge",
	}
	reasonNames = [...]string{
		ReasonNone: "none", ReasonFIN: "fin", ReasonReset: "reset", ReasonIO: "io",
		ReasonRefused: "refused", ReasonDialTimeout: "dial-timeout",
		ReasonNegotiationTimeout: "negotiation-timeout", ReasonNegotiationFailed: "negotiation-failed",
		ReasonDowngrade: "downgrade", ReasonProtocol: "protocol", ReasonSilence: "silence",
		ReasonDeadline: "deadline", ReasonCanceled: "canceled", ReasonQueueFull: "queue-full",
		ReasonClosed: "closed", ReasonInternal: "internal-error",
	}
	outcomeNames = [...]string{0: "none", OutcomeOK: "ok", OutcomeFailed: "failed", OutcomeUnknown: "unknown"}
	authNames    = [...]string{AuthRequired: "required", AuthPreferred: "preferred", AuthOff: "off"}
)

// undefined is the name of a value that is none of its type's constants.
const undefined = "undefined"

// String returns the state's name.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return undefined
}

// String returns the step's name.
func (s Step) String() string {
	if int(s) < len(stepNames) {
		return stepNames[s]
	}
	return undefined
}

// String returns the reason's name.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return undefined
}

// String returns the outcome's name.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return undefined
}

// String returns the mode's name.
func (a Auth) String() string {
	if int(a) < len(authNames) {
		return authNames[a]
	}
	return undefined
}
