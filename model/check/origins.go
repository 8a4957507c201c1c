// Where each state came from: its parent and which of the parent's steps led to it.

package check

// Origins are kept in pages, so that growing copies nothing and wastes less than a page.
const (
	originPageBits = 14
	originPage     = 1 << originPageBits
	maxOut         = 1 << 16 // steps out of one state
	originBytes    = 4 + 2   // of each state
)

// origins are the parents of states by number, with the ordinal of the step taken.
// An initial state is its own parent.
type origins struct {
	parents  [][]uint32
	ordinals [][]uint16
	count    int
}

// extend makes room for count more states.
func (o *origins) extend(count int) {
	o.count += count
	for len(o.parents)*originPage < o.count {
		o.parents = append(o.parents, make([]uint32, originPage))
		o.ordinals = append(o.ordinals, make([]uint16, originPage))
	}
}

// set says how the state numbered number was reached. Different states may be set by
// different goroutines.
func (o *origins) set(number, parent uint32, ordinal int) {
	o.parents[number>>originPageBits][number%originPage] = parent
	o.ordinals[number>>originPageBits][number%originPage] = uint16(ordinal)
}

func (o *origins) of(number uint32) (parent uint32, ordinal int) {
	return o.parents[number>>originPageBits][number%originPage], int(o.ordinals[number>>originPageBits][number%originPage])
}

// way returns the numbers of the states from an initial one to number.
func (o *origins) way(number uint32) []uint32 {
	way := []uint32{number}
	for {
		parent, _ := o.of(number)
		if parent == number {
			break
		}
		number = parent
		way = append(way, number)
	}
	for i, j := 0, len(way)-1; i < j; i, j = i+1, j-1 {
		way[i], way[j] = way[j], way[i]
	}
	return way
}

func (o *origins) bytes() uint64 { return uint64(len(o.parents)) * originPage * originBytes }
