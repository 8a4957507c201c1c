// The bytes and names of docs/spec.md, held against the code.

package protocol_test

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

var (
	specExample = regexp.MustCompile("(?s)```hex (request|response)\n(.*?)\n```")
	specComment = regexp.MustCompile(`(?m)#.*$`)
	specCode    = regexp.MustCompile("`(ERR_[A-Z0-9_]+)`")
	specRPC     = regexp.MustCompile("`(RPC_[A-Z0-9_]+)`")
)

func specText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/spec.md")
	require.NoError(t, err)
	return string(text)
}

// Every example is one of the test vectors, byte for byte.
func TestSpecExamples(t *testing.T) {
	vectors := make(map[string][]string)
	for _, v := range requestVectors() {
		vectors["request"] = append(vectors["request"], string(unhex(t, v.wire)))
	}
	for _, v := range responseVectors() {
		vectors["response"] = append(vectors["response"], string(unhex(t, v.wire)))
	}
	seen := make(map[string]int)
	for _, m := range specExample.FindAllStringSubmatch(specText(t), -1) {
		seen[m[1]]++
		frame := unhex(t, specComment.ReplaceAllString(m[2], ""))
		assert.Contains(t, vectors[m[1]], string(frame), "%s number %d of docs/spec.md", m[1], seen[m[1]])
	}
	assert.Equal(t, map[string]int{"request": 2, "response": 3}, seen)
}

func TestSpecScalarsAndHashes(t *testing.T) {
	spec := specText(t)
	key, err := protocol.AppendKey(nil, []byte("user"), []byte("name"))
	require.NoError(t, err)
	hash := protocol.PartitionHash([]byte("user"), []byte("name"))
	hostPort := append(unhex(t, "00000009"), "127.0.0.1"...)
	for _, want := range []string{
		fmt.Sprintf("`%016x`", protocol.GPID{AppID: 2, Index: 3}.Pack()),
		fmt.Sprintf("`%016x`", protocol.PackAddress(netip.MustParseAddrPort("127.0.0.1:34601"))),
		"`" + hex.EncodeToString(append(hostPort, 34601>>8, 34601&0xff, 1)) + "`",
		fmt.Sprintf("`%016x`", protocol.CRC64([]byte("123456789"))),
		"stored key `" + hex.EncodeToString(key) + "`",
		fmt.Sprintf("hash `%016x`, of 8 partitions number %d", hash, protocol.PartitionIndex(hash, 8)),
		fmt.Sprintf("at most %d", protocol.MaxHashKeyBytes),
	} {
		assert.Contains(t, spec, want)
	}
}

func TestSpecNamesAreOnTheWire(t *testing.T) {
	spec := specText(t)
	codes := specCode.FindAllStringSubmatch(spec, -1)
	require.NotEmpty(t, codes)
	for _, m := range codes {
		assert.NotEqual(t, protocol.CodeUnknown, protocol.LookupErrorCode([]byte(m[1])), m[1])
	}
	calls := specRPC.FindAllStringSubmatch(spec, -1)
	require.NotEmpty(t, calls)
	for _, m := range calls {
		assert.NotEqual(t, protocol.RPCUnknown, protocol.RPCByName(m[1]), m[1])
	}
	text := strings.Join(strings.Fields(spec), " ")
	for s := protocol.SASLInvalid; s.Known(); s++ {
		assert.Contains(t, text, fmt.Sprintf("%d %v", s, s))
	}
}
