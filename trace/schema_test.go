// The page that describes the format, held against the code.

package trace

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumentedSchema wants docs/trace.md to list exactly the fields and kinds that there
// are, in their order, and the version.
func TestDocumentedSchema(t *testing.T) {
	page, err := os.ReadFile("../docs/trace.md")
	require.NoError(t, err)
	require.Contains(t, string(page), fmt.Sprintf("describes `trace_format` %d,", FormatVersion))

	var fields []string
	for i := range reflect.TypeFor[Event]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Event]().Field(i).Tag.Get("json"), ",")
		if name != "-" {
			fields = append(fields, name)
		}
	}
	require.ElementsMatch(t, fields, firstCells(t, string(page), "## Every other line"))
	require.ElementsMatch(t, kindNames[:], firstCells(t, string(page), "## Kinds"))
}

// firstCells are the first cells of the table below a heading.
func firstCells(t *testing.T, page, heading string) []string {
	t.Helper()
	_, below, found := strings.Cut(page, heading+"\n")
	require.True(t, found, heading)
	section, _, _ := strings.Cut(below, "\n## ")
	var cells []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		cells = append(cells, row[1])
	}
	return cells
}
