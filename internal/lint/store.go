// Assignments in a walk: which place they write, and whether doing so commutes with
// doing so again from another iteration.

package lint

import (
	"go/ast"
	"go/token"
	"go/types"
)

func (w *walker) assign(s *ast.AssignStmt, block token.Pos) {
	if s.Tok == token.DEFINE {
		w.define(s)
		return
	}
	for i, left := range s.Lhs {
		if isBlank(left) {
			w.value(s.Rhs[min(i, len(s.Rhs)-1)])
			continue
		}
		if len(s.Lhs) != len(s.Rhs) {
			w.values(s.Rhs...)
			w.store(left, "", block)
			continue
		}
		w.assignOne(left, s.Rhs[i], s.Tok, block)
	}
}

// define makes locals; a name that stood already is written like any other.
func (w *walker) define(s *ast.AssignStmt) {
	w.values(s.Rhs...)
	for i, left := range s.Lhs {
		if isBlank(left) {
			continue
		}
		object := w.declare(left)
		if object == nil {
			w.store(left, "", s.Pos())
			object = w.objectOf(left.(*ast.Ident))
		}
		w.made[object] = len(s.Lhs) == len(s.Rhs) && w.fresh(s.Rhs[i])
	}
}

func (w *walker) assignOne(left, right ast.Expr, op token.Token, block token.Pos) {
	kind := ""
	switch op {
	case token.ADD_ASSIGN, token.SUB_ASSIGN:
		if w.summable(left, false) {
			kind = "sum"
		}
	case token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN:
		kind = op.String()
	case token.ASSIGN:
		kind, right = w.plain(left, right)
	}
	w.value(right)
	w.store(left, kind, block)
	if id, ok := left.(*ast.Ident); ok && op == token.ASSIGN {
		w.made[w.objectOf(id)] = w.fresh(right)
	}
}

// plain recognises what commutes of `left = right`: a constant, min, max, append. It
// returns the kind and the part of right that still has to be walked.
func (w *walker) plain(left, right ast.Expr) (string, ast.Expr) {
	if tv := w.info.Types[right]; tv.Value != nil || tv.IsNil() {
		return "=" + types.ExprString(right), right
	}
	if literal, ok := right.(*ast.CompositeLit); ok && len(literal.Elts) == 0 {
		return "=" + types.ExprString(right), right
	}
	call, ok := right.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", right
	}
	self := types.ExprString(left)
	switch name := w.builtin(call); name {
	case "min", "max":
		if !w.summable(left, true) {
			return "", right
		}
		for i, arg := range call.Args {
			if types.ExprString(arg) == self {
				return name, call.Args[1-i]
			}
		}
	case "append":
		_, local, ok := w.place(left)
		if ok && !local && types.ExprString(call.Args[0]) == self && !call.Ellipsis.IsValid() && w.ordered(w.info.TypeOf(call.Args[1])) {
			return collected, call.Args[1]
		}
	}
	return "", right
}

// summable says whether the expression is an integer, or, where text is allowed, a string.
func (w *walker) summable(e ast.Expr, text bool) bool {
	basic, ok := w.info.TypeOf(e).Underlying().(*types.Basic)
	return ok && (basic.Info()&types.IsInteger != 0 || text && basic.Info()&types.IsString != 0)
}

// ordered says whether sorting values of type t leaves only one order.
func (w *walker) ordered(t types.Type) bool {
	if basic, ok := t.Underlying().(*types.Basic); ok {
		return basic.Info()&(types.IsInteger|types.IsString) != 0
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && packagePath(named.Obj()) == "net/netip" && (named.Obj().Name() == "Addr" || named.Obj().Name() == "AddrPort")
}

// store notes that a place is written. What is local to the iteration may be written
// in any way; kind "" does not commute.
func (w *walker) store(left ast.Expr, kind string, block token.Pos) {
	left = ast.Unparen(left)
	if index, ok := left.(*ast.IndexExpr); ok && canBeMap(w.info.TypeOf(index.X)) {
		w.storeEntry(index, kind, block)
		return
	}
	object, local, ok := w.place(left)
	switch {
	case !ok:
		w.fail("it writes through a pointer or a slice")
	case local && object == w.key:
		w.fail("it changes its key")
	case local:
	case kind == "":
		w.fail("%s holds what the last iteration left", object.Name())
	default:
		w.note(object, kind, block)
	}
}

// storeEntry notes a write into a map. Under the iteration's own key anything may be
// kept, because no other iteration has that key.
func (w *walker) storeEntry(index *ast.IndexExpr, kind string, block token.Pos) {
	if w.isKey(index.Index) {
		w.entry(index.X, "entry", block)
		return
	}
	w.value(index.Index)
	if kind == "" || kind == collected {
		w.fail("an entry of %s holds what the last iteration left", types.ExprString(index.X))
		return
	}
	if w.ranged != nil && types.Identical(w.ranged, w.info.TypeOf(index.X)) {
		w.fail("it adds entries to a map that may be the one it ranges over")
		return
	}
	w.entry(index.X, kind, block)
}

// entry notes that a map has an entry written in the given way.
func (w *walker) entry(m ast.Expr, kind string, block token.Pos) {
	object, local, ok := w.place(m)
	if !ok {
		w.fail("it writes into a map that has no name")
		return
	}
	if local {
		if !w.made[object] {
			w.fail("it writes into a map that may be shared")
		}
		return
	}
	w.entries = append(w.entries, w.info.TypeOf(m))
	w.note(object, kind, block)
}

func (w *walker) note(object types.Object, kind string, block token.Pos) {
	if v, ok := object.(*types.Var); ok && isPackageLevel(v) {
		w.fail("it writes the package-level %s", object.Name())
		return
	}
	if before, ok := w.writes[object]; ok && before.kind != kind {
		w.fail("%s is written in ways that do not commute", object.Name())
		return
	}
	w.writes[object] = write{kind: kind, block: block}
}

// place is the variable or field that e writes or names. It is local if it lies in a
// variable of the iteration itself, not behind a pointer, slice or map.
func (w *walker) place(e ast.Expr) (object types.Object, local, ok bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, isVar := w.objectOf(e).(*types.Var)
		return v, isVar && w.locals[v], isVar
	case *ast.SelectorExpr:
		selection, isField := w.info.Selections[e]
		if !isField || selection.Kind() != types.FieldVal {
			return nil, false, false
		}
		w.base(e.X)
		_, local, _ := w.place(e.X)
		return selection.Obj(), local && !selection.Indirect() && !isPointer(w.info.TypeOf(e.X)), true
	case *ast.IndexExpr:
		if _, isArray := w.info.TypeOf(e.X).Underlying().(*types.Array); isArray {
			w.value(e.Index)
			return w.place(e.X)
		}
	}
	return nil, false, false
}

func (w *walker) objectOf(id *ast.Ident) types.Object {
	if object := w.info.Uses[id]; object != nil {
		return object
	}
	return w.info.Defs[id]
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// isKey says whether e is the key of the iteration.
func (w *walker) isKey(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && w.key != nil && w.info.Uses[id] == w.key
}
