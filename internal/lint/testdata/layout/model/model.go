// Package model runs specifications, and is no core.
package model

import (
	_ "context"

	_ "fixture/layout/model/session"
)
