// The Explorer of a model: states found again by the paths that lead to them.

package check

import "fmt"

// explorer is the Explorer of one model.
type explorer[S any] struct {
	model      Model[S]
	actions    []Action
	properties []Property[S]
}

// NewExplorer returns an Explorer of model. An error wraps ErrModel.
func NewExplorer[S any](model Model[S]) (Explorer, error) {
	e := &explorer[S]{model: model, actions: model.Actions(), properties: model.Properties()}
	if err := distinctNames(e.actions); err != nil {
		return nil, err
	}
	if len(model.Initial()) == 0 {
		return nil, fmt.Errorf("%w: it has no initial state", ErrModel)
	}
	return e, nil
}

func (e *explorer[S]) Actions() []Action { return e.actions }

func (e *explorer[S]) Lanes() []string { return lanes(e.model) }

func (e *explorer[S]) Initial() []Node {
	var nodes []Node
	seen := map[StateID]bool{}
	for _, state := range e.model.Initial() {
		if id := e.id(state); !seen[id] {
			seen[id] = true
			nodes = append(nodes, e.node(state))
		}
	}
	return nodes
}

func (e *explorer[S]) At(path []StateID) (View, error) {
	if len(path) == 0 {
		return View{}, fmt.Errorf("%w: it begins nowhere; a path begins with an initial state", ErrNoSuchPath)
	}
	state, found := e.initial(path[0])
	if !found {
		return View{}, fmt.Errorf("%w: %s is no initial state", ErrNoSuchPath, path[0])
	}
	view := View{Start: e.node(state), Path: []Branch{}, Next: []Branch{}}
	var steps []Step[S]
	for i, id := range path[1:] {
		step, taken := e.step(state, id, &steps)
		if !taken {
			return View{}, fmt.Errorf("%w: no step leads from %s, the state at %d, to %s", ErrNoSuchPath, path[i], i, id)
		}
		view.Path = append(view.Path, e.branch(state, step))
		state = step.State
	}
	for _, step := range e.model.Next(state, steps[:0]) {
		view.Next = append(view.Next, e.branch(state, step))
	}
	return view, nil
}

func (e *explorer[S]) Draw(limit int) Graph {
	drawing := Graph{Nodes: []Node{}, Edges: []Edge{}, Complete: true}
	var states []S
	index := map[StateID]int{}
	place := func(state S) (int, bool) {
		id := e.id(state)
		at, known := index[id]
		switch {
		case known:
			return at, true
		case len(states) >= limit:
			drawing.Complete = false
			return 0, false
		}
		index[id] = len(states)
		states = append(states, state)
		drawing.Nodes = append(drawing.Nodes, e.node(state))
		return len(states) - 1, true
	}
	for _, state := range e.model.Initial() {
		place(state)
	}
	drawing.Initial = len(states)
	var steps []Step[S]
	for from := 0; from < len(states); from++ {
		steps = e.model.Next(states[from], steps[:0])
		for _, step := range steps {
			if to, drawn := place(step.State); drawn && to != from {
				drawing.Edges = append(drawing.Edges, Edge{
					From: from, To: to, Action: e.actions[step.Action].Name, Text: e.tell(states[from], step),
				})
			}
		}
	}
	return drawing
}

func (e *explorer[S]) id(state S) StateID { return identify(e.model, state) }

// identify returns the name of a state.
func identify[S any](model Model[S], state S) StateID {
	return StateID(normal(Fingerprint(model.AppendState(nil, state))))
}

func (e *explorer[S]) initial(id StateID) (S, bool) {
	for _, state := range e.model.Initial() {
		if e.id(state) == id {
			return state, true
		}
	}
	var none S
	return none, false
}

// step returns the first step from state to the state named id.
func (e *explorer[S]) step(state S, id StateID, steps *[]Step[S]) (Step[S], bool) {
	*steps = e.model.Next(state, (*steps)[:0])
	for _, step := range *steps {
		if e.id(step.State) == id {
			return step, true
		}
	}
	return Step[S]{}, false
}

func (e *explorer[S]) node(state S) Node {
	n := Node{ID: e.id(state), Fields: []Field{}, Judgements: []Judgement{}}
	if describer, ok := e.model.(Describer[S]); ok {
		n.Fields = append(n.Fields, describer.Describe(state)...)
	}
	for i := range e.properties {
		p := &e.properties[i]
		n.Judgements = append(n.Judgements, Judgement{Property: p.Name, Kind: p.Kind.String(), Holds: e.holds(p, state)})
	}
	return n
}

// holds is Judgement.Holds.
func (e *explorer[S]) holds(p *Property[S], state S) bool {
	switch p.Kind {
	case Deadlock:
		return p.holds(state) || e.goesOn(state)
	case Liveness:
		for _, goal := range p.goals {
			if (goal.from == nil || goal.from(state)) && !goal.until(state) {
				return false
			}
		}
		return true
	}
	return p.holds(state)
}

func (e *explorer[S]) goesOn(state S) bool {
	here := e.id(state)
	for _, step := range e.model.Next(state, nil) {
		if e.id(step.State) != here {
			return true
		}
	}
	return false
}

func (e *explorer[S]) branch(from S, step Step[S]) Branch {
	to := e.node(step.State)
	return Branch{
		Action: e.actions[step.Action].Name, Text: e.tell(from, step), To: to,
		Changes: difference(e.model, &from, step.State), Signals: signals(e.model, e.actions, from, step),
		Idle: to.ID == e.id(from),
	}
}

func (e *explorer[S]) tell(from S, step Step[S]) string {
	return inWords(e.model, e.actions, from, step)
}
