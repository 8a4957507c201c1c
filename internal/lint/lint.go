// Package lint holds the architecture's rules that a program can check: which package
// may import which, and what the sans-IO cores may not do. It works on types, not on
// text: a call is what it resolves to, through other packages of the module too. Its
// test runs it over the repository.
package lint

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// Finding is one place that breaks a rule.
type Finding struct {
	Pos     token.Position // Filename is relative to the module's directory
	Rule    string         // one of the Rule constants
	Message string         // what is wrong, why it matters, what to do instead
}

// String is "file:line: rule: message".
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Pos.Filename, f.Pos.Line, f.Rule, f.Message)
}

// The rules' names, as findings show them.
const (
	RuleCompile     = "compile"     // the package cannot be type-checked, so nothing can be said of it
	RuleLayout      = "layout"      // imports point down the layout; names are nouns of the field
	RuleImport      = "import"      // a core imports from an allow-list
	RuleCall        = "call"        // a core calls from an allow-list, through the module's other packages too
	RuleConcurrency = "concurrency" // a core has no goroutine and no channel
	RuleGlobal      = "global"      // a core has no package-level variable that anything writes
	RuleMapOrder    = "map-order"   // a core's behaviour does not depend on a map's order
	RuleFloat       = "float"       // a core computes in integers
	RuleFormat      = "format"      // a core prints no addresses
	RuleHidden      = "hidden"      // a core has no file that the checks do not see
	RuleSize        = "size"        // a file is about one thing
	RuleDoc         = "doc"         // packages and files say what they are about
	RuleUnfinished  = "unfinished"  // work that is left has an issue
)

// The joints of a finding's message, so that all of them read alike.
const (
	because    = ", because "     // between what is wrong and why
	advice     = "; instead: "    // before what to do
	chainArrow = ", which calls " // between the links of a call chain
)

const (
	maxFileLines    = 700 // of a file that is neither test nor generated
	maxListedErrors = 3   // of a package that cannot be type-checked
)

// Check loads the module in dir, tests included, and returns what breaks the rules,
// in order of position. The error is about loading as a whole; a package that does
// not compile is a finding.
func Check(dir string, rules Rules) ([]Finding, error) {
	m, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("lint: load the packages of %s: %w", dir, err)
	}
	findings := m.check(rules)
	files, err := checkFiles(m.dir)
	if err != nil {
		return nil, fmt.Errorf("lint: read the files of %s: %w", dir, err)
	}
	return tidy(m.dir, append(findings, files...)), nil
}

// check runs every rule that needs types.
func (m *module) check(rules Rules) []Finding {
	c := &checker{module: m, rules: rules}
	c.checkCompiles()
	c.checkLayout()
	c.checkPackageDocs()
	c.checkImports()
	c.checkHidden()
	c.checkGlobals()
	c.checkBodies()
	return c.findings
}

// checker is one run of the rules over one module.
type checker struct {
	*module
	rules    Rules
	findings []Finding
	hazards  map[string]hazard     // package-level variables that something may write, see globals.go
	written  written               // what the module changes after making it, see frozen.go
	bodies   map[ast.Node]*body    // what was read so far, by declaration, see body.go
	effects  map[*function]*effect // what was learned of functions called in a range over a map, see effect.go
}

func (c *checker) report(pos token.Pos, rule, format string, args ...any) {
	c.findings = append(c.findings, c.finding(pos, rule, format, args...))
}

func (c *checker) finding(pos token.Pos, rule, format string, args ...any) Finding {
	return Finding{Pos: c.fset.Position(pos), Rule: rule, Message: fmt.Sprintf(format, args...)}
}

// tidy makes file names relative to dir, sorts, and drops repetitions: a test variant
// of a package holds the same files once more.
func tidy(dir string, findings []Finding) []Finding {
	for i := range findings {
		if rel, err := filepath.Rel(dir, findings[i].Pos.Filename); err == nil {
			findings[i].Pos.Filename = filepath.ToSlash(rel)
		}
		findings[i].Pos.Column, findings[i].Pos.Offset = 0, 0
	}
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.Pos.Filename, b.Pos.Filename), cmp.Compare(a.Pos.Line, b.Pos.Line),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(findings)
}
