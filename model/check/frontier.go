// The states that are found and not yet looked into, in the order of their numbers.

package check

const (
	frontierPageBits = 10
	frontierPage     = 1 << frontierPageBits
)

// item is a state with its key.
type item[S any] struct {
	key   uint64
	state S
}

// frontier is a queue of items by number, in pages: those that were looked into are used
// again for those that are found.
type frontier[S any] struct {
	pages [][]item[S]
	free  [][]item[S]
	first int // pages given back from the front of pages
	count int // numbers so far
}

// at returns the item of the state numbered number, which must not be dropped.
func (f *frontier[S]) at(number uint32) *item[S] {
	return &f.pages[number>>frontierPageBits][number%frontierPage]
}

// extend makes room for count more states.
func (f *frontier[S]) extend(count int) {
	f.count += count
	for len(f.pages)*frontierPage < f.count {
		var page []item[S]
		if n := len(f.free); n > 0 {
			page, f.free = f.free[n-1], f.free[:n-1]
		} else {
			page = make([]item[S], frontierPage)
		}
		f.pages = append(f.pages, page)
	}
}

// drop lets go of the states below number, as far as they fill pages.
func (f *frontier[S]) drop(number uint32) {
	for ; (f.first+1)*frontierPage <= int(number); f.first++ {
		page := f.pages[f.first]
		clear(page) // states may hold memory
		f.free = append(f.free, page)
		f.pages[f.first] = nil
	}
}
