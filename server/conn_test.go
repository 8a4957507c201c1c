// What a connection's queue takes.

package server

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Bytes that were refused leave a hole in what the peer reads: nothing may come after it,
// however small, until the server has dropped the connection.
func TestNothingIsQueuedAfterBytesThatWereRefused(t *testing.T) {
	c := &conn{wake: make(chan struct{}, 1), queued: new(atomic.Int64)}
	assert.True(t, c.enqueue([]byte("first "), 10))
	assert.False(t, c.enqueue([]byte("second"), 10))
	assert.False(t, c.enqueue([]byte("3rd"), 10))
	batch, _ := c.take(nil)
	assert.Equal(t, "first ", string(batch))
	assert.False(t, c.enqueue([]byte("4th"), 10), "not when there is room again")
}
