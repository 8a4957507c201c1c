// Package node stands below the server.
package node

import (
	_ "fixture/layout/sim" // want "layout: server/node imports sim, which stands above it"
)
