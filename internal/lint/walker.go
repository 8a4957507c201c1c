// Walking statements whose order of execution must not matter: the body of a range
// over a map, and the functions that it calls, which must be pure.

package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// walker collects what statements write and read. The first thing that it does not
// understand is the reason to refuse them.
type walker struct {
	*reader
	loop    *ast.RangeStmt        // nil while a function is walked
	key     types.Object          // of the loop
	ranged  types.Type            // the loop's map
	locals  map[types.Object]bool // variables of one iteration or call
	made    map[types.Object]bool // those of them that hold a slice or map made there
	writes  map[types.Object]write
	entries []types.Type // maps that are written
	reads   reads
	exits   []exit
	nested  int // loops within the loop, which break and continue are about
	reason  string
}

// reads is what expressions depend on.
type reads struct {
	objects  map[types.Object]bool // variables and fields
	wholes   []types.Type          // structs and arrays that are read as a whole
	maps     []types.Type          // maps that are indexed or measured
	pointers bool                  // a value behind an explicit *p that is no struct or array
}

// exit is a statement that ends the loop early.
type exit struct {
	text  string
	block token.Pos
}

func newWalker(r *reader, loop *ast.RangeStmt) *walker {
	return &walker{reader: r, loop: loop, locals: make(map[types.Object]bool), made: make(map[types.Object]bool), writes: make(map[types.Object]write)}
}

func (w *walker) fail(format string, args ...any) {
	if w.reason == "" {
		w.reason = fmt.Sprintf(format, args...)
	}
}

// declare makes the name a local and returns its object, nil for a blank.
func (w *walker) declare(e ast.Expr) types.Object {
	id, ok := e.(*ast.Ident)
	if !ok {
		return nil
	}
	object := w.info.Defs[id]
	if object != nil {
		w.locals[object] = true
	}
	return object
}

func (w *walker) block(list []ast.Stmt, pos token.Pos) {
	for _, s := range list {
		if w.reason != "" {
			return
		}
		w.stmt(s, pos)
	}
}

func (w *walker) stmt(s ast.Stmt, block token.Pos) {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
	case *ast.BlockStmt:
		w.block(s.List, s.Pos())
	case *ast.AssignStmt:
		w.assign(s, block)
	case *ast.IncDecStmt:
		w.store(s.X, "sum", block)
	case *ast.DeclStmt:
		w.decl(s)
	case *ast.ExprStmt:
		w.exprStmt(s, block)
	case *ast.IfStmt:
		w.ifStmt(s, block)
	case *ast.SwitchStmt:
		w.switchStmt(s, block)
	case *ast.RangeStmt:
		w.nestedRange(s)
	case *ast.ForStmt:
		w.nestedFor(s, block)
	case *ast.BranchStmt:
		w.branch(s, block)
	case *ast.ReturnStmt:
		w.returnStmt(s, block)
	default:
		w.fail("it has a statement whose effect is not known")
	}
}

func (w *walker) decl(s *ast.DeclStmt) {
	decl := s.Decl.(*ast.GenDecl)
	if decl.Tok != token.VAR {
		return
	}
	for _, spec := range decl.Specs {
		spec := spec.(*ast.ValueSpec)
		w.values(spec.Values...)
		for _, name := range spec.Names {
			w.declare(name)
		}
	}
}

// exprStmt accepts the removal of the iteration's own entry.
func (w *walker) exprStmt(s *ast.ExprStmt, block token.Pos) {
	if call, ok := s.X.(*ast.CallExpr); ok && w.builtin(call) == "delete" && w.isKey(call.Args[1]) {
		w.entry(call.Args[0], "entry", block)
		return
	}
	w.fail("it has a call whose effect is not known")
}

func (w *walker) ifStmt(s *ast.IfStmt, block token.Pos) {
	w.stmt(s.Init, block)
	if kind := w.extreme(s); kind != "" {
		assign := s.Body.List[0].(*ast.AssignStmt)
		w.value(assign.Rhs[0])
		w.store(assign.Lhs[0], kind, block)
		return
	}
	w.value(s.Cond)
	w.stmt(s.Body, block)
	w.stmt(s.Else, block)
}

// extreme recognises `if e < x { x = e }`, which keeps the least, and its mirror images.
func (w *walker) extreme(s *ast.IfStmt) string {
	cond, ok := ast.Unparen(s.Cond).(*ast.BinaryExpr)
	if !ok || s.Else != nil || len(s.Body.List) != 1 {
		return ""
	}
	assign, ok := s.Body.List[0].(*ast.AssignStmt)
	if !ok || assign.Tok != token.ASSIGN || len(assign.Lhs) != 1 || !w.summable(assign.Lhs[0], true) {
		return ""
	}
	x, e := types.ExprString(assign.Lhs[0]), types.ExprString(assign.Rhs[0])
	left, right := types.ExprString(cond.X), types.ExprString(cond.Y)
	op := cond.Op
	if left == x && right == e {
		op = map[token.Token]token.Token{token.LSS: token.GTR, token.LEQ: token.GEQ, token.GTR: token.LSS, token.GEQ: token.LEQ}[op]
	} else if left != e || right != x {
		return ""
	}
	switch op {
	case token.LSS, token.LEQ:
		return "min"
	case token.GTR, token.GEQ:
		return "max"
	}
	return ""
}

func (w *walker) switchStmt(s *ast.SwitchStmt, block token.Pos) {
	w.stmt(s.Init, block)
	if s.Tag != nil {
		w.value(s.Tag)
	}
	w.nested++ // a break in it leaves the switch
	for _, clause := range s.Body.List {
		clause := clause.(*ast.CaseClause)
		w.values(clause.List...)
		w.block(clause.Body, clause.Pos())
	}
	w.nested--
}

// nestedRange walks a loop within; one over a map is judged by itself as well.
func (w *walker) nestedRange(s *ast.RangeStmt) {
	switch w.info.TypeOf(s.X).Underlying().(type) {
	case *types.Signature, *types.Chan:
		w.fail("it has a loop over an iterator or a channel")
		return
	}
	if s.Tok == token.ASSIGN {
		w.fail("it has a loop whose variables outlive it")
		return
	}
	w.value(s.X)
	for _, e := range []ast.Expr{s.Key, s.Value} {
		if e != nil {
			w.declare(e)
		}
	}
	w.nested++
	w.stmt(s.Body, s.Pos())
	w.nested--
}

func (w *walker) nestedFor(s *ast.ForStmt, block token.Pos) {
	w.stmt(s.Init, block)
	if s.Cond != nil {
		w.value(s.Cond)
	}
	w.nested++
	w.stmt(s.Post, s.Pos())
	w.stmt(s.Body, s.Pos())
	w.nested--
}

func (w *walker) branch(s *ast.BranchStmt, block token.Pos) {
	switch {
	case s.Label != nil || s.Tok == token.GOTO:
		w.fail("it jumps to a label")
	case s.Tok == token.BREAK && w.nested == 0 && w.loop != nil:
		w.exits = append(w.exits, exit{text: "break", block: block})
	}
}

// returnStmt accepts, in a loop, values that are the same in every iteration.
func (w *walker) returnStmt(s *ast.ReturnStmt, block token.Pos) {
	w.values(s.Results...)
	if w.loop == nil {
		return
	}
	text := "return"
	for _, e := range s.Results {
		if w.varies(e) {
			w.fail("it returns what it found first")
		}
		text += " " + types.ExprString(e)
	}
	w.exits = append(w.exits, exit{text: text, block: block})
}

// varies says whether e depends on the iteration.
func (w *walker) varies(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && w.locals[w.info.Uses[id]] {
			found = true
		}
		return !found
	})
	return found
}
