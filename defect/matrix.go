// The matrix: every trial of every defect, each beside its control.

package defect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Request asks for a part of the matrix. The zero value is the whole.
type Request struct {
	Defects  []string // ids; none: all
	Engines  []string // names; none: all
	Progress func(done, total int, what string)
	Each     func(Cell) // called as each trial ends; may be nil
}

// Cell is one trial that was made. It encodes as a line of JSON.
type Cell struct {
	Kind     string   `json:"kind"` // "defect"
	Defect   string   `json:"defect"`
	Engine   string   `json:"engine"`
	Expected []string `json:"expected"` // properties, any of which must catch it
	Finding
	Unit    string  `json:"unit"` // of count
	Seconds float64 `json:"seconds"`
	Command string  `json:"command"`
	Control string  `json:"control"` // "held", or what the same found without the defect
	Unseen  string  `json:"unseen"`  // why the engine is not expected to see the defect; "" if it has to
}

// Good says whether the trial came out as the catalogue says.
func (c *Cell) Good() bool { return c.Found == (c.Unseen == "") && c.Control == controlHeld }

const controlHeld = "held"

// Run makes the trials that request asks for, in the catalogue's order, and returns what
// was made until ctx ended. The error is a *UsageError, wraps ErrNoSource, or says which
// trials could not be made; the others were.
func Run(ctx context.Context, request Request) (cells []Cell, err error) {
	chosen, err := request.choose()
	if err != nil || len(chosen) == 0 {
		return nil, err
	}
	lab := newLaboratory()
	defer func() { err = errors.Join(err, lab.close()) }()
	for i, one := range chosen {
		if request.Progress != nil {
			request.Progress(i, len(chosen), fmt.Sprintf("%s, %s", one.defect.ID, one.trial.Engine()))
		}
		cell, failed := one.make(ctx, lab)
		if ctx.Err() != nil {
			return cells, err
		}
		if errors.Is(failed, ErrNoSource) { // so would the others
			return cells, failed
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("defect %s, engine %s: %w", one.defect.ID, one.trial.Engine(), failed))
			continue
		}
		cells = append(cells, cell)
		if request.Each != nil {
			request.Each(cell)
		}
	}
	return cells, err
}

// chosen is one trial to be made.
type chosen struct {
	defect *Defect
	trial  Trial
}

// choose lists the trials that the request names.
func (r *Request) choose() ([]chosen, error) {
	if err := known("defect", r.Defects, IDs()); err != nil {
		return nil, err
	}
	if err := known("engine", r.Engines, EngineNames()); err != nil {
		return nil, err
	}
	var list []chosen
	for i := range catalogue {
		d := &catalogue[i]
		if len(r.Defects) > 0 && !slices.Contains(r.Defects, d.ID) {
			continue
		}
		for _, engine := range EngineNames() {
			if len(r.Engines) > 0 && !slices.Contains(r.Engines, engine) {
				continue
			}
			if t := d.trial(engine); t != nil {
				list = append(list, chosen{d, t})
			}
		}
	}
	return list, nil
}

func known(what string, words, valid []string) error {
	for _, w := range words {
		if !slices.Contains(valid, w) {
			return &UsageError{What: what, Word: w, Valid: valid}
		}
	}
	return nil
}

// trialLimit ends a trial that a defect has made endless. The longest takes a fraction of it.
const trialLimit = 5 * time.Minute

// limited runs the trial with the defect, for so long.
func (c chosen) limited(ctx context.Context, lab *laboratory) (Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, trialLimit)
	defer cancel()
	found, err := c.trial.run(ctx, lab, c.defect, false)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Finding{}, fmt.Errorf("no end after %v; a defect must leave its engine able to end: %w", trialLimit, err)
	}
	return found, err
}

// make makes one trial and, unless another has made it already, its control.
func (c chosen) make(ctx context.Context, lab *laboratory) (Cell, error) {
	name := c.trial.controlled(c.defect)
	control, made := lab.controls[name]
	if !made {
		var err error
		if control, err = c.trial.run(ctx, lab, c.defect, true); err != nil {
			return Cell{}, fmt.Errorf("without the defect: %w", err)
		}
		lab.controls[name] = control
	}
	began := time.Now()
	found, err := c.limited(ctx, lab)
	if err != nil {
		return Cell{}, err
	}
	cell := Cell{
		Kind: "defect", Defect: c.defect.ID, Engine: c.trial.Engine(), Expected: c.defect.Properties, Finding: found,
		Unit: unitOf(c.trial.Engine()), Seconds: time.Since(began).Seconds(),
		Command: c.trial.Command(c.defect.ID, &found), Control: controlHeld, Unseen: blind(c.trial),
	}
	if control.Found {
		cell.Control = fmt.Sprintf("%s is violated without the defect as well: %s", control.Property, control.What)
	}
	return cell, nil
}
