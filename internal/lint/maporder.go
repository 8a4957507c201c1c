// Ranges over maps: which of them cannot show the map's order. A body is accepted
// when its iterations commute: what they write is summed, set to one constant, kept
// under the key of the iteration, or collected and sorted at once, and nothing that
// the loop writes is read in it. Everything else is refused.

package lint

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// write says how a loop writes one variable or field.
type write struct {
	kind  string    // two writes of one place commute if their kinds are the same
	block token.Pos // of the statement list that holds it
}

const collected = "append" // kind of a write that commutes only if a sort follows

// orderSeen says how the order of the range could be seen, or "" if it cannot be.
func (r *reader) orderSeen(cur inspector.Cursor, n *ast.RangeStmt) string {
	if n.Key == nil && n.Value == nil || isBlank(n.Key) && (n.Value == nil || isBlank(n.Value)) {
		return "" // every iteration is like every other
	}
	if n.Tok != token.DEFINE {
		return "its variables outlive it"
	}
	w := newWalker(r, n)
	w.key = w.declare(n.Key)
	if n.Value != nil {
		w.declare(n.Value)
	}
	w.ranged = r.info.TypeOf(n.X)
	w.block(n.Body.List, n.Body.Pos())
	if w.reason == "" {
		w.conclude()
	}
	if w.reason == "" {
		w.sorted(cur)
	}
	return w.reason
}

// conclude checks what only the whole body shows.
func (w *walker) conclude() {
	written := w.inOrder()
	for _, object := range written {
		w.concludeWrite(object, written)
	}
	for _, read := range w.reads.maps {
		for _, entered := range w.entries {
			if types.Identical(read, entered) {
				w.fail("a map is written and another, which may be the same, is read")
			}
		}
	}
	for _, exit := range w.exits {
		if exit.text != w.exits[0].text {
			w.fail("it can end early in different ways")
		}
	}
}

// concludeWrite checks one place that is written against everything that is read and
// everything else that is written.
func (w *walker) concludeWrite(object types.Object, written []types.Object) {
	how := w.writes[object]
	if w.reads.objects[object] {
		w.fail("%s is written and read", object.Name())
	}
	for _, whole := range w.reads.wholes {
		if holds(whole, object) {
			w.fail("%s is written, and a value that holds it is read", object.Name())
		}
	}
	for read := range w.reads.objects {
		if holds(object.Type(), read) {
			w.fail("%s is written and a part of it is read", object.Name())
		}
	}
	for _, other := range written {
		if holds(object.Type(), other) {
			w.fail("%s is written, as a whole and in part", object.Name())
		}
	}
	if v, ok := object.(*types.Var); ok && v.IsField() && w.reads.pointers {
		w.fail("%s is written, and something is read through a pointer that may be its", object.Name())
	}
	if len(w.exits) > 0 && (len(w.exits) > 1 || w.exits[0].block != how.block || how.kind[0] != '=') {
		w.fail("%s is written in a loop that ends early", object.Name())
	}
}

// sorted wants each collected slice sorted by the statements right after the loop.
func (w *walker) sorted(cur inspector.Cursor) {
	next := cur
	for count := w.collectors(); count > 0; count-- {
		var ok bool
		if kind := cur.ParentEdgeKind(); kind != edge.BlockStmt_List && kind != edge.CaseClause_Body {
			w.fail("what it collects is not sorted at once")
			return
		}
		if next, ok = next.NextSibling(); !ok || !w.sorts(next.Node()) {
			w.fail("what it collects is not sorted at once")
			return
		}
	}
}

func (w *walker) collectors() int {
	n := 0
	for _, how := range w.writes {
		if how.kind == collected {
			n++
		}
	}
	return n
}

// sorts says whether the statement sorts something that the loop collected, and ticks it off.
func (w *walker) sorts(n ast.Node) bool {
	statement, ok := n.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := statement.X.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	f := w.callee(call)
	if f == nil || packagePath(f) != "slices" {
		return false
	}
	if f.Name() != "Sort" && (f.Name() != "SortFunc" || !w.totalOrder(call.Args[1])) {
		return false
	}
	place, _, ok := w.place(call.Args[0])
	if !ok || w.writes[place].kind != collected {
		return false
	}
	w.writes[place] = write{kind: "sorted"}
	return true
}

// unsorted says whether the mention of an iterator over a map is anything but the
// argument of a sort.
func (r *reader) unsorted(cur inspector.Cursor, object *types.Func) bool {
	if packagePath(object) != "maps" || object.Name() != "Keys" && object.Name() != "Values" && object.Name() != "All" {
		return false
	}
	up := cur
	for up.ParentEdgeKind() == edge.SelectorExpr_Sel || up.ParentEdgeKind() == edge.IndexExpr_X || up.ParentEdgeKind() == edge.IndexListExpr_X {
		up = up.Parent()
	}
	if up.ParentEdgeKind() != edge.CallExpr_Fun {
		return true
	}
	up = up.Parent()
	if up.ParentEdgeKind() != edge.CallExpr_Args {
		return true
	}
	call := up.Parent().Node().(*ast.CallExpr)
	f := r.callee(call)
	if f == nil || packagePath(f) != "slices" {
		return true
	}
	switch f.Name() {
	case "Sorted":
		return false
	case "SortedFunc":
		return object.Name() != "Keys" || !r.totalOrder(call.Args[1])
	}
	return true
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}
