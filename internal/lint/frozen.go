// Types whose values nothing changes once they are made: a pointer to one shares
// nothing that can be written. A sentinel error and a row of a table are such.

package lint

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// written is what the module changes after making it: fields by where they are
// declared, types by name where a value is overwritten through a pointer or handed to
// foreign code by a pointer.
type written struct {
	fields map[string]bool
	types  map[string]bool
}

// frozen says whether t is a struct of the module that nothing changes.
func (c *checker) frozen(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !c.owns(named.Obj().Pkg().Path()) || c.written.types[typeKey(t)] {
		return false
	}
	s, ok := named.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for field := range s.Fields() {
		if c.written.fields[c.fset.Position(field.Pos()).String()] {
			return false
		}
	}
	return true
}

func typeKey(t types.Type) string { return types.TypeString(t, nil) }

var errorInterface = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func isError(t types.Type) bool { return types.Implements(t, errorInterface) }

// findWritten looks at every assignment and call of the module, tests included.
func (c *checker) findWritten() written {
	w := written{fields: make(map[string]bool), types: make(map[string]bool)}
	for _, u := range slices.Concat(c.packages, c.tests) {
		if u.TypesInfo == nil {
			continue
		}
		for cur := range inspector.New(u.Syntax).Root().Preorder((*ast.SelectorExpr)(nil), (*ast.StarExpr)(nil), (*ast.CallExpr)(nil)) {
			c.noteWritten(w, u, cur)
		}
	}
	return w
}

func (c *checker) noteWritten(w written, u *unit, cur inspector.Cursor) {
	switch n := cur.Node().(type) {
	case *ast.SelectorExpr:
		if selection, ok := u.TypesInfo.Selections[n]; ok && selection.Kind() == types.FieldVal && isWritten(cur) {
			w.fields[c.fset.Position(selection.Obj().Pos()).String()] = true
		}
	case *ast.StarExpr:
		if t := u.TypesInfo.TypeOf(n); t != nil && isWritten(cur) {
			w.types[typeKey(t)] = true
		}
	case *ast.CallExpr:
		c.noteHandedOut(w, u, n)
	}
}

// noteHandedOut notes the types to which foreign code gets pointers.
func (c *checker) noteHandedOut(w written, u *unit, call *ast.CallExpr) {
	r := &reader{checker: c, info: u.TypesInfo}
	f := r.callee(call)
	if f == nil || c.owns(packagePath(f)) || (&use{checker: c, info: u.TypesInfo}).readsOnly(f) {
		return
	}
	for _, arg := range call.Args {
		if t := u.TypesInfo.TypeOf(arg); t != nil {
			if p, ok := t.Underlying().(*types.Pointer); ok {
				w.types[typeKey(p.Elem())] = true
			}
		}
	}
}

// isWritten says whether the expression at cur, or a part of it, is assigned or has its
// address taken.
func isWritten(cur inspector.Cursor) bool {
	for {
		switch cur.ParentEdgeKind() {
		case edge.ParenExpr_X, edge.IndexExpr_X, edge.SelectorExpr_X, edge.StarExpr_X:
			cur = cur.Parent()
		case edge.AssignStmt_Lhs, edge.IncDecStmt_X, edge.RangeStmt_Key, edge.RangeStmt_Value, edge.SliceExpr_X:
			return true
		case edge.UnaryExpr_X:
			return cur.Parent().Node().(*ast.UnaryExpr).Op == token.AND
		default:
			return false
		}
	}
}
