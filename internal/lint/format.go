// Printing in cores: an address differs from run to run, so none may get into a text.

package lint

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// printed checks a call of a function of fmt.
func (r *reader) printed(call *ast.CallExpr) {
	f := r.callee(call)
	if f == nil || packagePath(f) != "fmt" || f.Signature().Recv() != nil || !f.Signature().Variadic() {
		return
	}
	first := f.Signature().Params().Len() - 1
	verbs := ""
	if first > 0 && f.Signature().Params().At(first-1).Name() == "format" && len(call.Args) >= first {
		verbs = r.verbs(call.Args[first-1])
		if strings.Contains(verbs, "p") {
			r.found(call.Pos(), RuleFormat, "%%p prints an address%saddresses differ from run to run"+advice+"name things by numbers of their own", because)
			return
		}
	}
	for i, arg := range call.Args[min(first, len(call.Args)):] {
		if len(verbs) == len(call.Args)-first && verbs[i] == 'T' {
			continue
		}
		if tv, ok := r.info.Types[arg]; ok && showsAddress(tv.Type, 0) {
			r.found(arg.Pos(), RuleFormat, "printing a %s prints an address%saddresses differ from run to run"+advice+
				"print the fields that matter", types.TypeString(tv.Type, types.RelativeTo(r.unit.Types)), because)
		}
	}
}

// callee is the declared function or method that call names, else nil.
func (r *reader) callee(call *ast.CallExpr) *types.Func { return r.function(call.Fun) }

// function is the declared function or method that e names, else nil.
func (r *reader) function(e ast.Expr) *types.Func {
	e = ast.Unparen(e)
	switch index := e.(type) {
	case *ast.IndexExpr:
		e = index.X
	case *ast.IndexListExpr:
		e = index.X
	}
	var id *ast.Ident
	switch e := e.(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	default:
		return nil
	}
	f, ok := r.info.Uses[id].(*types.Func)
	if !ok {
		return nil
	}
	return f.Origin()
}

// verbs is the letters of the verbs in a constant format, one each. An explicit index
// or a width from an argument makes their count differ from the arguments'.
func (r *reader) verbs(format ast.Expr) string {
	tv := r.info.Types[format]
	if tv.Value == nil || tv.Value.Kind() != constant.String {
		return ""
	}
	var verbs strings.Builder
	text := constant.StringVal(tv.Value)
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		for i++; i < len(text) && strings.ContainsRune("+-# 0123456789.[]*", rune(text[i])); i++ {
			if text[i] == '*' {
				verbs.WriteByte('*')
			}
		}
		if i < len(text) && text[i] != '%' {
			verbs.WriteByte(text[i])
		}
	}
	return verbs.String()
}

// showsAddress says whether fmt would show an address for a value of type t. The
// pointer handed to fmt itself is followed one step, those within are not.
func showsAddress(t types.Type, depth int) bool {
	if printsItself(t) || depth > 8 {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		if depth > 0 {
			return true
		}
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Array, *types.Slice, *types.Map:
			return showsAddress(u.Elem(), depth+1)
		}
		return true
	case *types.Slice:
		return showsAddress(u.Elem(), depth+1)
	case *types.Array:
		return showsAddress(u.Elem(), depth+1)
	case *types.Map:
		return showsAddress(u.Key(), depth+1) || showsAddress(u.Elem(), depth+1)
	case *types.Struct:
		for field := range u.Fields() {
			if showsAddress(field.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// printsItself says whether fmt asks a value of type t for its text.
func printsItself(t types.Type) bool {
	for _, method := range []string{"Error", "String", "Format"} {
		object, _, _ := types.LookupFieldOrMethod(t, false, nil, method)
		if _, ok := object.(*types.Func); ok {
			return true
		}
	}
	return false
}
