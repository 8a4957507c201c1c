// Package routing stands below the driver.
package routing

import (
	_ "fixture/layout/protocol"
)
