// Package more lies below a core and is one.
package more

import (
	_ "net/http" // want "import: core server/node/more imports net/http"
)
