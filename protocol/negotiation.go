// The one message of SASL negotiation, carried both ways by RPCNegotiation: a status
// and an opaque token. Upstream idl/security.thrift.

package protocol

// NegotiationStatus says what a negotiation message is. The numbers travel.
type NegotiationStatus int32

// Negotiation statuses. Nobody sends SASLAuthFail: it marks local state only.
const (
	SASLInvalid NegotiationStatus = iota
	SASLListMechanisms
	SASLListMechanismsResp
	SASLSelectMechanisms
	SASLSelectMechanismsResp
	SASLInitiate
	SASLChallenge
	SASLChallengeResp
	SASLSucc
	SASLAuthDisable
	SASLAuthFail
)

// negotiationNames is indexed by NegotiationStatus; nothing writes it.
var negotiationNames = [...]string{
	SASLInvalid:              "INVALID",
	SASLListMechanisms:       "SASL_LIST_MECHANISMS",
	SASLListMechanismsResp:   "SASL_LIST_MECHANISMS_RESP",
	SASLSelectMechanisms:     "SASL_SELECT_MECHANISMS",
	SASLSelectMechanismsResp: "SASL_SELECT_MECHANISMS_RESP",
	SASLInitiate:             "SASL_INITIATE",
	SASLChallenge:            "SASL_CHALLENGE",
	SASLChallengeResp:        "SASL_CHALLENGE_RESP",
	SASLSucc:                 "SASL_SUCC",
	SASLAuthDisable:          "SASL_AUTH_DISABLE",
	SASLAuthFail:             "SASL_AUTH_FAIL",
}

// Known says that the status is one of the protocol's; a parsed one may be any number.
func (s NegotiationStatus) Known() bool { return s >= 0 && int(s) < len(negotiationNames) }

// String returns the name that logs and traces show.
func (s NegotiationStatus) String() string {
	if !s.Known() {
		return "SASL_UNKNOWN_STATUS"
	}
	return negotiationNames[s]
}

const (
	argsRequestField   = 1 // the only argument of every call
	resultSuccessField = 0 // the only field of every result
)

// AppendNegotiationArgs appends the args struct of RPC_NEGOTIATION.
func AppendNegotiationArgs(dst []byte, status NegotiationStatus, msg []byte) []byte {
	return appendNegotiation(dst, argsRequestField, status, msg)
}

// AppendNegotiationResult appends the result struct of RPC_NEGOTIATION_ACK.
func AppendNegotiationResult(dst []byte, status NegotiationStatus, msg []byte) []byte {
	return appendNegotiation(dst, resultSuccessField, status, msg)
}

// ParseNegotiationArgs reads what AppendNegotiationArgs writes. msg aliases body.
func ParseNegotiationArgs(body []byte) (status NegotiationStatus, msg []byte, err error) {
	return parseNegotiation(body, argsRequestField, "negotiation_request")
}

// ParseNegotiationResult reads what AppendNegotiationResult writes. msg aliases body.
func ParseNegotiationResult(body []byte) (status NegotiationStatus, msg []byte, err error) {
	return parseNegotiation(body, resultSuccessField, "negotiation_response")
}

func appendNegotiation(dst []byte, outer int16, status NegotiationStatus, msg []byte) []byte {
	dst = appendField(dst, typeStruct, outer)
	dst = appendI32Field(dst, 1, int32(status))
	dst = appendBlobField(dst, 2, msg)
	return appendStop(appendStop(dst))
}

func parseNegotiation(body []byte, outer int16, what string) (status NegotiationStatus, msg []byte, err error) {
	r := reader{b: body}
	seen := false
	if r.envelope(outer) {
		for {
			t, id, ok := r.field()
			if !ok {
				break
			}
			switch {
			case id == 1 && r.is(t, typeI32):
				status, seen = NegotiationStatus(r.i32()), true
			case id == 2 && r.is(t, typeStruct):
				msg = r.bytes()
			default:
				r.skip(t, 0)
			}
		}
		r.closeEnvelope()
	}
	if r.err == 0 && !seen {
		r.fail(BodyMissing)
	}
	if r.err != 0 {
		return SASLInvalid, nil, bodyError(r.err, what)
	}
	return status, msg, nil
}
