// Orders for sorting: which comparisons tell any two different values apart. Only
// those leave nothing of a map's order in what they sort.

package lint

import (
	"go/ast"
	"go/types"
)

// totalOrders are foreign comparisons that say 0 of equal values only.
var totalOrders = []string{"cmp.Compare", "strings.Compare", "bytes.Compare", "net/netip.Addr.Compare", "net/netip.AddrPort.Compare"}

// totalOrder says whether compare, a function of two values of one type, is such an
// order: one of the known, or a function of the module that compares every field.
func (r *reader) totalOrder(compare ast.Expr) bool {
	compare = ast.Unparen(compare)
	if literal, ok := compare.(*ast.FuncLit); ok {
		return r.comparesAll(literal.Type.Params, nil, literal.Body)
	}
	f := r.function(compare)
	if f == nil {
		return false
	}
	if !r.owns(packagePath(f)) {
		return isTotalOrder(f)
	}
	declared := r.functions[f.FullName()]
	if declared == nil || !declared.unit.sound() {
		return false
	}
	decl := declared.node.(*ast.FuncDecl)
	there := &reader{checker: r.checker, body: r.body, unit: declared.unit, info: declared.unit.TypesInfo}
	return there.comparesAll(decl.Type.Params, decl.Recv, decl.Body)
}

func isTotalOrder(f *types.Func) bool {
	name := packagePath(f) + "." + qualifiedName(f)
	for _, known := range totalOrders {
		if name == known {
			return true
		}
	}
	return false
}

// comparesAll says whether the function is a single return of comparisons that cover
// both operands whole.
func (r *reader) comparesAll(params, recv *ast.FieldList, body *ast.BlockStmt) bool {
	var operands []types.Object
	for _, list := range []*ast.FieldList{recv, params} {
		if list == nil {
			continue
		}
		for _, field := range list.List {
			for _, name := range field.Names {
				operands = append(operands, r.info.Defs[name])
			}
		}
	}
	if len(operands) != 2 || body == nil || len(body.List) != 1 {
		return false
	}
	result, ok := body.List[0].(*ast.ReturnStmt)
	if !ok || len(result.Results) != 1 {
		return false
	}
	p := &comparison{reader: r, a: operands[0], b: operands[1], fields: make(map[types.Object]bool)}
	p.read(result.Results[0])
	return p.whole || p.coversFields()
}

// comparison collects what an expression compares of a and b.
type comparison struct {
	*reader
	a, b   types.Object
	whole  bool
	fields map[types.Object]bool
}

// read takes one comparison, or several in a cmp.Or: those that it does not know add nothing.
func (p *comparison) read(e ast.Expr) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	f := p.callee(call)
	if f == nil {
		return
	}
	if packagePath(f) == "cmp" && f.Name() == "Or" {
		for _, arg := range call.Args {
			p.read(arg)
		}
		return
	}
	if !isTotalOrder(f) {
		return
	}
	switch selector, isMethod := ast.Unparen(call.Fun).(*ast.SelectorExpr); {
	case len(call.Args) == 2:
		p.pair(call.Args[0], call.Args[1])
	case len(call.Args) == 1 && isMethod:
		p.pair(selector.X, call.Args[0])
	}
}

// pair takes x and y if they are the same part of a and b.
func (p *comparison) pair(x, y ast.Expr) {
	ofX, fieldX := p.part(x)
	ofY, fieldY := p.part(y)
	across := ofX == p.a && ofY == p.b || ofX == p.b && ofY == p.a
	switch {
	case fieldX != fieldY || !across:
	case fieldX == nil:
		p.whole = true
	default:
		p.fields[fieldX] = true
	}
}

// part is an operand, and its field if e selects one.
func (p *comparison) part(e ast.Expr) (operand, field types.Object) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return p.info.Uses[e], nil
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			return p.info.Uses[id], p.info.Uses[e.Sel]
		}
	}
	return nil, nil
}

func (p *comparison) coversFields() bool {
	s, ok := p.a.Type().Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for field := range s.Fields() {
		if !p.fields[field] {
			return false
		}
	}
	return true
}
