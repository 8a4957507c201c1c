// Random streams: one seed, and for every consumer a generator of its own, found by name.

package world

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream is the generator that a seed and a name stand for: ChaCha8 of math/rand/v2,
// keyed with SHA-256 of "pegasus-reference/stream/1", the seed (8 bytes, big-endian) and
// the name. Streams of different names are independent, so that a consumer that is added,
// or draws more, does not shift what the others draw. Draw integers only: floating
// point is not the same on every machine.
//
// The world itself uses these names:
//
//	latency/FROM/TO   latency of every packet from host FROM to host TO
//	reads/HOST        where the reads of HOST's process split and when they happen
//	ports/HOST        first ephemeral port after each boot of HOST
//	process/HOST      IO.Rand of the processes on HOST, one after another
func Stream(seed uint64, name string) *rand.Rand {
	key := binary.BigEndian.AppendUint64([]byte("pegasus-reference/stream/1"), seed)
	return rand.New(rand.NewChaCha8(sha256.Sum256(append(key, name...))))
}

// Stream is the world's one generator of that name: a second call goes on where the
// first one's draws ended.
func (w *World) Stream(name string) *rand.Rand {
	r, ok := w.streams[name]
	if !ok {
		r = Stream(w.config.Seed, name)
		w.streams[name] = r
	}
	return r
}
