package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Peers that ask and do not read share one limit, however many they are. Those that hold most
// of it are disconnected, and whoever reads is served on.
func TestPeersThatDoNotReadShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := single()
		cfg.MaxWriteQueue, cfg.MaxWriteQueues = 1<<20, 2<<20
		s, n := inMemory(t, cfg)
		reader := newPeer(t, n.dial(t, s.Addr()))
		require.Equal(t, protocol.CodeOK, reader.put(home, "large", strings.Repeat("x", 1<<19)))
		for range 8 {
			hog := newPeer(t, n.dial(t, s.Addr()))
			for range 2 {
				hog.write(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, storedKey(t, "large")))
				synctest.Wait()
				assert.LessOrEqual(t, s.queued.Load(), int64(2<<20))
			}
		}
		for i := range 100 {
			require.Equal(t, protocol.CodeOK, reader.put(home, fmt.Sprint(i), "v"))
		}
		value, code := reader.get(home, "large")
		require.Equal(t, protocol.CodeOK, code)
		require.Len(t, value, 1<<19)
		assert.GreaterOrEqual(t, s.Stats().SlowPeers, uint64(5))
		require.NoError(t, s.Close())
		assert.Zero(t, s.queued.Load(), "what was held is given back, however connections end")
	})
}

// What is being written waits for the peer as well, and counts: nobody holds more than the limit.
func TestAPeerThatDoesNotReadHoldsNoMoreThanItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := single()
		cfg.MaxWriteQueue = 1 << 20
		s, n := inMemory(t, cfg)
		reader := newPeer(t, n.dial(t, s.Addr()))
		require.Equal(t, protocol.CodeOK, reader.put(home, "large", strings.Repeat("x", 3<<17)))
		hog := newPeer(t, n.dial(t, s.Addr()))
		for range 3 {
			hog.write(protocol.RPCGet, home, protocol.AppendKeyArgs(nil, storedKey(t, "large")))
			synctest.Wait()
			assert.LessOrEqual(t, s.queued.Load(), int64(1<<20))
		}
		assert.EqualValues(t, 1, s.Stats().SlowPeers)
		require.NoError(t, s.Close())
	})
}
