// docs/operations.md has every setting of a server.

package server

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page names every setting that is a number, a time or a switch, and of the limits all.
func TestOperationsPageHasEverySetting(t *testing.T) {
	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	numbers := []reflect.Kind{reflect.Int, reflect.Int64, reflect.Bool}
	for _, part := range []struct {
		prefix string
		of     reflect.Type
		kinds  []reflect.Kind
	}{
		{"", reflect.TypeFor[Config](), numbers},
		{"Meta.", reflect.TypeFor[Meta](), numbers},
		{"Replica.", reflect.TypeFor[Replica](), numbers},
		{"Limits.", reflect.TypeFor[Limits](), append(numbers, reflect.Struct)},
	} {
		for i := range part.of.NumField() {
			if f := part.of.Field(i); f.IsExported() && slices.Contains(part.kinds, f.Type.Kind()) {
				assert.Regexp(t, "`"+regexp.QuoteMeta(part.prefix+f.Name)+"`", string(page))
			}
		}
	}
}
