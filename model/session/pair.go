// Clauses S60 to S62 and P6: a client that holds one session to each of two metas, and the queries
// that move between them.

package session

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// metas is how many sessions a Pair has.
const metas = 2

// Pair is the specification for Metas=2: two sessions, each with a server, a network and
// budgets of its own, by the rules of Model, and queries that are at one of them at a time.
type Pair struct {
	session *Model
	actions []check.Action
	number  [metas][]int  // index of an action, by meta and action of its session; -1 for none
	moves   int           // index of the first of the actions that move a query
	meaning []pairMeaning // of each action
}

// pairMeaning of an action: that of one session, or a move.
type pairMeaning struct {
	meta   int // counted from 0
	action int // of the session
	moved  byte
}

// PairState is one session with its server for each meta. A request is idle at the meta
// that is not asked.
type PairState struct {
	Metas [metas]State
}

// NewPair returns the specification for Metas=2, or a *ConstantError.
func NewPair(constants Constants) (*Pair, error) {
	m, err := build(constants, metas)
	if err != nil {
		return nil, err
	}
	p := &Pair{session: m}
	p.listActions()
	return p, nil
}

// listActions lists those of each session, with its fairness. A session of a pair does not
// try again what has failed: the query moves.
func (p *Pair) listActions() {
	for meta := range metas {
		for i, action := range p.session.actions {
			rule := p.session.meaning[i].rule
			if rule == retry || rule == submit && meta > 0 && !p.session.Cyclic {
				p.number[meta] = append(p.number[meta], -1)
				continue
			}
			action.MayRest = p.mayRest(meta, i)
			action.Name = fmt.Sprintf("meta%d.%s", meta+1, action.Name)
			if action.Group != "" {
				action.Group = fmt.Sprintf("meta%d.%s", meta+1, action.Group)
			}
			p.number[meta] = append(p.number[meta], len(p.actions))
			p.add(action, pairMeaning{meta: meta, action: i})
		}
	}
	p.moves = len(p.actions)
	for r := range p.session.NReq {
		p.add(check.Action{Name: fmt.Sprintf("move(%d)", r+1), Fairness: check.Weak, MayRest: !p.session.loses()}, pairMeaning{moved: byte(r + 1)})
	}
}

func (p *Pair) add(action check.Action, meaning pairMeaning) {
	p.actions = append(p.actions, action)
	p.meaning = append(p.meaning, meaning)
}

// Initial returns the one initial state: both metas are up, nothing was ever submitted.
func (p *Pair) Initial() []PairState {
	s := p.session.Initial()[0]
	return []PairState{{Metas: [metas]State{s, s}}}
}

// Actions returns the actions that the constants allow.
func (p *Pair) Actions() []check.Action { return p.actions }

// Next appends every step from s. S60: one that is no move is one session's, and leaves the
// other as it is. They share nothing but the requests.
func (p *Pair) Next(s PairState, list []check.Step[PairState]) []check.Step[PairState] {
	for meta := range metas {
		for _, step := range p.session.Next(s.Metas[meta], nil) {
			action := p.number[meta][step.Action]
			what := p.session.meaning[step.Action]
			if action < 0 || what.rule == submit && !s.asked(meta, what.of) {
				continue
			}
			to := s
			to.Metas[meta] = step.State
			list = append(list, check.Step[PairState]{Action: action, State: to})
		}
	}
	for r := byte(1); r <= byte(p.session.NReq); r++ {
		list = p.move(s, r, list)
	}
	return list
}

// asked. S61: a query goes to the meta that answered the last one, the first to meta 1.
func (s *PairState) asked(meta int, r byte) bool {
	here, there := *s.Metas[meta].request(r), *s.Metas[metas-1-meta].request(r)
	return there == Idle && (here == Done || here == Idle && meta == 0)
}

// move. S62: a query whose attempt has ended without an answer, since its time was over or
// its session was lost, or with a refusal, is asked of the other meta. A query has no effect,
// so one that may have been executed can be asked again.
func (p *Pair) move(s PairState, r byte, list []check.Step[PairState]) []check.Step[PairState] {
	for meta := range metas {
		switch *s.Metas[meta].request(r) {
		case Failed, Unknown, Expired:
			to := s
			from, other := &to.Metas[meta], &to.Metas[metas-1-meta]
			*from.request(r), from.Completions[r-1] = Idle, 0
			other.Completions[r-1] = 0
			*other = p.session.send(*other, r)
			list = append(list, check.Step[PairState]{Action: p.moves + int(r) - 1, State: to})
		}
	}
	return list
}

// AppendState appends the canonical form of s.
func (p *Pair) AppendState(dst []byte, s PairState) []byte {
	for meta := range metas {
		dst = p.session.AppendState(dst, s.Metas[meta])
	}
	return dst
}

// Properties returns the eight properties, of both sessions.
func (p *Pair) Properties() []check.Property[PairState] {
	var list []check.Property[PairState]
	for _, invariant := range p.session.invariants() {
		list = append(list, check.Always(invariant.name, p.both(invariant.holds)))
	}
	return append(list,
		check.EventuallyAlways(ReconnectConverges, p.both(p.session.readyWhereNeeded)),
		check.All(RequestsDrain, p.drained()...))
}

// both says whether something is true of both sessions.
func (p *Pair) both(holds func(State) bool) func(PairState) bool {
	return func(s PairState) bool { return holds(s.Metas[0]) && holds(s.Metas[1]) }
}

// drained. P6c: a query that was submitted is answered sooner or later, by whichever meta.
// There is no other end, since what ends an attempt moves the query.
func (p *Pair) drained() []check.Property[PairState] {
	list := make([]check.Property[PairState], 0, p.session.NReq)
	for r := byte(1); r <= byte(p.session.NReq); r++ {
		list = append(list, check.LeadsTo(RequestsDrain,
			func(s PairState) bool { return *s.Metas[0].request(r) != Idle || *s.Metas[1].request(r) != Idle },
			func(s PairState) bool { return *s.Metas[0].request(r) == Done || *s.Metas[1].request(r) == Done }))
	}
	return list
}
