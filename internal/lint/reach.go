// What a core reaches: every function of a core is read, and every function of the
// module's other packages that it can get to by static calls and mentions.

package lint

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkBodies reads every declaration of every core.
func (c *checker) checkBodies() {
	c.bodies = make(map[ast.Node]*body)
	for _, u := range c.packages {
		core, ok := c.readWhole(u)
		if !ok || !u.sound() {
			continue
		}
		for _, file := range u.Syntax {
			for _, decl := range file.Decls {
				c.checkDecl(core, &function{name: u.rel, unit: u, node: decl})
			}
		}
	}
}

func (c *checker) checkDecl(core Core, decl *function) {
	b := c.read(decl)
	c.findings = append(c.findings, b.findings...)
	for _, m := range b.foreign {
		path := packagePath(m.object) // one that may not be imported at all is reported for that
		if core.imports(path) && !core.allows(path, qualifiedName(m.object)) {
			c.report(m.pos, RuleCall, "core %s uses %s%s", decl.unit.rel, c.shortName(m.object), refusal(m.object))
		}
	}
	for _, m := range b.own {
		c.checkReach(core, decl.unit, m)
	}
}

// link is one function on the way from a mention in a core outwards.
type link struct {
	function *function
	from     *link // nil where the core itself mentions it
}

// chain spells the functions from the core's mention to l.
func (l *link) chain() string {
	if l.from == nil {
		return l.function.name
	}
	return l.from.chain() + chainArrow + l.function.name
}

// checkReach follows one mention out of the core, breadth first, so that the chain in
// its finding is a shortest one. It stops at what is read as a whole anyway, and at the
// first finding.
func (c *checker) checkReach(core Core, from *unit, start mention) {
	queue := c.reached(start, nil, nil)
	visited := make(map[ast.Node]bool)
	if c.reportVariable(from, start, start, nil) {
		return
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if visited[at.function.node] || !at.function.unit.sound() {
			continue
		}
		visited[at.function.node] = true
		b := c.read(at.function)
		if c.reportBody(core, from, start, at, b) {
			return
		}
		for _, m := range b.own {
			if c.reportVariable(from, start, m, at) {
				return
			}
			queue = c.reached(m, at, queue)
		}
	}
}

// reached appends the function that m brings into reach, if nothing else reads it.
func (c *checker) reached(m mention, from *link, queue []*link) []*link {
	if m.function == nil {
		return queue
	}
	if _, isRead := c.readWhole(m.function.unit); isRead {
		return queue
	}
	return append(queue, &link{function: m.function, from: from})
}

// reportVariable reports a variable outside of every core that something writes.
// Those within are reported where they are declared.
func (c *checker) reportVariable(from *unit, start, m mention, at *link) bool {
	if m.variable == nil {
		return false
	}
	if _, isRead := c.readWhole(m.variable.unit); isRead {
		return false
	}
	h, written := c.hazards[variableKey(m.variable.object)]
	if !written {
		return false
	}
	way := "uses "
	if at != nil {
		way = "calls " + at.chain() + ", which uses "
	}
	c.report(start.pos, RuleGlobal, "core %s %sthe variable %s, which %s (%s)%sits behaviour then depends on who else was there"+advice+
		"let the value come in with the configuration", from.rel, way, c.shortName(m.variable.object), h.what, c.where(h.pos), because)
	return true
}

// reportBody reports the first thing in b that a core may not do.
func (c *checker) reportBody(core Core, from *unit, start mention, at *link, b *body) bool {
	home, isCore := c.rules.core(at.function.unit.rel)
	for _, m := range b.foreign {
		path, name := packagePath(m.object), qualifiedName(m.object)
		if allowed := core.allows(path, name) || isCore && home.allows(path, name); !allowed {
			c.report(start.pos, RuleCall, "core %s calls %s%s%s (%s)%s", from.rel, at.chain(), chainArrow, c.shortName(m.object), c.where(m.pos), refusal(m.object))
			return true
		}
	}
	if len(b.findings) > 0 && !c.exempt(at.function.unit) {
		f := b.findings[0]
		c.report(start.pos, f.Rule, "core %s calls %s (%s), where %s", from.rel, at.chain(), c.whereAt(f.Pos), f.Message)
		return true
	}
	return false
}

// refusal says why a foreign object is not on a core's list, and what to do.
func refusal(object types.Object) string {
	switch packagePath(object) {
	case "time":
		return because + "a core has no clock" + advice + "take now from Step, and arm a timer by an effect"
	case "math/rand", "math/rand/v2", "crypto/rand", "hash/maphash":
		return because + "a core draws nothing" + advice + "let entropy come in with an event, and let a timer effect carry its spread"
	case "maps":
		return because + "its order differs from run to run" + advice + "slices.Sorted(maps.Keys(m))"
	case "os", "net", "syscall", "log", "log/slog":
		return because + "a core does no I/O" + advice + "make it an effect that the driver carries out"
	case "sync", "sync/atomic", "runtime", "context":
		return because + "a core runs in one thread and never waits" + advice + "let the driver lock, wait and cancel"
	}
	return because + "it is not on the list of what a core may call" + advice +
		"do it in the driver, or, if it is a function of its arguments and nothing else, add it to the list in internal/lint/rules.go"
}

func packagePath(object types.Object) string {
	if object.Pkg() == nil {
		return ""
	}
	return object.Pkg().Path()
}

// where is "file:line" of pos, with the file's path relative to the module.
func (c *checker) where(pos token.Pos) string { return c.whereAt(c.fset.Position(pos)) }
