//go:build linux && kernel

// The programs that set up a network namespace are children of a shell that begins before
// there are sockets. A child of this process would hold a copy of every socket until it
// has executed its program, and a close in that moment would close nothing yet.

package world

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// shell runs commands one at a time, for tests that run at once.
type shell struct {
	lock    sync.Mutex
	to      io.Writer
	answers *bufio.Reader
}

func newShell(t *testing.T) *shell {
	c := exec.Command("sh")
	to, err := c.StdinPipe()
	require.NoError(t, err)
	from, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = to.Close()
		_ = c.Wait()
	})
	return &shell{to: to, answers: bufio.NewReader(from)}
}

// run has a command done in the network namespace of the calling thread.
func (s *shell) run(t *testing.T, input, command string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	_, err := fmt.Fprintf(s.to, "nsenter --net=/proc/%d/task/%d/ns/net sh -c '%s' 2>&1 <<'END'\n%s\nEND\necho status $?\n", os.Getpid(), unix.Gettid(), command, input)
	require.NoError(t, err)
	var said strings.Builder
	for {
		line, err := s.answers.ReadString('\n')
		require.NoError(t, err, said.String())
		if status, last := strings.CutPrefix(line, "status "); last {
			require.Equal(t, "0\n", status, "%s: %s(Debian's packages util-linux, iproute2 and nftables have these programs)", command, said.String())
			return
		}
		said.WriteString(line)
	}
}
