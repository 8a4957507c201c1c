// Package node imports what a core must not know.
package node

import (
	_ "context"      // want "import: core server/node imports context"
	_ "crypto/rand"  // want "import: .* crypto/rand"
	_ "hash/maphash" // want "import: .* hash/maphash"
	_ "log"          // want "import: .* log,"
	_ "log/slog"     // want "import: .* log/slog"
	_ "math/rand"    // want "import: .* math/rand,"
	_ "math/rand/v2" // want "import: .* math/rand/v2"
	_ "net"          // want "import: .* net,"
	_ "os"           // want "import: .* os,"
	_ "reflect"      // want "import: .* reflect"
	_ "runtime"      // want "import: .* runtime"
	_ "sync"         // want "import: .* sync,"
	_ "sync/atomic"  // want "import: .* sync/atomic"
	_ "unsafe"       // want "import: .* unsafe"

	_ "bytes"
	_ "encoding/binary"
	_ "errors"
	_ "fmt"
	_ "io"
	_ "net/netip"
	_ "slices"
	_ "time"
)
