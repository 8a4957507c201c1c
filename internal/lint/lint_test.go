package lint

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRepository holds this repository against its own rules.
func TestRepository(t *testing.T) {
	findings, err := Check("../..", Project())
	require.NoError(t, err)
	for _, f := range findings {
		assert.Fail(t, f.String())
	}
}
