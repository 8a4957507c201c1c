// Package protocol reaches generated code, of which only the calls count.
package protocol

import "fixture/chain/protocol/idl/wire"

func write() string { return wire.Write(nil) }

func stamp() int64 { return wire.Stamp() } // want "call: .*protocol/idl/wire.Stamp, which calls time.Now"
