package routing

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// What is made of each code is what section 2.3 of docs/spec.md says: a row of its table for
// answers of servers, a sentence below it for those of metas.
func TestCodesAreJudgedAsSpecified(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "### 2.3 ")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n### ")
	code := regexp.MustCompile("`(ERR_[A-Z_]+)`")
	verdicts := map[string]verdict{ // by the beginning of the last column
		"asks a meta server again": verdictReroute, "tries again after a pause": verdictRetry, "fails": verdictFinal, "write: unknown": verdictAmbiguous,
	}
	want := make(map[string]verdict)
	for line := range strings.Lines(section) {
		columns := strings.Split(strings.Trim(line, "|\n "), "|")
		if len(columns) != 3 {
			continue
		}
		for does, v := range verdicts {
			if strings.HasPrefix(strings.TrimSpace(columns[2]), does) {
				for _, m := range code.FindAllStringSubmatch(columns[0], -1) {
					want[m[1]] = v
				}
			}
		}
	}
	sentence, _, found := strings.Cut(section, "end the\nsearch")
	require.True(t, found)
	final := make(map[string]bool)
	for _, m := range code.FindAllStringSubmatch(sentence[strings.LastIndex(sentence, "Inside the answer"):], -1) {
		final[m[1]] = true
	}
	require.Len(t, want, 23)
	require.Len(t, final, 5)
	for c := protocol.CodeUnknown; c < 1000; c++ {
		if c == protocol.CodeOK {
			continue
		}
		v, named := want[c.String()]
		if !named {
			v = verdictAmbiguous
		}
		require.Equal(t, v, judge(c), "%v", c)
		require.Equal(t, final[c.String()], queryFinal(c), "%v", c)
	}
}

// What is no operation on a key is refused as what it is, whoever would have served it.
func TestWhatIsNoOperationIsRefused(t *testing.T) {
	h := newHarness(t, testConfig())
	for id, rpc := range []protocol.RPC{protocol.RPCUnknown, protocol.RPCQueryConfig, protocol.RPCNegotiation} {
		h.step(Event{Kind: EventSubmit, Op: Op{ID: OpID(id), Table: "temp", RPC: rpc, Deadline: h.now.Add(time.Second)}})
		require.Equal(t, Completion{ID: OpID(id), Outcome: session.OutcomeFailed, Code: protocol.CodeInvalidParameters}, h.done[id])
	}
	require.Empty(t, h.conns)
}
