package protocol_test

import (
	"errors"
	"fmt"

	"github.com/a8011091/pegasus-reference/protocol"
)

// A request as a client writes it, taken out of the stream again as a server does, in pieces
// as they come.
func Example() {
	key, err := protocol.AppendKey(nil, []byte("user 7"), []byte("name"))
	if err != nil {
		fmt.Println(err)
		return
	}
	wire := protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: 2, Partition: 3, TimeoutMillis: 1000, PartitionHash: protocol.PartitionHash([]byte("user 7"), nil)},
		RPC:    protocol.RPCGet, Seq: 1, Body: protocol.AppendKeyArgs(nil, key),
	})

	d := protocol.NewRequestDecoder(protocol.Limits{MaxFrameBytes: 1 << 20})
	for _, piece := range [][]byte{wire[:20], wire[20:], []byte("GET / HTTP/1.1")} {
		if err := d.Write(piece); err != nil {
			fmt.Println(err)
			return
		}
		var r protocol.Request
		ok, err := d.Next(&r)
		switch {
		case errors.Is(err, protocol.FrameBadMagic):
			fmt.Println("somebody else's protocol: close the connection")
		case ok:
			stored, _ := protocol.ParseKeyArgs(r.Body) // r.Body is valid until the next call of d
			hashKey, sortKey, _ := protocol.ParseKey(stored)
			fmt.Printf("%v of partition %d.%d: %s, %s\n", r.RPC, r.Header.AppID, r.Header.Partition, hashKey, sortKey)
		default:
			fmt.Println("not complete yet")
		}
	}
	// Output:
	// not complete yet
	// RPC_RRDB_RRDB_GET of partition 2.3: user 7, name
	// somebody else's protocol: close the connection
}
