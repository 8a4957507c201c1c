// What an expression reads and an assignment writes, as far as a walker needs to know
// it: expressions must be without effect, and assignments must commute.

package lint

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// effect is what calling one function of the module does, beyond its result.
type effect struct {
	pure  bool
	reads reads
}

// pureForeign are packages whose allowed functions change none of their arguments.
var pureForeign = []string{"cmp", "errors", "math/bits", "net/netip", "strconv", "strings", "time", "unicode", "unicode/utf8"}

// pureNames are functions that change none of their arguments, of packages that have others.
var pureNames = []string{
	"bytes.Clone", "bytes.Compare", "bytes.Contains", "bytes.Equal", "bytes.HasPrefix", "bytes.HasSuffix", "bytes.Index", "bytes.IndexByte",
	"slices.Clone", "slices.Contains", "slices.Equal", "slices.Index", "slices.Max", "slices.Min", "slices.BinarySearch",
	"maps.Clone", "maps.Equal", "hash/crc64.Checksum", "hash/crc64.Update", "fmt.Errorf", "fmt.Sprintf",
}

func (w *walker) values(list ...ast.Expr) {
	for _, e := range list {
		w.value(e)
	}
}

// value walks an expression that must be without effect.
func (w *walker) value(e ast.Expr) {
	if e == nil || w.reason != "" {
		return
	}
	if tv, ok := w.info.Types[e]; ok && (tv.IsType() || tv.IsNil() || tv.Value != nil) {
		return
	}
	if t := w.info.TypeOf(e); t != nil && isComposite(t) {
		w.reads.wholes = append(w.reads.wholes, t)
	}
	switch e := e.(type) {
	case *ast.Ident:
		w.read(w.info.Uses[e])
	case *ast.ParenExpr:
		w.value(e.X)
	case *ast.SelectorExpr:
		w.selector(e)
	case *ast.IndexExpr:
		w.index(e)
	case *ast.SliceExpr:
		w.values(e.X, e.Low, e.High, e.Max)
	case *ast.StarExpr:
		if !isComposite(w.info.TypeOf(e)) {
			w.reads.pointers = true
		}
		w.value(e.X)
	case *ast.UnaryExpr:
		w.unary(e)
	case *ast.BinaryExpr:
		w.values(e.X, e.Y)
	case *ast.TypeAssertExpr:
		w.value(e.X)
	case *ast.CompositeLit:
		w.composite(e)
	case *ast.CallExpr:
		w.call(e)
	default:
		w.fail("it has an expression whose effect is not known")
	}
}

// read notes that an object of the surroundings is read.
func (w *walker) read(object types.Object) {
	if v, ok := object.(*types.Var); ok && !w.locals[v] {
		w.reads.add(v)
	}
}

func (r *reads) add(object types.Object) {
	if r.objects == nil {
		r.objects = make(map[types.Object]bool)
	}
	r.objects[object] = true
}

func (w *walker) selector(e *ast.SelectorExpr) {
	selection, ok := w.info.Selections[e]
	if !ok {
		w.read(w.info.Uses[e.Sel]) // package.Name
		return
	}
	if selection.Kind() != types.FieldVal {
		w.fail("it takes a method as a value")
		return
	}
	w.read(selection.Obj())
	w.base(e.X)
}

// base walks what a field is selected from: of a struct, only the field is read.
func (w *walker) base(e ast.Expr) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if isComposite(w.info.TypeOf(e)) {
			return
		}
	case *ast.SelectorExpr:
		if selection, ok := w.info.Selections[e]; ok && selection.Kind() == types.FieldVal && isComposite(selection.Type()) {
			w.base(e.X)
			return
		}
	}
	w.value(e)
}

// isComposite says whether a value of type t holds others within itself.
func isComposite(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Struct, *types.Array:
		return true
	}
	return false
}

// holds says whether a value of type t has the field within itself.
func holds(t types.Type, field types.Object) bool {
	switch t := t.Underlying().(type) {
	case *types.Struct:
		for f := range t.Fields() {
			if f == field || holds(f.Type(), field) {
				return true
			}
		}
	case *types.Array:
		return holds(t.Elem(), field)
	}
	return false
}

func (w *walker) index(e *ast.IndexExpr) {
	w.values(e.X, e.Index)
	if t := w.info.TypeOf(e.X); canBeMap(t) && !w.isKey(e.Index) {
		w.reads.maps = append(w.reads.maps, t)
	}
}

func (w *walker) unary(e *ast.UnaryExpr) {
	switch e.Op {
	case token.ARROW:
		w.fail("it receives from a channel")
	case token.AND:
		_, made := ast.Unparen(e.X).(*ast.CompositeLit)
		if _, local, _ := w.place(e.X); !made && !local {
			w.fail("it takes an address")
		}
	}
	w.value(e.X)
}

func (w *walker) composite(e *ast.CompositeLit) {
	for _, element := range e.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if _, isStruct := w.info.TypeOf(e).Underlying().(*types.Struct); !isStruct {
				w.value(pair.Key)
			}
			element = pair.Value
		}
		w.value(element)
	}
}

// call accepts conversions, and calls of functions that change nothing.
func (w *walker) call(e *ast.CallExpr) {
	if tv := w.info.Types[e.Fun]; tv.IsType() {
		w.values(e.Args...)
		return
	}
	if name := w.builtin(e); name != "" {
		w.builtinCall(e, name)
		return
	}
	f := w.callee(e)
	if f == nil {
		w.fail("it calls a function value")
		return
	}
	w.values(e.Args...)
	if selector, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok && w.info.Selections[selector] != nil {
		w.value(selector.X)
	}
	if !w.owns(packagePath(f)) {
		if !slices.Contains(pureForeign, packagePath(f)) && !slices.Contains(pureNames, w.shortName(f)) || types.IsInterface(receiver(f)) {
			w.fail("it calls %s, whose effect is not known", w.shortName(f))
		}
		return
	}
	called := w.effectOf(f)
	if !called.pure {
		w.fail("it calls %s, which may have an effect", w.shortName(f))
		return
	}
	for object := range called.reads.objects {
		w.reads.add(object)
	}
	w.reads.maps = append(w.reads.maps, called.reads.maps...)
	w.reads.wholes = append(w.reads.wholes, called.reads.wholes...)
	w.reads.pointers = w.reads.pointers || called.reads.pointers
}

// receiver is the type of f's receiver, or an invalid type.
func receiver(f *types.Func) types.Type {
	if recv := f.Signature().Recv(); recv != nil {
		return recv.Type()
	}
	return types.Typ[types.Invalid]
}

func (w *walker) builtin(e *ast.CallExpr) string {
	if id, ok := ast.Unparen(e.Fun).(*ast.Ident); ok {
		if b, ok := w.info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

func (w *walker) builtinCall(e *ast.CallExpr, name string) {
	switch name {
	case "len", "cap":
		w.values(e.Args...)
		if t := w.info.TypeOf(e.Args[0]); canBeMap(t) {
			w.reads.maps = append(w.reads.maps, t)
		}
	case "min", "max":
		w.values(e.Args...)
	case "make", "new":
		w.values(e.Args[1:]...)
	case "append":
		if !w.fresh(e.Args[0]) {
			w.fail("it appends to what may be shared")
		}
		w.values(e.Args...)
	default:
		w.fail("it calls %s", name)
	}
}

// fresh says whether nobody else holds the slice that e makes.
func (w *walker) fresh(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		if tv := w.info.Types[e.Fun]; tv.IsType() {
			return len(e.Args) == 1 && w.info.Types[e.Args[0]].IsNil()
		}
		return w.builtin(e) == "make"
	case *ast.Ident:
		return w.made[w.info.Uses[e]]
	}
	return w.info.Types[e].IsNil()
}

// effectOf walks a function of the module once. One that is met while it is being
// walked, or has no body, is taken to have an effect.
func (c *checker) effectOf(f *types.Func) *effect {
	declared := c.functions[f.FullName()]
	if declared == nil || !declared.unit.sound() {
		return &effect{}
	}
	if known, ok := c.effects[declared]; ok {
		return known
	}
	if c.effects == nil {
		c.effects = make(map[*function]*effect)
	}
	c.effects[declared] = &effect{}
	e := c.walkFunction(declared)
	c.effects[declared] = e
	return e
}

func (c *checker) walkFunction(f *function) *effect {
	decl := f.node.(*ast.FuncDecl)
	if decl.Body == nil {
		return &effect{}
	}
	r := &reader{checker: c, body: &body{seen: make(map[string]bool)}, unit: f.unit, info: f.unit.TypesInfo}
	w := newWalker(r, nil)
	for _, list := range []*ast.FieldList{decl.Recv, decl.Type.Params, decl.Type.Results} {
		if list == nil {
			continue
		}
		for _, field := range list.List {
			for _, name := range field.Names {
				w.declare(name)
			}
		}
	}
	w.block(decl.Body.List, decl.Body.Pos())
	if len(w.writes) > 0 || w.containsUnorderedRange(decl) {
		w.fail("it writes")
	}
	return &effect{pure: w.reason == "", reads: w.reads}
}

// containsUnorderedRange says whether a range over a map in the function could show its order.
func (w *walker) containsUnorderedRange(decl *ast.FuncDecl) bool {
	root, ok := w.unit.cursor(decl)
	if !ok {
		return true
	}
	for cur := range root.Preorder((*ast.RangeStmt)(nil)) {
		loop := cur.Node().(*ast.RangeStmt)
		if canBeMap(w.info.TypeOf(loop.X)) && w.orderSeen(cur, loop) != "" {
			return true
		}
	}
	return false
}

// inOrder lists what was written by where it is declared.
func (w *walker) inOrder() []types.Object {
	return slices.SortedFunc(maps.Keys(w.writes), func(a, b types.Object) int { return cmp.Compare(a.Pos(), b.Pos()) })
}
