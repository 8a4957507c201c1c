// Which seeds a campaign was to run, so that a ledger by itself says what it lacks.

package campaign

import (
	"cmp"
	"fmt"
	"slices"
)

// span is seeds that follow each other, as a campaign was asked for them.
type span struct {
	First Seed   `json:"first,omitempty"`
	Seeds uint64 `json:"seeds,omitempty"` // 0: a ledger that does not say
}

func (s span) validate() error {
	if uint64(s.First)+s.Seeds < uint64(s.First) {
		return fmt.Errorf("%d seeds from %s on: there are not so many", s.Seeds, s.First)
	}
	return nil
}

// interval is numbers from the first to before the second.
type interval struct{ from, to uint64 }

// union joins intervals that touch.
func union(list []interval) []interval {
	slices.SortFunc(list, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	var joined []interval
	for _, next := range list {
		if last := len(joined) - 1; last >= 0 && next.from <= joined[last].to {
			joined[last].to = max(joined[last].to, next.to)
		} else if next.from < next.to {
			joined = append(joined, next)
		}
	}
	return joined
}

func size(list []interval) (n uint64) {
	for _, i := range list {
		n += i.to - i.from
	}
	return n
}

func within(list []interval, n uint64) bool {
	return slices.ContainsFunc(list, func(i interval) bool { return i.from <= n && n < i.to })
}

// plan is what spans come to that may overlap: each seed counts once, and each canary.
type plan struct {
	seeds []interval
	// blocks are the hundreds of seeds that have a canary each, by what is left of their
	// first seed when it is divided by a hundred: only within one such list do they coincide.
	blocks map[uint64][]interval
}

func planOf(spans []span) plan {
	p := plan{blocks: make(map[uint64][]interval)}
	for _, s := range spans {
		first := uint64(s.First)
		p.seeds = append(p.seeds, interval{first, first + s.Seeds})
		phase := first % CanaryEvery
		p.blocks[phase] = append(p.blocks[phase], interval{first, first + s.Seeds/CanaryEvery*CanaryEvery})
	}
	p.seeds = union(p.seeds)
	for phase, list := range p.blocks {
		p.blocks[phase] = union(list)
	}
	return p
}

// canaries is how many there are to be.
func (p *plan) canaries() (n uint64) {
	for _, list := range p.blocks {
		n += size(list) / CanaryEvery
	}
	return n
}

// has is whether a run is one of those that there are to be.
func (p *plan) has(r run) bool {
	seed := uint64(r.seed)
	if !r.canary {
		return within(p.seeds, seed)
	}
	first := seed - (CanaryEvery - 1) // of its hundred
	return seed >= CanaryEvery-1 && within(p.blocks[first%CanaryEvery], first)
}
