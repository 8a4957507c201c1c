// docs/operations.md has what to do with each error of a call, and every setting of a client.

package client

import (
	"os"
	"reflect"
	"regexp"
	"slices"
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

// It also has every setting that is a number, a time or a switch.
func TestOperationsPageHasEverySetting(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	config := reflect.TypeFor[Config]()
	for i := range config.NumField() {
		f := config.Field(i)
		if f.IsExported() && slices.Contains([]reflect.Kind{reflect.Int, reflect.Int64, reflect.Bool}, f.Type.Kind()) {
			assert.Contains(t, string(page), "`"+f.Name+"`")
		}
	}
}
