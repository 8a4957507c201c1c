// Text forms of kinds, as files and reports show them.

package trace

import "fmt"

// kindNames is indexed by Kind. Names are part of the format: they change with FormatVersion only.
var kindNames = [kindEnd]string{
	KindNone:        "none",
	KindNodeUp:      "node-up",
	KindNodeDown:    "node-down",
	KindListen:      "listen",
	KindDial:        "dial",
	KindConnected:   "connected",
	KindDialFailed:  "dial-failed",
	KindAccept:      "accept",
	KindBytes:       "bytes",
	KindFrameOut:    "frame-out",
	KindFrameIn:     "frame-in",
	KindClose:       "close",
	KindClosed:      "closed",
	KindTimer:       "timer",
	KindSession:     "session",
	KindNegotiation: "negotiation",
	KindExecute:     "execute",
	KindInvoke:      "invoke",
	KindReturn:      "return",
	KindFault:       "fault",
	KindVerdict:     "verdict",
	KindPost:        "post",
	KindCredential:  "credential",
	KindTable:       "table",
	KindLeader:      "leader",
	KindChallenge:   "challenge",
	KindQuery:       "query",
}

// String is the kind's name, or kind(N) for a number that is none.
func (k Kind) String() string {
	if k < kindEnd {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind finds a kind by its name.
func ParseKind(name string) (Kind, error) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), nil
		}
	}
	return KindNone, fmt.Errorf("trace: no event kind is called %.40q", name)
}

// MarshalText is the kind's name; a number that is no kind is an error.
func (k Kind) MarshalText() ([]byte, error) {
	if k >= kindEnd {
		return nil, fmt.Errorf("trace: %d is no event kind", uint8(k))
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText accepts the name of a kind.
func (k *Kind) UnmarshalText(text []byte) error {
	kind, err := ParseKind(string(text))
	if err != nil {
		return err
	}
	*k = kind
	return nil
}
