// What callers are told to do with each error.

package client

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/operations.md says what to do with every error that a call can be.
func TestOperationsPageHasEveryError(t *testing.T) {
	source, err := os.ReadFile("error.go")
	require.NoError(t, err)
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	names := regexp.MustCompile(`(?m)^\t(Err\w+) +=`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, names)
	for _, m := range names {
		assert.Contains(t, string(page), "\n| `"+m[1]+"` |")
	}
}
