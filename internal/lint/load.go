// Loading a module: its packages with syntax and types, its functions and
// package-level variables by name.

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/packages"
)

// module is a loaded module.
type module struct {
	dir       string // absolute
	path      string // as go.mod says
	fset      *token.FileSet
	packages  []*unit // without tests, ordered by path
	tests     []*unit // the variants that hold test files
	functions map[string]*function
	variables map[string]*variable
}

// unit is one package of the module.
type unit struct {
	*packages.Package
	rel    string               // path relative to the module
	syntax *inspector.Inspector // made when first asked for, see cursor
}

// function is a piece of code with a name: a declared function or method, or the
// initialiser of a package-level variable.
type function struct {
	name string
	unit *unit
	node ast.Node // *ast.FuncDecl or *ast.ValueSpec
}

// variable is a package-level variable.
type variable struct {
	object *types.Var
	unit   *unit
	init   *function // nil where it has no initialiser
}

const loadMode = packages.LoadSyntax | packages.NeedModule | packages.NeedForTest

func load(dir string) (*module, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	m := &module{dir: abs, fset: token.NewFileSet()}
	loaded, err := packages.Load(&packages.Config{Mode: loadMode, Dir: abs, Fset: m.fset, Tests: true}, "./...")
	if err != nil {
		return nil, err
	}
	for _, p := range loaded {
		if p.Module != nil {
			m.path = p.Module.Path
			break
		}
	}
	if m.path == "" {
		return nil, fmt.Errorf("no package of a module found")
	}
	for _, p := range loaded {
		m.add(p)
	}
	m.index()
	return m, nil
}

// add sorts p into packages and tests. The generated main of a test binary is neither.
func (m *module) add(p *packages.Package) {
	path := p.PkgPath
	if p.ForTest != "" {
		path = p.ForTest
	}
	switch {
	case strings.HasSuffix(p.PkgPath, ".test"):
	case p.ForTest != "":
		m.tests = append(m.tests, &unit{Package: p, rel: m.relative(path)})
	default:
		m.packages = append(m.packages, &unit{Package: p, rel: m.relative(path)})
	}
	slices.SortFunc(m.packages, func(a, b *unit) int { return strings.Compare(a.rel, b.rel) })
}

// relative is path without the module's; the root package is "".
func (m *module) relative(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, m.path), "/")
}

// owns says whether the package at path belongs to the module.
func (m *module) owns(path string) bool { return within(path, m.path) }

// sound says whether everything in the unit was type-checked.
func (u *unit) sound() bool { return len(u.Errors) == 0 && u.Types != nil && u.TypesInfo != nil }

func (m *module) index() {
	m.functions = make(map[string]*function)
	m.variables = make(map[string]*variable)
	for _, u := range m.packages {
		if u.TypesInfo == nil {
			continue
		}
		for _, file := range u.Syntax {
			for _, decl := range file.Decls {
				m.indexDecl(u, decl)
			}
		}
	}
}

func (m *module) indexDecl(u *unit, decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		object, ok := u.TypesInfo.Defs[decl.Name].(*types.Func)
		if !ok {
			return
		}
		f := &function{name: m.shortName(object), unit: u, node: decl}
		key := object.FullName()
		if decl.Name.Name == "init" && decl.Recv == nil || decl.Name.Name == "_" {
			key += "@" + m.fset.Position(decl.Pos()).String() // there may be several
		}
		m.functions[key] = f
	case *ast.GenDecl:
		if decl.Tok != token.VAR {
			return
		}
		for _, spec := range decl.Specs {
			m.indexVars(u, spec.(*ast.ValueSpec))
		}
	}
}

func (m *module) indexVars(u *unit, spec *ast.ValueSpec) {
	for _, name := range spec.Names {
		object, ok := u.TypesInfo.Defs[name].(*types.Var)
		if !ok {
			continue
		}
		v := &variable{object: object, unit: u}
		if len(spec.Values) > 0 {
			v.init = &function{name: "the initialiser of " + m.shortName(object), unit: u, node: spec}
		}
		key := variableKey(object)
		if name.Name == "_" {
			key += "@" + m.fset.Position(name.Pos()).String()
		}
		m.variables[key] = v
	}
}

// variableKey names a package-level variable the same way from every package and test variant.
func variableKey(v *types.Var) string { return v.Pkg().Path() + "." + v.Name() }

// isPackageLevel says whether v is a package-level variable.
func isPackageLevel(v *types.Var) bool {
	return v.Pkg() != nil && !v.IsField() && v.Parent() == v.Pkg().Scope()
}

// shortName is how findings spell an object: package.Name or package.Type.Method.
func (m *module) shortName(object types.Object) string {
	name := qualifiedName(object)
	if object.Pkg() == nil {
		return name
	}
	if m.owns(object.Pkg().Path()) {
		return m.relative(object.Pkg().Path()) + "." + name
	}
	return object.Pkg().Path() + "." + name
}

// qualifiedName is Name, or Type.Method.
func qualifiedName(object types.Object) string {
	f, ok := object.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return object.Name()
	}
	t := types.Unalias(f.Signature().Recv().Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name() + "." + f.Name()
	}
	return "interface." + f.Name()
}
