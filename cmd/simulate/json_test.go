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

// members are what a struct encodes to, by path: signatures and signatures[].error, and with
// a ? those that may be left out. What is inside a type that was seen before is left out.
func members(t reflect.Type, prefix string, seen map[reflect.Type]bool) (paths []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		optional := ""
		if strings.Contains(options, "omitempty") {
			optional = "?"
		}
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
			paths = append(paths, prefix+name+optional)
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

// documentedMembers are the rows of a section, with a ? those that may be left out: a row says
// so, or one before it does for so many more; of a ledger's line all but two.
func documentedMembers(heading, text string) (names []string) {
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\| (.*) \\|$")
	more := regexp.MustCompile("optional, as the next(?: (two|three))?$")
	left := 0
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		optional := left > 0 || regexp.MustCompile(`; (optional|missing: .*)\b`).MatchString(m[2]) ||
			heading == "Ledgers" && m[1] != "seed" && m[1] != "verdict"
		left = max(0, left-1)
		if also := more.FindStringSubmatch(m[2]); also != nil {
			left = map[string]int{"": 1, "two": 2, "three": 3}[also[1]]
		}
		if optional {
			m[1] += "?"
		}
		names = append(names, m[1])
	}
	return names
}

func TestDocumentedJSON(t *testing.T) {
	page, err := os.ReadFile("../../docs/json.md")
	require.NoError(t, err)
	documented := map[string][]string{}
	for _, section := range regexp.MustCompile(`(?m)^## `).Split(string(page), -1)[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		if rows := documentedMembers(heading, text); len(rows) > 0 {
			documented[heading] = rows
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
