// How real code is explored: a state that is a pointer, cloned before each step.

package check_test

import (
	"context"
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// lamp stands for real code: it is changed in place, can be cloned, and can append
// itself in canonical form. Uses is a statistic and not part of it.
type lamp struct {
	on    bool
	life  int
	uses  int
	burnt bool
}

func (l *lamp) press() {
	l.uses++
	if l.burnt {
		return
	}
	l.on = !l.on
	if l.on {
		l.life--
	}
	if l.life == 0 {
		l.burnt, l.on = true, false
	}
}

func (l *lamp) clone() *lamp { c := *l; return &c }

func (l *lamp) appendState(dst []byte) []byte {
	return fmt.Appendf(dst, "%t %d %t", l.on, l.life, l.burnt)
}

// room is the model: the code above and what may happen to it.
type room struct{ life int }

func (r room) Initial() []*lamp { return []*lamp{{life: r.life}} }

func (r room) Actions() []check.Action {
	return []check.Action{{Name: "press", Fairness: check.Weak}}
}

func (r room) Next(l *lamp, steps []check.Step[*lamp]) []check.Step[*lamp] {
	next := l.clone()
	next.press()
	return append(steps, check.Step[*lamp]{State: next})
}

func (r room) AppendState(dst []byte, l *lamp) []byte { return l.appendState(dst) }

func (r room) Properties() []check.Property[*lamp] {
	return []check.Property[*lamp]{
		check.Always("dark-when-burnt", func(l *lamp) bool { return !l.burnt || !l.on }),
		check.Eventually("burns-out", func(l *lamp) bool { return l.burnt }),
		check.InfinitelyOften("light", func(l *lamp) bool { return l.on }),
	}
}

func (r room) Tell(from *lamp, _ int, to *lamp) string {
	return fmt.Sprintf("press: on %t, then %t", from.on, to.on)
}

func Example() {
	result, err := check.Run(context.Background(), room{life: 2}, check.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Verdict, result.Distinct, "states")
	for _, v := range result.Violations {
		fmt.Println(v.Property, "does not hold:")
		for _, step := range v.Trace {
			fmt.Println(" ", step.Text)
		}
		if v.Stutter {
			fmt.Println("  and then nothing, for ever")
		}
	}
	// Output:
	// violation 4 states
	// light does not hold:
	//   initially
	//   press: on false, then true
	//   press: on true, then false
	//   press: on false, then false
	//   and then nothing, for ever
}
