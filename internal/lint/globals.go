// Package-level variables: a core has none that anything writes. Tables and sentinel
// errors are fine, and this file proves that they are: it looks at every mention of
// such a variable in the module, tests included, and accepts only those that read.

package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// hazard is the first place at which a variable is, or may be, written.
type hazard struct {
	pos  token.Pos
	what string // completes "the variable, which ..."
}

// checkGlobals finds the variables that are written anywhere, and reports those of cores.
func (c *checker) checkGlobals() {
	c.hazards = make(map[string]hazard)
	c.written = c.findWritten()
	for _, u := range slices.Concat(c.packages, c.tests) {
		if u.TypesInfo != nil {
			c.findHazards(u)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.variables)) {
		v := c.variables[key]
		if _, isRead := c.readWhole(v.unit); !isRead || v.object.Name() == "_" {
			continue
		}
		h, written := c.hazards[key]
		if !written {
			h, written = c.hiddenState(v)
		}
		if written {
			c.report(v.object.Pos(), RuleGlobal, "package-level variable %s of a core %s (%s)%sthen two runs in one process are not two runs"+advice+
				"keep it in the state, make it a constant, an array or a switch, or only read it", v.object.Name(), h.what, c.where(h.pos), because)
		}
	}
}

// hiddenState finds state in a variable that nobody has to write: a function or an
// interface value that came out of a call.
func (c *checker) hiddenState(v *variable) (hazard, bool) {
	if isError(v.object.Type()) || v.init == nil {
		return hazard{}, false
	}
	switch v.object.Type().Underlying().(type) {
	case *types.Signature, *types.Interface:
	default:
		return hazard{}, false
	}
	for _, value := range v.init.node.(*ast.ValueSpec).Values {
		switch ast.Unparen(value).(type) {
		case *ast.CallExpr, *ast.UnaryExpr:
			return hazard{pos: value.Pos(), what: "may hold state that its initialiser made"}, true
		}
	}
	return hazard{}, false
}

// findHazards looks at every mention of a package-level variable of the module.
func (c *checker) findHazards(u *unit) {
	for cur := range inspector.New(u.Syntax).Root().Preorder((*ast.Ident)(nil)) {
		id := cur.Node().(*ast.Ident)
		v, ok := u.TypesInfo.Uses[id].(*types.Var)
		if !ok || !isPackageLevel(v) || !c.owns(v.Pkg().Path()) {
			continue
		}
		key := variableKey(v)
		if _, known := c.hazards[key]; known {
			continue
		}
		use := &use{checker: c, info: u.TypesInfo}
		if what := use.of(cur, v.Type()); what != "" {
			c.hazards[key] = hazard{pos: id.Pos(), what: what}
		}
	}
}

// use judges one mention of a variable.
type use struct {
	*checker
	info *types.Info
}

// of says how the mention at cur may write the variable, or "" if it only reads. It
// climbs from the name to the expression that says what becomes of it: t is the type
// of what has been reached so far.
func (u *use) of(cur inspector.Cursor, t types.Type) string {
	for {
		parent := cur.Parent()
		switch cur.ParentEdgeKind() {
		case edge.ParenExpr_X, edge.StarExpr_X, edge.SelectorExpr_Sel, edge.SliceExpr_X, edge.KeyValueExpr_Value, edge.IndexExpr_X:
		case edge.SelectorExpr_X:
			selection, ok := u.info.Selections[parent.Node().(*ast.SelectorExpr)]
			if ok && selection.Kind() != types.FieldVal {
				return u.method(selection, t)
			}
		case edge.AssignStmt_Lhs, edge.IncDecStmt_X, edge.RangeStmt_Key, edge.RangeStmt_Value:
			return "is assigned"
		case edge.UnaryExpr_X:
			if parent.Node().(*ast.UnaryExpr).Op == token.AND {
				return u.value(types.NewPointer(t), "has its address taken")
			}
			return ""
		case edge.BinaryExpr_X, edge.BinaryExpr_Y, edge.IndexExpr_Index, edge.CallExpr_Fun, edge.SwitchStmt_Tag, edge.IfStmt_Cond, edge.ForStmt_Cond:
			return ""
		case edge.RangeStmt_X:
			return u.ranged(parent, t)
		case edge.CallExpr_Args:
			next, what := u.argument(parent.Node().(*ast.CallExpr), cur.ParentEdgeIndex(), t)
			if next == nil {
				return what
			}
			t = next
			cur = parent
			continue
		case edge.AssignStmt_Rhs:
			return u.assigned(parent, cur.ParentEdgeIndex(), t)
		default:
			return u.value(t, "is handed on, and can be written there")
		}
		cur = parent
		if e, ok := cur.Node().(ast.Expr); ok {
			if reached := u.info.TypeOf(e); reached != nil {
				t = reached
			}
		}
	}
}

// value judges a copy of type t: what it shares with the variable must be beyond writing.
func (u *use) value(t types.Type, what string) string {
	if u.immutable(t, 0) {
		return ""
	}
	return what
}

// ranged judges a range over t: where its elements share what can be written, every
// mention of the loop's variable counts as one of the table's.
func (u *use) ranged(loop inspector.Cursor, t types.Type) string {
	statement := loop.Node().(*ast.RangeStmt)
	if statement.Value == nil && !canBeMap(t) {
		return ""
	}
	what := u.elements(t, "is ranged over, and its elements can be written through")
	if id, ok := statement.Value.(*ast.Ident); ok && what != "" && statement.Tok == token.DEFINE && !canBeMap(t) {
		return u.local(loop, id)
	}
	return what
}

// assigned judges `x := table[i]` by every mention of x.
func (u *use) assigned(assign inspector.Cursor, i int, t types.Type) string {
	statement := assign.Node().(*ast.AssignStmt)
	what := u.value(t, "is handed on, and can be written there")
	if what == "" || statement.Tok != token.DEFINE || len(statement.Lhs) != len(statement.Rhs) {
		return what
	}
	if id, ok := statement.Lhs[i].(*ast.Ident); ok {
		return u.local(assign, id)
	}
	return what
}

// local judges every mention of a variable that was declared at id, in the function around.
func (u *use) local(from inspector.Cursor, id *ast.Ident) string {
	object, ok := u.info.Defs[id].(*types.Var)
	if id.Name == "_" {
		return ""
	}
	if !ok {
		return "is handed on, and can be written there"
	}
	for function := range from.Enclosing((*ast.FuncDecl)(nil)) {
		for cur := range function.Preorder((*ast.Ident)(nil)) {
			if u.info.Uses[cur.Node().(*ast.Ident)] == object {
				if what := u.of(cur, object.Type()); what != "" {
					return what
				}
			}
		}
		return ""
	}
	return "is handed on, and can be written there"
}

// elements judges the copies that a range makes.
func (u *use) elements(t types.Type, what string) string {
	switch t := t.Underlying().(type) {
	case *types.Map:
		if u.immutable(t.Key(), 0) {
			return u.value(t.Elem(), what)
		}
		return what
	case *types.Slice:
		return u.value(t.Elem(), what)
	case *types.Pointer:
		return u.elements(t.Elem(), what)
	case *types.Array:
		return u.value(t.Elem(), what)
	}
	return u.value(t, what)
}

// method judges a call of, or a mention of, a method of something in the variable.
func (u *use) method(selection *types.Selection, t types.Type) string {
	f, ok := selection.Obj().(*types.Func)
	if !ok {
		return ""
	}
	_, toPointer := receiver(f).Underlying().(*types.Pointer)
	if !toPointer && u.immutable(t, 0) || types.IsInterface(t) || !u.owns(packagePath(f)) && u.readsOnly(f) {
		return ""
	}
	if u.owns(packagePath(f)) && u.effectOf(f.Origin()).pure {
		return ""
	}
	return "has its method " + f.Name() + " called, which may write it"
}

// argument judges a call's argument. Where the call is a conversion the climb goes on
// with the type that it returns.
func (u *use) argument(call *ast.CallExpr, i int, t types.Type) (types.Type, string) {
	if tv := u.info.Types[call.Fun]; tv.IsType() {
		if _, isSlice := t.Underlying().(*types.Slice); isSlice {
			if _, toSlice := tv.Type.Underlying().(*types.Slice); !toSlice {
				return nil, "" // a string or an array: a copy
			}
		}
		return tv.Type, ""
	}
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := u.info.Uses[id].(*types.Builtin); ok {
			return nil, u.builtinArgument(b.Name(), call, i, t)
		}
	}
	r := &reader{checker: u.checker, info: u.info}
	if f := r.callee(call); f != nil && !u.owns(packagePath(f)) && u.readsOnly(f) {
		return nil, ""
	}
	return nil, u.value(t, "is handed to a function that may write it")
}

func (u *use) builtinArgument(name string, call *ast.CallExpr, i int, t types.Type) string {
	switch name {
	case "len", "cap", "min", "max":
		return ""
	case "append", "copy":
		if i == 0 {
			return "is written by " + name
		}
		if call.Ellipsis.IsValid() || name == "copy" {
			return u.elements(t, "has its elements handed on, which can be written")
		}
	case "delete", "clear":
		return "is written by " + name
	}
	return u.value(t, "is handed on, and can be written there")
}

// readsOnly says whether the foreign function changes none of its arguments.
func (u *use) readsOnly(f *types.Func) bool {
	name := u.shortName(f)
	return slices.Contains(pureForeign, packagePath(f)) || slices.Contains(pureNames, name) || slices.Contains(readers, name)
}

// readers are functions that keep and change none of their arguments, though what
// they return may depend on more.
var readers = []string{
	"bytes.Cut", "bytes.CutPrefix", "bytes.TrimPrefix", "fmt.Sprint", "fmt.Appendf", "maps.Keys", "maps.Values", "slices.IndexFunc", "slices.ContainsFunc",
	"slices.BinarySearchFunc", "slices.Sorted", "slices.All",
}

// immutable says whether a copy of a value of type t shares nothing that can be written.
func (u *use) immutable(t types.Type, depth int) bool {
	if depth > 8 {
		return false
	}
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != nil && !u.owns(named.Obj().Pkg().Path()) {
		switch u.shortName(named.Obj()) {
		case "time.Time", "net/netip.Addr", "net/netip.AddrPort", "net/netip.Prefix":
			return true
		}
		if isComposite(t) {
			return false // its methods may write what it does not show
		}
	}
	if types.IsInterface(t) {
		return isError(t)
	}
	switch t := t.Underlying().(type) {
	case *types.Basic, *types.Signature:
		return true
	case *types.Pointer:
		return u.frozen(t.Elem()) && u.immutable(t.Elem(), depth+1)
	case *types.Array:
		return u.immutable(t.Elem(), depth+1)
	case *types.Struct:
		for field := range t.Fields() {
			if !u.immutable(field.Type(), depth+1) {
				return false
			}
		}
		return true
	}
	return false
}
