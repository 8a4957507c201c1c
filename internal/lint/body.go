// Reading one declaration: the statements and expressions that a core may not have,
// and the functions and variables that it mentions.

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/ast/inspector"
)

// body is what one declaration does that a core may not, and what it mentions.
type body struct {
	findings []Finding
	foreign  []mention
	own      []mention
	seen     map[string]bool // rule and line: one finding is enough for both
}

// mention is a function or package-level variable named in a body: called there, or
// kept as a value that may be called later.
type mention struct {
	pos      token.Pos
	object   types.Object
	variable *variable // of the module, else nil
	function *function // of the module, with a body, else nil; of a variable, its initialiser
}

// reader reads one body.
type reader struct {
	*checker
	body *body
	unit *unit
	info *types.Info
}

// read reads the declaration once; later calls answer from memory.
func (c *checker) read(f *function) *body {
	if b, ok := c.bodies[f.node]; ok {
		return b
	}
	b := &body{seen: make(map[string]bool)}
	c.bodies[f.node] = b
	r := &reader{checker: c, body: b, unit: f.unit, info: f.unit.TypesInfo}
	root, ok := f.unit.cursor(f.node)
	if !ok {
		return b
	}
	for cur := range root.Preorder() {
		r.node(cur)
	}
	return b
}

// cursor finds the node in the unit's syntax.
func (u *unit) cursor(n ast.Node) (inspector.Cursor, bool) {
	if u.syntax == nil {
		u.syntax = inspector.New(u.Syntax)
	}
	return u.syntax.Root().FindNode(n)
}

func (r *reader) found(pos token.Pos, rule, format string, args ...any) {
	key := fmt.Sprint(rule, r.fset.Position(pos).Line)
	if !r.body.seen[key] {
		r.body.seen[key] = true
		r.body.findings = append(r.body.findings, r.finding(pos, rule, format, args...))
	}
}

func (r *reader) node(cur inspector.Cursor) {
	switch n := cur.Node().(type) {
	case *ast.Ident:
		r.ident(cur, n)
	case *ast.GoStmt:
		r.concurrent(n.Pos(), "a goroutine is started")
	case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
		r.concurrent(n.Pos(), "a channel is used")
	case *ast.RangeStmt:
		r.rangeStmt(cur, n)
	case *ast.CallExpr:
		r.printed(n)
	}
	if expr, ok := cur.Node().(ast.Expr); ok {
		r.exprType(expr)
	}
}

func (r *reader) concurrent(pos token.Pos, what string) {
	r.found(pos, RuleConcurrency, "%s%sa core runs in one thread and never waits, so that a run can be repeated"+advice+
		"answer with an effect and take the result as a later event", what, because)
}

// exprType refuses expressions of types that a core does not compute with. A value of
// such a type cannot be used without an expression that has it.
func (r *reader) exprType(expr ast.Expr) {
	tv, ok := r.info.Types[expr]
	if !ok || tv.Type == nil {
		return
	}
	switch t := tv.Type.Underlying().(type) {
	case *types.Chan:
		r.concurrent(expr.Pos(), "a channel is used")
	case *types.Basic:
		r.basic(expr.Pos(), t)
	}
}

func (r *reader) basic(pos token.Pos, t *types.Basic) {
	if t.Info()&(types.IsFloat|types.IsComplex) != 0 {
		r.found(pos, RuleFloat, "a value of type %s%sfloating point rounds differently from machine to machine (fused operations), and nothing may hang on that"+advice+
			"integers: nanoseconds, per mille, a numerator and a denominator", t, because)
	}
	if t.Kind() == types.UnsafePointer {
		r.found(pos, RuleFormat, "an unsafe.Pointer%saddresses differ from run to run"+advice+"name things by numbers of their own", because)
	}
}

// ident sorts a name into foreign and own.
func (r *reader) ident(cur inspector.Cursor, id *ast.Ident) {
	if v, ok := r.info.Defs[id].(*types.Var); ok {
		if t, ok := v.Type().Underlying().(*types.Basic); ok {
			r.basic(id.Pos(), t)
		}
	}
	switch object := r.info.Uses[id].(type) {
	case *types.Func:
		r.mentionFunc(cur, id, object.Origin())
	case *types.Var:
		r.mentionVar(id, object)
	case *types.Builtin:
		if name := object.Name(); name == "print" || name == "println" {
			r.body.foreign = append(r.body.foreign, mention{pos: id.Pos(), object: object})
		}
	}
}

func (r *reader) mentionFunc(cur inspector.Cursor, id *ast.Ident, object *types.Func) {
	m := mention{pos: id.Pos(), object: object}
	if object.Pkg() == nil || !r.owns(object.Pkg().Path()) {
		if r.unsorted(cur, object) {
			r.found(id.Pos(), RuleMapOrder, "%s is not sorted at once%sthe order of a map differs from run to run"+advice+
				"slices.Sorted(maps.Keys(m)), or slices.SortedFunc(maps.Keys(m), netip.AddrPort.Compare)", r.shortName(object), because)
		}
		r.body.foreign = append(r.body.foreign, m)
		return
	}
	m.function = r.functions[object.FullName()] // nil: a method of an interface, whoever implements it
	r.body.own = append(r.body.own, m)
}

func (r *reader) mentionVar(id *ast.Ident, object *types.Var) {
	if !isPackageLevel(object) {
		return
	}
	m := mention{pos: id.Pos(), object: object}
	if !r.owns(object.Pkg().Path()) {
		r.body.foreign = append(r.body.foreign, m)
		return
	}
	if m.variable = r.variables[variableKey(object)]; m.variable != nil {
		m.function = m.variable.init
	}
	r.body.own = append(r.body.own, m)
}

func (r *reader) rangeStmt(cur inspector.Cursor, n *ast.RangeStmt) {
	tv, ok := r.info.Types[n.X]
	if !ok {
		return
	}
	if !canBeMap(tv.Type) {
		return
	}
	if reason := r.orderSeen(cur, n); reason != "" {
		r.found(n.Pos(), RuleMapOrder, "the order of this range over a map can be seen: %s%sit differs from run to run"+advice+
			"range over slices.Sorted(maps.Keys(m))", reason, because)
	}
}

// canBeMap says whether t is a map, or a type parameter that may be one.
func canBeMap(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		return slices.ContainsFunc(terms(p.Constraint()), canBeMap)
	}
	_, isMap := t.Underlying().(*types.Map)
	return isMap
}

// terms lists the types that a constraint names.
func terms(constraint types.Type) []types.Type {
	if u, ok := constraint.(*types.Union); ok {
		var all []types.Type
		for term := range u.Terms() {
			all = append(all, terms(term.Type())...)
		}
		return all
	}
	if i, ok := constraint.Underlying().(*types.Interface); ok {
		var all []types.Type
		for embedded := range i.EmbeddedTypes() {
			all = append(all, terms(embedded)...)
		}
		return all
	}
	return []types.Type{constraint}
}

// whereAt is "file:line" of pos, with the file's path relative to the module.
func (c *checker) whereAt(pos token.Position) string {
	if rel, err := filepath.Rel(c.dir, pos.Filename); err == nil {
		pos.Filename = filepath.ToSlash(rel)
	}
	return fmt.Sprintf("%s:%d", pos.Filename, pos.Line)
}
