// What the search for cycles needs beside the graph, in one piece for all obligations.

package check

// scratch is that, for a graph of given size.
type scratch struct {
	order    []uint32    // states in which a behaviour can violate the duty in hand, nearest first
	rank     []uint32    // by state: its place in order, noState where it has none
	previous []uint32    // by state: the one before it on the shortest way from a source
	source   []bool      // by state: the duty begins here, and the way there is that of the origins
	parts    *components // of parts of the graph
	over     func() bool // asked now and then: whether to end early
	held     uint64      // bytes of parts that wait to be looked into
	most     uint64      // bytes of all of this, at its largest
}

// lookEvery is how many states the search for cycles goes through between two looks at
// whether it is to end: a millisecond.
const lookEvery = 1 << 13

func newScratch(g *graph, over func() bool) *scratch {
	n := g.size()
	c := &scratch{
		order: make([]uint32, 0, n), rank: make([]uint32, n), previous: make([]uint32, n), source: make([]bool, n),
		parts: newComponents(g, over), over: over,
	}
	c.measure()
	return c
}

// scratchBytes returns how much newScratch needs, with the stack that may come to hold
// every state.
func scratchBytes(g *graph) uint64 {
	const perState = 4*3 + 1 + 4*3 + 4
	return uint64(g.size()) * perState
}

// begin makes it as good as new for another duty.
func (c *scratch) begin() {
	c.order = c.order[:0]
	for i := range c.rank {
		c.rank[i] = noState
	}
	clear(c.source)
	c.parts.begin()
	c.held = 0
}

// add puts a state at the end of order.
func (c *scratch) add(state uint32) {
	c.rank[state] = uint32(len(c.order))
	c.order = append(c.order, state)
}

// measure notes how much there is now.
func (c *scratch) measure() {
	words := cap(c.order) + cap(c.rank) + cap(c.previous)
	c.most = max(c.most, 4*uint64(words)+uint64(cap(c.source))+c.parts.bytes()+c.held)
}
