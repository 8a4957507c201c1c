package protocol

import (
	"testing"

	_ "fixture/layout/sim"
)

// TestLooksUp shows that a test may import what stands above.
func TestLooksUp(*testing.T) {}
