// docs/json.md held against what --json prints: each object's section has its members, and
// those of the objects inside it, no more and no fewer.

package main

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/ablation"
	"github.com/a8011091/pegasus-reference/campaign"
	"github.com/a8011091/pegasus-reference/defect"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
)

// printed has each object that a command prints, and a line of a ledger, under the heading
// of its section, in the order of the page: an object that stands in several is described
// where it comes first. base is another object, all of whose members this one has.
var printed = []struct {
	heading string
	object  any
	base    any
}{
	{heading: "validate", object: validation{}},
	{heading: "run", object: judgedRun{}},
	{heading: "The incident table", object: incidentLine{}, base: sim.Result{}},
	{heading: "shrink", object: shrunk{}},
	{heading: "check", object: checkReport{}},
	{heading: "region", object: regionLine{}},
	{heading: "defect", object: defect.Cell{}},
	{heading: "ablation, by the specifications", object: ablation.Cell{}, base: model.Report{}},
	{heading: "ablation, by the simulator", object: ablation.SimCell{}},
	{heading: "campaign-summary", object: campaign.Summary{}},
	{heading: "Ledgers", object: campaign.Outcome{}},
	{heading: "explore", object: explorerLine{}},
	{heading: "serve", object: ready{}},
	{heading: "ping", object: pinged{}},
	{heading: "list", object: wordList{}},
}

// members are what a struct encodes to, by path: signatures and signatures[].error. What is
// inside a type that was seen before is left out.
func members(t reflect.Type, prefix string, seen map[reflect.Type]bool) (paths []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inside, suffix := f.Type, "."
		for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array}, inside.Kind()) {
			if inside.Kind() != reflect.Pointer {
				suffix = "[]."
			}
			inside = inside.Elem()
		}
		switch {
		case name == "-" || name == "" && !f.Anonymous:
		case name == "":
			seen[inside] = true
			paths = append(paths, members(inside, prefix, seen)...)
		default:
			paths = append(paths, prefix+name)
			if isObject(inside) && !seen[inside] {
				seen[inside] = true
				paths = append(paths, members(inside, prefix+name+suffix, seen)...)
			}
		}
	}
	return paths
}

// isObject says that a type encodes as an object with members of its own.
func isObject(t reflect.Type) bool {
	encodes := reflect.TypeFor[json.Marshaler]()
	return t.Kind() == reflect.Struct && !t.Implements(encodes) && t.PkgPath() != "net/netip"
}

func TestDocumentedJSON(t *testing.T) {
	page, err := os.ReadFile("../../docs/json.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\|")
	documented := map[string][]string{}
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(string(page), -1)[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		for _, m := range row.FindAllStringSubmatch(text, -1) {
			documented[heading] = append(documented[heading], m[1])
		}
	}
	seen := map[reflect.Type]bool{}
	for _, p := range printed {
		names := members(reflect.TypeOf(p.object), "", seen)
		if p.base != nil {
			inherited := members(reflect.TypeOf(p.base), "", seen)
			require.Subset(t, names, inherited, p.heading)
			names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(inherited, name) })
		}
		assert.ElementsMatch(t, names, documented[p.heading], "members of %q, and what docs/json.md has of them", p.heading)
		delete(documented, p.heading)
	}
	assert.Empty(t, documented, "sections of docs/json.md that are of no object")
}
