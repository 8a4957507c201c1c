// docs/scenario.md held against what reads scenario files: every setting with its default,
// the fields of every line, and an example that is one.

package sim

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

func readScenarioPage(t *testing.T) string {
	page, err := os.ReadFile("../docs/scenario.md")
	require.NoError(t, err)
	return string(page)
}

func TestScenarioPageHasEverySetting(t *testing.T) {
	var documented, known [][2]string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|`]+) \\|").FindAllStringSubmatch(readScenarioPage(t), -1) {
		documented = append(documented, [2]string{m[1], m[2]})
	}
	s := Default()
	for _, set := range settings {
		known = append(known, [2]string{set.word, set.write(&s)})
	}
	assert.Equal(t, known, documented, "settings and defaults, in the order in which they are written, and docs/scenario.md")
}

// A scenario with every line and field is written with the fields of the page, and no others.
func TestScenarioPageHasEveryField(t *testing.T) {
	s := Default()
	s.Drawn = []Drawn{{Kind: FaultRestart, PerMille: 1, Shape: shapeAll}}
	s.Workloads = []Workload{{Client: 1}}
	s.Ops = []Op{{RPC: protocol.RPCGet, Serial: true}, {RPC: protocol.RPCPut}, {RPC: protocol.RPCRemove}, {RPC: protocol.RPCTTL}}
	s.Clocks = []Clock{{Node: "meta-1"}}
	for _, kind := range FaultKinds() {
		s.Faults = append(s.Faults, Fault{Kind: kind, Node: "meta-1", Peer: "meta-2", Down: time.Second})
	}
	var text bytes.Buffer
	require.NoError(t, WriteScenario(&text, &s))
	page := readScenarioPage(t)
	rows := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| (`[^|]+) \\|").FindAllStringSubmatch(page, -1)
	require.Len(t, rows, 5)
	for _, row := range rows {
		written, documented := map[string]bool{}, map[string]bool{}
		for _, line := range strings.Split(text.String(), "\n") {
			kind, fields, _ := strings.Cut(line, " ")
			if kind != row[1] {
				continue
			}
			for _, word := range strings.Fields(fields) {
				if name, _, has := strings.Cut(word, "="); has || kind == "op" {
					written[name] = true
				}
			}
		}
		for _, m := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(row[2], -1) {
			documented[m[1]] = true
		}
		assert.Equal(t, written, documented, "fields of %s lines", row[1])
	}
}

// The bounds that the page has are those that files are held to.
func TestScenarioPageHasTheBounds(t *testing.T) {
	page := readScenarioPage(t)
	for _, says := range []string{
		fmt.Sprintf("a line has at most %d,%03d bytes and a file %d MiB", maxScenarioLine/1000, maxScenarioLine%1000, maxScenarioBytes>>20),
		fmt.Sprintf("meta servers, 1 to %d |", maxMetas),
		fmt.Sprintf("replica servers, 1 to %d |", maxReplicas),
		fmt.Sprintf("a power of two up to %d |", maxPartitions),
		fmt.Sprintf("| `clients` | 3 | 1 to %d |", maxClients),
	} {
		assert.Contains(t, page, says)
	}
}

func TestScenarioPageShowsAScenario(t *testing.T) {
	_, example, found := strings.Cut(readScenarioPage(t), "    simulate scenario 1\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "\n\n")
	s, err := ReadScenario(strings.NewReader("simulate scenario 1\n" + strings.ReplaceAll(example, "\n    ", "\n")))
	require.NoError(t, err)
	require.Len(t, s.Faults, 2)
	require.Len(t, s.Workloads, 1)
}
