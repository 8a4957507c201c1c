// Strongly connected components of a part of the graph (Tarjan 1972, without recursion).

package check

import "unsafe"

// components finds the strongly connected components of parts of a graph.
type components struct {
	graph   *graph
	region  []uint32 // which part each state belongs to, 0 for none; renumbered as components are found
	regions uint32   // the highest number in use
	index   []uint32 // order of discovery, 0 not yet
	low     []uint32
	counter uint32
	path    []frame
	stack   []uint32
	over    func() bool
}

// frame is a state on the path of the depth-first search.
type frame struct {
	state uint32
	next  uint64 // step to follow next
}

func newComponents(g *graph, over func() bool) *components {
	n := g.size()
	return &components{
		graph: g, over: over,
		region: make([]uint32, n), index: make([]uint32, n), low: make([]uint32, n),
	}
}

// begin forgets all parts.
func (c *components) begin() {
	clear(c.region)
	c.regions, c.counter = 0, 0
	c.path, c.stack = c.path[:0], c.stack[:0]
}

func (c *components) bytes() uint64 {
	words := cap(c.region) + cap(c.index) + cap(c.low) + cap(c.stack)
	return 4*uint64(words) + uint64(cap(c.path))*uint64(unsafe.Sizeof(frame{}))
}

// mark makes states a part of its own and returns its number.
func (c *components) mark(states []uint32) uint32 {
	c.regions++
	for _, s := range states {
		c.region[s] = c.regions
		c.index[s] = 0
	}
	return c.regions
}

// find calls found for every component of the part that states are, each with a
// region number of its own. It ends early, with no more of them, where the search is over.
func (c *components) find(states []uint32, found func(region)) {
	part := c.mark(states)
	for i, s := range states {
		if i%lookEvery == 0 && c.over() {
			return
		}
		if c.index[s] == 0 && c.region[s] == part && !c.from(s, part, found) {
			return
		}
	}
}

// from does so for the components that root leads to. It is false where the search is over.
func (c *components) from(root, part uint32, found func(region)) bool {
	c.enter(root)
	for len(c.path) > 0 {
		f := &c.path[len(c.path)-1]
		_, end := c.graph.steps(f.state)
		if f.next < end {
			target := c.graph.targets[f.next]
			f.next++
			if int(target) >= len(c.region) || c.region[target] != part {
				continue
			}
			if c.index[target] == 0 {
				c.enter(target)
				if c.counter%lookEvery == 0 && c.over() {
					return false
				}
			} else {
				c.low[f.state] = min(c.low[f.state], c.index[target])
			}
			continue
		}
		state := f.state
		c.path = c.path[:len(c.path)-1]
		if len(c.path) > 0 {
			above := c.path[len(c.path)-1].state
			c.low[above] = min(c.low[above], c.low[state])
		}
		if c.low[state] == c.index[state] {
			found(c.leave(state))
		}
	}
	return true
}

func (c *components) enter(state uint32) {
	c.counter++
	c.index[state], c.low[state] = c.counter, c.counter
	start, _ := c.graph.steps(state)
	c.path = append(c.path, frame{state: state, next: start})
	c.stack = append(c.stack, state)
}

// leave takes the component of which root was discovered first from the stack.
func (c *components) leave(root uint32) region {
	at := len(c.stack) - 1
	for c.stack[at] != root {
		at--
	}
	c.regions++
	r := region{id: c.regions, states: c.stack[at:]}
	for _, s := range r.states {
		c.region[s] = r.id
	}
	c.stack = c.stack[:at]
	return r
}
