// The hashes of some runs, checked in: what a seed plays does not change unnoticed. A change
// is written with -update and declared in CHANGELOG.md, with the digest that the test names.

package sim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var updateHashes = flag.Bool("update-hashes", false, "write testdata/hashes.txt")

const hashesFile = "testdata/hashes.txt"

// pinned is a line of the file: arguments of `simulate run` and the hash that comes out.
type pinned struct {
	scenario, client, server, auth, seed, hash string
}

func readPinned(t *testing.T) (list []pinned) {
	file, err := os.ReadFile(hashesFile)
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) > 0 && f[0] != "#" {
			require.Len(t, f, 6, "%s: %s", hashesFile, lines.Text())
			list = append(list, pinned{f[0], f[1], f[2], f[3], f[4], f[5]})
		}
	}
	require.NoError(t, lines.Err())
	return list
}

func (p *pinned) run(t *testing.T) string {
	seed, err := strconv.ParseUint(p.seed, 0, 64)
	require.NoError(t, err)
	s, err := Generate(p.scenario, seed)
	require.NoError(t, err)
	s.Client, s.Server = p.client, p.server
	if p.auth != AuthDrawn {
		s.Auth = p.auth
	}
	result, err := Run(context.Background(), s, Options{})
	require.NoError(t, err)
	return result.TraceHash
}

// digest is what CHANGELOG.md has to say of the hashes.
func digest(list []pinned) string {
	h := sha256.New()
	for _, p := range list {
		fmt.Fprintln(h, p.scenario, p.client, p.server, p.auth, p.seed, p.hash)
	}
	return fmt.Sprintf("seeds-%x", h.Sum(nil)[:6])
}

func TestSeedsPlayWhatTheyPlayed(t *testing.T) {
	list := readPinned(t)
	require.GreaterOrEqual(t, len(list), 15)
	for i := range list {
		p := &list[i]
		hash := p.run(t)
		require.Equal(t, hash, p.run(t), "twice in one process: %+v", *p)
		if *updateHashes {
			p.hash = hash
			continue
		}
		assert.Equal(t, p.hash, hash, "%s %s: if this is meant, go test ./sim -run SeedsPlay -update-hashes, and declare it in CHANGELOG.md", p.scenario, p.seed)
	}
	if *updateHashes {
		writePinned(t, list)
	}
	changes, err := os.ReadFile("../CHANGELOG.md")
	require.NoError(t, err)
	unreleased, _, _ := strings.Cut(string(changes), "\n## [0")
	if !strings.Contains(unreleased, digest(list)) { // assert.Contains would print the whole file
		t.Errorf("CHANGELOG.md, Unreleased, does not say that seeds play otherwise now: the digest of the hashes is %s", digest(list))
	}
}

func writePinned(t *testing.T, list []pinned) {
	var b strings.Builder
	b.WriteString("# Trace hashes, checked by TestSeedsPlayWhatTheyPlayed and, over builds and machines, by .ci/determinism.\n# scenario client server auth seed hash\n")
	for _, p := range list {
		fmt.Fprintln(&b, p.scenario, p.client, p.server, p.auth, p.seed, p.hash)
	}
	require.NoError(t, os.WriteFile(hashesFile, []byte(b.String()), 0o600))
}
