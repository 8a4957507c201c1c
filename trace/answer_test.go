// The text of answers: written and read back, refused where it is none, bounded.

package trace

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

func TestAnswersAsText(t *testing.T) {
	primary := netip.MustParseAddrPort("10.0.2.1:34801")
	for want, q := range map[string]protocol.QueryConfig{
		"ERR_OK 2 8 0:3@10.0.2.1:34801 1:4@-": {Err: protocol.CodeOK, AppID: 2, Count: 8, Partitions: []protocol.PartitionConfig{
			{PID: protocol.GPID{AppID: 2}, Ballot: 3, Primary: primary}, {PID: protocol.GPID{AppID: 2, Index: 1}, Ballot: 4},
		}},
		"ERR_FORWARD_TO_OTHERS 10.0.2.1:34801": {Err: protocol.CodeForwardToOthers, Partitions: []protocol.PartitionConfig{{Primary: primary}}},
		"ERR_FORWARD_TO_OTHERS -":              {Err: protocol.CodeForwardToOthers},
		"ERR_OBJECT_NOT_FOUND":                 {Err: protocol.CodeObjectNotFound},
		"ERR_OF_TOMORROW":                      {Err: protocol.CodeUnknown, ErrName: "ERR_OF TOMORROW"},
	} {
		text := AnswerOf(&q).String()
		require.Equal(t, want, text)
		again, err := ParseAnswer(text)
		require.NoError(t, err)
		assert.Equal(t, text, again.String())
	}
	large := protocol.QueryConfig{Err: protocol.CodeOK, AppID: 1, Count: 1 << 20, Partitions: make([]protocol.PartitionConfig, 1<<20)}
	require.Less(t, len(AnswerOf(&large).String()), MaxLine/2)
}

func TestNumbersOfAnAnswerAreNumbers(t *testing.T) {
	for _, text := range []string{"ERR_OK 2x 8", "ERR_OK 2 8y", "ERR_OK 2 8,9", "ERR_OK 2 99999999999", "ERR_OK 0x2 8"} {
		_, err := ParseAnswer(text)
		require.ErrorContains(t, err, "is not as it should be", text)
	}
}

// FuzzParseAnswer: what is accepted is written again and read the same.
func FuzzParseAnswer(f *testing.F) {
	for _, text := range []string{
		"ERR_OK 2 8 0:3@10.0.2.1:34801 1:4@-", "ERR_OK 2 0", "ERR_FORWARD_TO_OTHERS [::1]:1", "ERR_FORWARD_TO_OTHERS -", "ERR_BUSY",
		"", "ERR_OK", "ERR_OK 2 x", "ERR_OK 2 8 0:3", "ERR_OK 2 8 a:3@-", "ERR_FORWARD_TO_OTHERS nobody", "ERR_BUSY now", "ERR_OK 2 8 0:3@",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAnswer(text)
		if err != nil {
			require.Contains(t, err.Error(), "answer")
			return
		}
		require.LessOrEqual(t, len(a.Configs), strings.Count(text, "@"))
		again, err := ParseAnswer(a.String())
		require.NoError(t, err)
		require.Equal(t, a.String(), again.String())
	})
}

// An event that says something of routing has another hash in each of its fields; one that
// does not has the hash that it had before there were such fields (TestHashIsPinned).
func TestRoutingFieldsInTheHash(t *testing.T) {
	seen := map[uint64]bool{}
	for _, ev := range []Event{{}, {First: true}, {App: 1}, {Partition: 1}, {Table: "a"}, {Answer: "a"}, {First: true, App: 1}} {
		sum := hashOf([]Event{ev})
		assert.False(t, seen[sum], "%+v", ev)
		seen[sum] = true
	}
}
