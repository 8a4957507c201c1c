// docs/spec.md held against what it speaks of: the clauses of the three specifications, the tables
// that map each to code and trace, and every declaration that the page names.

package model_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/timeouts"
)

const (
	root       = ".."
	clauseCode = `[SPRQT][0-9]+[a-z]?`
)

var (
	clauseNumber = regexp.MustCompile(`\b` + clauseCode + `\b`)
	clauseRange  = regexp.MustCompile(`\b([SPRQT])([0-9]+)(?: to |\.\.)[SPRQT]([0-9]+)\b`)
	clauseItem   = regexp.MustCompile(`(?m)^ *- \*\*(` + clauseCode + `)\.\*\* (.*)$`)
	clauseRow    = regexp.MustCompile(`(?m)^\| (` + clauseCode + `) \| (.*) \| (.*) \| (.*) \|$`)
	constantRow  = regexp.MustCompile(`(?m)^\| ([A-Z][A-Za-z]*) \| .* \| .* \| .* \|$`)
	quoted       = regexp.MustCompile("`([^`\n]+)`")
	declaration  = regexp.MustCompile(`^([A-Za-z0-9_/]+\.go):([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)?)$`)
	someFile     = regexp.MustCompile(`^[A-Za-z0-9_/]+\.(go|tla|md)$`)
	errorName    = regexp.MustCompile(`ERR_[A-Z0-9_]+`)
)

func specText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "spec.md"))
	require.NoError(t, err)
	return string(text)
}

// packageOf returns the package that a clause is of.
func packageOf(clause string) string {
	switch clause[0] {
	case 'R', 'Q':
		return "routing"
	case 'T':
		return "timeouts"
	}
	return "session"
}

// rows returns the tables' rows by clause: model, trace, code.
func rows(t *testing.T, spec string) map[string][3]string {
	t.Helper()
	found := make(map[string][3]string)
	for _, m := range clauseRow.FindAllStringSubmatch(spec, -1) {
		assert.NotContains(t, found, m[1], "clause twice in the table")
		found[m[1]] = [3]string(m[2:5])
	}
	return found
}

// sources parses Go files once and knows what they declare.
type sources struct {
	t     *testing.T
	set   *token.FileSet
	files map[string]*ast.File
}

func newSources(t *testing.T) *sources {
	return &sources{t: t, set: token.NewFileSet(), files: make(map[string]*ast.File)}
}

// parse returns the file of a path from the module's root; nil if there is none.
func (s *sources) parse(path string) *ast.File {
	s.t.Helper()
	if s.files[path] == nil {
		f, err := parser.ParseFile(s.set, filepath.Join(root, path), nil, parser.ParseComments)
		if assert.NoError(s.t, err) {
			s.files[path] = f
		}
	}
	return s.files[path]
}

// find returns what a file declares under a name: a function, a method as Type.name, a
// type, constant or variable, a field as Type.Field. Nil if nothing.
func (s *sources) find(path, name string) ast.Node {
	s.t.Helper()
	f := s.parse(path)
	if f == nil {
		return nil
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if functionName(d) == name {
				return d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if slices.Contains(names(spec), name) {
					return d
				}
			}
		}
	}
	return nil
}

// functionName is the name of a function, with its receiver's type in front.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if id, ok := receiver.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// names returns what one specification declares, fields of a struct included.
func names(spec ast.Spec) []string {
	var list []string
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, id := range spec.Names {
			list = append(list, id.Name)
		}
	case *ast.TypeSpec:
		list = append(list, spec.Name.Name)
		if of, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range of.Fields.List {
				for _, id := range field.Names {
					list = append(list, spec.Name.Name+"."+id.Name)
				}
			}
		}
	}
	return list
}

// mentions returns the clause numbers in a file's comments between two positions.
func mentions(f *ast.File, from, to token.Pos) []string {
	var list []string
	for _, group := range f.Comments {
		if group.Pos() >= from && group.End() <= to {
			list = append(list, clauseNumber.FindAllString(group.Text(), -1)...)
		}
	}
	return list
}

// modelClauses returns the clauses of the specifications, by the comments at its code: what
// stands before a package clause is an overview and defines none.
func modelClauses(t *testing.T, s *sources) []string {
	t.Helper()
	var paths, all []string
	for _, name := range []string{"session", "routing", "timeouts"} {
		found, err := filepath.Glob(name + "/*.go")
		require.NoError(t, err)
		paths = append(paths, found...)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f := s.parse(filepath.Join("model", path))
		require.NotNil(t, f)
		here := mentions(f, f.Package, f.FileEnd)
		all = append(all, here...)
		overview := expand(f.Comments[0].Text())
		if strings.HasPrefix(f.Comments[0].Text(), "Clauses ") {
			for _, clause := range here {
				assert.Contains(t, overview, strings.TrimRight(clause, "abc"), "%s: the overview leaves it out", path)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expand lists the numbers of ranges such as "S7 to S9".
func expand(text string) []string {
	list := clauseNumber.FindAllString(text, -1)
	for _, m := range clauseRange.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(m[2])
		last, _ := strconv.Atoi(m[3])
		for n := first; n <= last; n++ {
			list = append(list, fmt.Sprint(m[1], n))
		}
	}
	return list
}

func TestSpecHasTheClausesOfTheModel(t *testing.T) {
	spec := specText(t)
	want := modelClauses(t, newSources(t))
	require.Greater(t, len(want), 120)
	var have []string
	for _, m := range clauseItem.FindAllStringSubmatch(spec, -1) {
		have = append(have, m[1])
		assert.NotEmpty(t, strings.TrimSpace(m[2]), m[1])
	}
	assert.ElementsMatch(t, want, have, "clauses of the models and of docs/spec.md")
	var mapped []string
	for clause := range rows(t, spec) {
		mapped = append(mapped, clause)
	}
	assert.ElementsMatch(t, want, mapped, "clauses of the models and of the tables in docs/spec.md")
}

// The twin may leave a number out, where one of its actions is several clauses, and a page
// names only what it speaks of; none has a clause of its own.
func TestNoOtherTextHasClausesOfItsOwn(t *testing.T) {
	known := modelClauses(t, newSources(t))
	for _, name := range []string{"spec/tla/Session.tla", "spec/tla/Sessions.tla", "spec/tla/Routing.tla", "spec/tla/Timeouts.tla", "timeouts.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", name))
		require.NoError(t, err)
		clauses := clauseNumber.FindAllString(clauseRange.ReplaceAllString(string(text), ""), -1)
		require.NotEmpty(t, clauses)
		for _, clause := range clauses {
			assert.Contains(t, known, clause, name)
		}
	}
}

// The table of section 6.5 has every constant of the timeouts specification, in its order.
func TestSpecHasTheDeadlines(t *testing.T) {
	_, section, found := strings.Cut(specText(t), "### 6.5 ")
	require.True(t, found)
	section, _, found = strings.Cut(section, "\n### ")
	require.True(t, found)
	var have, want []string
	for _, m := range constantRow.FindAllStringSubmatch(section, -1) {
		have = append(have, m[1])
	}
	for _, c := range timeouts.Describe() {
		want = append(want, c.Name)
	}
	assert.Equal(t, want, have)
}

// A row's model function is where the model's comments have that clause.
func TestSpecTableNamesTheModel(t *testing.T) {
	s := newSources(t)
	for clause, row := range rows(t, specText(t)) {
		found := false
		for _, m := range quoted.FindAllStringSubmatch(row[0], -1) {
			of := declaration.FindStringSubmatch("model/" + packageOf(clause) + "/" + m[1])
			require.NotNil(t, of, "clause %s: %s is not FILE:NAME", clause, m[1])
			node := s.find(of[1], of[2])
			if !assert.NotNil(t, node, "clause %s: %s declares no %s", clause, of[1], of[2]) {
				continue
			}
			if d, ok := node.(*ast.FuncDecl); ok && d.Doc != nil {
				found = found || slices.Contains(mentions(s.parse(of[1]), d.Doc.Pos(), d.End()), clause)
			} else {
				found = found || slices.Contains(mentions(s.parse(of[1]), node.Pos(), node.End()), clause)
			}
		}
		assert.True(t, found, "clause %s: no function of its row has it in its comments", clause)
	}
}

func TestSpecTableNamesTheTrace(t *testing.T) {
	s := newSources(t)
	for clause, row := range rows(t, specText(t)) {
		kinds := 0
		for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
			name := "Event." + m[1]
			if strings.HasPrefix(m[1], "Kind") {
				kinds++
				name = m[1]
			}
			assert.NotNil(t, s.find("trace/event.go", name), "clause %s: trace/event.go has no %s", clause, name)
		}
		assert.True(t, kinds > 0 || row[1] == "none", "clause %s: the trace cell names no kind", clause)
	}
}

func TestSpecTableNamesTheCode(t *testing.T) {
	for clause, row := range rows(t, specText(t)) {
		if row[2] == "specification only" {
			continue
		}
		places := quoted.FindAllStringSubmatch(row[2], -1)
		assert.NotEmpty(t, places, "clause %s: the code cell names nothing", clause)
		for _, m := range places {
			assert.Regexp(t, declaration, m[1], "clause %s", clause)
		}
	}
}

func TestSpecNamesWhatIsThere(t *testing.T) {
	s := newSources(t)
	named := 0
	for _, m := range quoted.FindAllStringSubmatch(clauseRow.ReplaceAllString(specText(t), "$4"), -1) {
		if of := declaration.FindStringSubmatch(m[1]); of != nil {
			named++
			assert.NotNil(t, s.find(of[1], of[2]), "%s declares no %s", of[1], of[2])
		} else if someFile.MatchString(m[1]) {
			named++
			assert.FileExists(t, filepath.Join(root, m[1]))
		}
	}
	assert.Greater(t, named, 80)
}

// The first three rows of section 2.3 are the cases of judge, in its order.
func TestSpecHasTheErrorCodesOfTheClient(t *testing.T) {
	s := newSources(t)
	wire := wireNames(t, s)
	judge, ok := s.find("client/routing/refusal.go", "judge").(*ast.FuncDecl)
	require.True(t, ok)
	var want [][]string
	ast.Inspect(judge, func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok {
			var codes []string
			for _, e := range c.List {
				selector, ok := e.(*ast.SelectorExpr)
				require.True(t, ok)
				codes = append(codes, wire[selector.Sel.Name])
			}
			want = append(want, codes)
		}
		return true
	})
	_, section, found := strings.Cut(specText(t), "### 2.3 ")
	require.True(t, found)
	var have [][]string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `ERR_") {
			have = append(have, errorName.FindAllString(line, -1))
		}
	}
	require.Len(t, want, 3)
	require.Len(t, have, 4)
	for i := range want {
		assert.ElementsMatch(t, want[i], have[i])
	}
	assert.Equal(t, []string{wire["CodeTimeout"]}, have[3])
}

// wireNames returns the names on the wire of protocol's error codes, by constant.
func wireNames(t *testing.T, s *sources) map[string]string {
	t.Helper()
	f := s.parse("protocol/errorcode.go")
	require.NotNil(t, f)
	found := make(map[string]string)
	ast.Inspect(f, func(n ast.Node) bool {
		entry, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, isName := entry.Key.(*ast.Ident)
		value, isText := entry.Value.(*ast.BasicLit)
		if isName && isText && value.Kind == token.STRING {
			name, err := strconv.Unquote(value.Value)
			require.NoError(t, err)
			found[key.Name] = name
		}
		return true
	})
	require.NotEmpty(t, found)
	return found
}
