// How many steps lead out of states.

package check

// OutDegree summarizes the number of steps out of the states that were looked into,
// steps that change nothing left out.
type OutDegree struct {
	Min     int `json:"min"`
	Average int `json:"average"` // rounded
	Median  int `json:"median"`
	P95     int `json:"p95"`
	Max     int `json:"max"`
}

// outDegrees counts states by the number of their steps.
type outDegrees struct{ states []uint64 }

func (d *outDegrees) add(steps int) {
	for len(d.states) <= steps {
		d.states = append(d.states, 0)
	}
	d.states[steps]++
}

func (d *outDegrees) merge(other *outDegrees) {
	for steps, n := range other.states {
		for len(d.states) <= steps {
			d.states = append(d.states, 0)
		}
		d.states[steps] += n
	}
}

func (d *outDegrees) summary() OutDegree {
	states, steps := uint64(0), uint64(0)
	for out, n := range d.states {
		states += n
		steps += uint64(out) * n
	}
	if states == 0 {
		return OutDegree{}
	}
	// at returns the steps of the state of that rank, from 1, when they are sorted by steps.
	at := func(rank uint64) int {
		seen := uint64(0)
		for out, n := range d.states {
			if seen += n; seen >= rank {
				return out
			}
		}
		return len(d.states) - 1
	}
	return OutDegree{
		Min: at(1), Average: int((steps + states/2) / states), Median: at((states + 1) / 2),
		P95: at((states*95 + 99) / 100), Max: at(states),
	}
}
