// Rules about packages as wholes: that they compile, where they stand in the layout,
// what they import, and that nothing in them is hidden from the other rules.

package lint

import (
	"go/ast"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// emptyNames say nothing about what a package is for.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "types", "base", "misc", "shared"}

// checkCompiles reports the packages that the other rules cannot judge.
func (c *checker) checkCompiles() {
	for _, u := range slices.Concat(c.packages, c.tests) {
		for i, e := range precise(u.Errors) {
			if i == maxListedErrors {
				break
			}
			c.findings = append(c.findings, Finding{Pos: c.errorPosition(u, e.Pos), Rule: RuleCompile,
				Message: "package " + u.rel + " does not compile, so no rule can judge it: " + e.Msg})
		}
	}
}

// precise keeps the errors that say where they are, if there are such.
func precise(errors []packages.Error) []packages.Error {
	var located []packages.Error
	for _, e := range errors {
		if e.Kind == packages.TypeError || e.Kind == packages.ParseError {
			located = append(located, e)
		}
	}
	if len(located) > 0 {
		return located
	}
	return errors
}

// errorPosition reads "file:line:column", "file:line", or "" and "-" for nothing known.
func (c *checker) errorPosition(u *unit, text string) token.Position {
	file, rest, ok := strings.Cut(text, ":")
	if !ok {
		return token.Position{Filename: filepath.Join(c.dir, u.rel)}
	}
	line, _, _ := strings.Cut(rest, ":")
	number, err := strconv.Atoi(line)
	if err != nil {
		number = 0
	}
	return token.Position{Filename: file, Line: number}
}

// checkLayout holds each import within the module against the arrows.
func (c *checker) checkLayout() {
	for _, u := range c.packages {
		from, known := c.rules.rank(u.rel)
		if !known {
			c.report(packagePos(u), RuleLayout, "package %s has no line in the layout%sits place among the arrows is then unknown"+advice+
				"put it where it belongs, or give it a line in internal/lint/rules.go and docs/architecture.md", u.rel, because)
			continue
		}
		if slices.Contains(emptyNames, path.Base(u.rel)) && !withinAny(u.rel, c.rules.Exempt) {
			c.report(packagePos(u), RuleLayout, "package name %s says nothing"+advice+"name it after the noun of the field that it is about", path.Base(u.rel))
		}
		c.eachImport(u, func(spec *ast.ImportSpec, imported string) {
			if c.owns(imported) {
				c.checkArrow(spec, u.rel, from, c.relative(imported))
			}
		})
	}
}

func (c *checker) checkArrow(spec *ast.ImportSpec, importer string, from int, imported string) {
	to, known := c.rules.rank(imported)
	switch {
	case !known: // reported where that package stands
	case to < from:
		c.report(spec.Pos(), RuleLayout, "%s imports %s, which stands above it in the layout%sarrows point down only"+advice+
			"move what is needed into a package below both, or declare an interface here that %s implements", importer, imported, because, imported)
	case c.apart(importer, imported):
		c.report(spec.Pos(), RuleLayout, "%s imports %s%sthe two must not know each other"+advice+
			"move what both need into a package below them", importer, imported, because)
	case c.alone(importer, imported):
		c.report(spec.Pos(), RuleLayout, "%s imports %s%sa specification that depends on the implementation cannot judge it"+advice+
			"say it again in the specification's own words", importer, imported, because)
	}
}

func (c *checker) apart(importer, imported string) bool {
	return slices.ContainsFunc(c.rules.Apart, func(pair [2]string) bool {
		return within(importer, pair[0]) && within(imported, pair[1])
	})
}

func (c *checker) alone(importer, imported string) bool {
	return slices.ContainsFunc(c.rules.Alone, func(p string) bool { return within(importer, p) && !within(imported, p) })
}

// checkPackageDocs wants each package to say what it is.
func (c *checker) checkPackageDocs() {
	for _, u := range c.packages {
		documented := func(f *ast.File) bool { return f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" }
		if len(u.Syntax) > 0 && !slices.ContainsFunc(u.Syntax, documented) && !allGenerated(u) {
			c.report(packagePos(u), RuleDoc, "package %s has no package comment"+advice+
				"say above the package clause of one file what the package is and what it is not", u.rel)
		}
	}
}

// readWhole finds the core that the unit belongs to, unless it is generated: of such
// code only what a core reaches is read.
func (c *checker) readWhole(u *unit) (Core, bool) {
	if c.exempt(u) {
		return Core{}, false
	}
	return c.rules.core(u.rel)
}

func (c *checker) exempt(u *unit) bool { return withinAny(u.rel, c.rules.Exempt) && allGenerated(u) }

// allGenerated says whether every file of the unit was written by a program.
func allGenerated(u *unit) bool {
	return !slices.ContainsFunc(u.Syntax, func(f *ast.File) bool { return !ast.IsGenerated(f) })
}

// checkImports holds the imports of each core against its allow-list.
func (c *checker) checkImports() {
	for _, u := range c.packages {
		core, ok := c.readWhole(u)
		if !ok {
			continue
		}
		c.eachImport(u, func(spec *ast.ImportSpec, imported string) {
			if !c.owns(imported) && !core.imports(imported) {
				c.report(spec.Pos(), RuleImport, "core %s imports %s, which is not on its list%sa core has no I/O, clock, lock, goroutine or randomness of its own"+advice+
					"let it come in with an event and go out as an effect, or add a pure package to the list in internal/lint/rules.go", u.rel, imported, because)
			}
		})
	}
}

// checkHidden refuses in cores what the other rules would not see.
func (c *checker) checkHidden() {
	for _, u := range c.packages {
		if _, ok := c.rules.core(u.rel); !ok {
			continue
		}
		for _, hidden := range slices.Concat(u.IgnoredFiles, u.OtherFiles) {
			if strings.HasSuffix(hidden, "_test.go") {
				continue
			}
			c.findings = append(c.findings, Finding{Pos: token.Position{Filename: hidden, Line: 1}, Rule: RuleHidden,
				Message: "core " + u.rel + " has a file that is not built here (a build constraint, another language)" + because +
					"no rule sees it and a core is the same on every machine" + advice + "move it to a driver"})
		}
		for _, file := range u.Syntax {
			c.checkDirectives(u, file)
		}
	}
}

func (c *checker) checkDirectives(u *unit, file *ast.File) {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, "//go:linkname") {
				c.report(comment.Pos(), RuleHidden, "core %s links to a name behind the compiler's back%sno rule sees what it calls"+advice+"import the package, if it is on the core's list", u.rel, because)
			}
		}
	}
}

// eachImport calls f for every import of the unit's files with its unquoted path.
func (c *checker) eachImport(u *unit, f func(spec *ast.ImportSpec, imported string)) {
	for _, file := range u.Syntax {
		for _, spec := range file.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
				f(spec, imported)
			}
		}
	}
}

// packagePos is the package clause of the unit's first file.
func packagePos(u *unit) token.Pos {
	if len(u.Syntax) == 0 {
		return token.NoPos
	}
	return u.Syntax[0].Package
}
