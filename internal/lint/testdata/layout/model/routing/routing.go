// Package routing is a specification that looks at other things.
package routing

import (
	_ "fixture/layout/internal/lint" // want "layout: model/routing imports internal/lint, which stands above"
)
