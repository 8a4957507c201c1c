package protocol

import "testing"

func TestWrites(*testing.T) {
	inTest = 2
}
