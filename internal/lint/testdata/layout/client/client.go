// Package client is a driver.
package client

import (
	_ "fixture/layout/client/routing"
	_ "fixture/layout/server/node" // want "layout: client imports server/node, because the two must not know each other"
)
