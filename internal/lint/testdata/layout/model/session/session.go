// Package session is a specification.
package session

import (
	_ "fixture/layout/model/check"
)
