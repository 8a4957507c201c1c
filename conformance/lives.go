// Traces against model/routing: the life of every write, from the call to its return. The
// specification's graph is seen through the step of one request; how many requests are at
// each step is counted for each client and name of request, since a trace does not show
// which call a frame belongs to.

package conformance

import (
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// lifeRow is what one kind of event at a client is in the life of a request: the actions
// of the specification that it is, one after another, the last one being told of.
type lifeRow struct {
	name    string
	kind    trace.Kind
	when    func(*trace.Event) bool
	actions [][]action   // ways, the first that is possible is taken
	to      routing.Step // where they lead
	clause  string
	demand  string
}

var lifeRows = []lifeRow{
	{"a call is made", trace.KindInvoke, nil, [][]action{{"submit"}}, routing.Unrouted, "R1", "the call is a new one"},
	{"the client writes a request", trace.KindFrameOut, nil, [][]action{{"write"}, {"route", "write"}, {"take", "route", "write"}}, routing.Written, "R6",
		"a call waits that was not written before, or that was refused: what was written and lost is not sent again"},
	{"the client reads an answer", trace.KindFrameIn, hasCode(true), [][]action{{"serve"}}, routing.Served, "R5", "a request was written"},
	{"the client reads a refusal", trace.KindFrameIn, hasCode(false), [][]action{{"serve"}}, routing.Refused, "R5", "a request was written"},
	{"a connection is over", trace.KindClosed, nil, [][]action{{"crash-node"}}, routing.Lost, "R6", "what was written on it and not answered is lost"},
	{"a call returns ok", trace.KindReturn, inState("ok"), [][]action{{"take"}}, routing.Done, "R5", "an answer was read that no other call returned"},
	{"a call returns failed", trace.KindReturn, inState("failed"), [][]action{{"request-timeout-early"}, {"take", "request-timeout-early"}}, routing.Expired, "R7",
		"it was not written, or refused"},
	{"a call returns unknown", trace.KindReturn, inState("unknown"), [][]action{{"lose"}, {"request-timeout-early"}}, routing.Unknown, "R7", "it was written"},
}

func hasCode(ok bool) func(*trace.Event) bool {
	return func(ev *trace.Event) bool { return (ev.Code == codeOK) == ok }
}

func inState(state string) func(*trace.Event) bool {
	return func(ev *trace.Event) bool { return ev.State == state }
}

// life is the specification's graph projected on the step of its only request: where each
// action can lead from each step.
type life map[routing.Step]map[action][]routing.Step

// newLife explores the specification with one request, one meta and two nodes.
func newLife() (life, error) {
	c := routing.Default()
	c.Metas, c.Known, c.Splits, c.Elections, c.Odd = 1, 1, 0, 0, false
	m, err := routing.New(c)
	if err != nil {
		return nil, err
	}
	l := make(life)
	seen := make(map[string]bool)
	queue := m.Initial()
	var steps []check.Step[routing.State]
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		steps = m.Next(s, steps[:0])
		for _, to := range steps {
			l.add(s.Requests[0].Step, action(m.Actions()[to.Action].Name), to.State.Requests[0].Step)
			if key := string(m.AppendState(nil, to.State)); !seen[key] {
				seen[key] = true
				queue = append(queue, to.State)
			}
		}
	}
	return l, nil
}

func (l life) add(from routing.Step, name action, to routing.Step) {
	if from == to {
		return
	}
	if open := strings.IndexByte(string(name), '('); open >= 0 {
		name = name[:open]
	}
	if l[from] == nil {
		l[from] = make(map[action][]routing.Step)
	}
	if !slices.Contains(l[from][name], to) {
		l[from][name] = append(l[from][name], to)
	}
}

// walk says whether actions, one after another, lead from one step to another.
func (l life) walk(from routing.Step, actions []action, to routing.Step) bool {
	if len(actions) == 0 {
		return from == to
	}
	for _, next := range l[from][actions[0]] {
		if l.walk(next, actions[1:], to) {
			return true
		}
	}
	return false
}

// goes says whether a row's event is possible at a step.
func (l life) goes(from routing.Step, r *lifeRow) bool {
	return slices.ContainsFunc(r.actions, func(way []action) bool { return l.walk(from, way, r.to) })
}

// lifeRowOf finds the row of an event; nil: it changes nothing.
func lifeRowOf(ev *trace.Event) *lifeRow {
	for i := range lifeRows {
		if r := &lifeRows[i]; r.kind == ev.Kind && (r.when == nil || r.when(ev)) {
			return r
		}
	}
	return nil
}
