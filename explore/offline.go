// The explorer in one file: every counterexample, and the states that are nearest to the
// beginning or to one of these.

package explore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/page"
)

// DefaultMaxStates is how many states a file has unless somebody says otherwise. Those of
// counterexamples are in it however many they are.
const DefaultMaxStates = 3000

// ErrNotChecked says that there is nothing known of counterexamples yet.
var ErrNotChecked = errors.New("the counterexamples are not known yet: Check comes first")

// packed is a part of a state space. Text stands once, and everything else points to it by
// number; the page's source.js unpacks it.
type packed struct {
	Text    []string     `json:"text"`
	IDs     []string     `json:"ids"`     // of the states; the initial ones come first
	Initial int          `json:"initial"` // how many of them
	Schemas [][]int      `json:"schemas"` // names of fields
	Judged  []judged     `json:"judged"`
	Nodes   []packedNode `json:"nodes"`
	Edges   [][][4]int   `json:"edges"` // by state: action, words, signals, state or -1 where it is not here
}

type judged struct {
	Property string `json:"property"`
	Kind     string `json:"kind"`
}

// packedNode encodes as [schema, [values], "1" or "0" for each property].
type packedNode struct {
	schema     int
	values     []int
	judgements []byte
}

func (n packedNode) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]any{n.schema, n.values, string(n.judgements)})
}

// packer fills a packed.
type packer struct {
	explorer check.Explorer
	out      packed
	texts    map[string]int
	schemas  map[string]int
	numbers  map[check.StateID]int
	paths    [][]check.StateID // to each state
	targets  [][]check.StateID // of the edges of each state
}

// WriteOffline writes the page with at most maxStates states, or with what counterexamples
// need if that is more. It returns how many there are, and whether these are all states
// that there are. Check must be done.
func (e *Explorer) WriteOffline(ctx context.Context, w io.Writer, maxStates int) (states int, complete bool, err error) {
	doc, states, complete, err := e.offline(ctx, maxStates)
	if err != nil {
		return 0, false, err
	}
	return states, complete, doc.Write(w)
}

func (e *Explorer) offline(ctx context.Context, maxStates int) (doc *page.Page, states int, complete bool, err error) {
	checked := e.Checked()
	if !checked.Done {
		return nil, 0, false, ErrNotChecked
	}
	p := &packer{
		explorer: e.exploration, texts: map[string]int{}, schemas: map[string]int{}, numbers: map[check.StateID]int{},
	}
	if err := p.pack(ctx, checked.Counterexamples, maxStates); err != nil {
		return nil, 0, false, err
	}
	m := e.meta()
	m.States, m.Complete = len(p.out.IDs), p.connect()
	part, err := json.Marshal(p.out)
	if err != nil {
		return nil, 0, false, err
	}
	found, err := json.Marshal(checked)
	if err != nil {
		return nil, 0, false, err
	}
	doc, err = document(m, page.Data{ID: "states", JSON: part}, page.Data{ID: "check", JSON: found})
	return doc, m.States, m.Complete, err
}

// pack takes the initial states, then those of counterexamples, then what is next to them.
func (p *packer) pack(ctx context.Context, counterexamples []Counterexample, maxStates int) error {
	for _, n := range p.explorer.Initial() {
		p.add(n, []check.StateID{n.ID})
		p.out.Initial++
	}
	for _, c := range counterexamples {
		view, err := p.explorer.At(c.Path)
		if err != nil {
			return err
		}
		for i, b := range view.Path {
			p.add(b.To, c.Path[:i+2])
		}
	}
	for i := 0; i < len(p.paths); i++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		view, err := p.explorer.At(p.paths[i])
		if err != nil {
			return err
		}
		if err := p.addEdges(view.Next); err != nil {
			return err
		}
		for _, b := range view.Next {
			if len(p.paths) < maxStates {
				p.add(b.To, append(slices.Clone(p.paths[i]), b.To.ID))
			}
		}
	}
	return nil
}

// add packs a state that is not there yet.
func (p *packer) add(n check.Node, path []check.StateID) {
	if _, known := p.numbers[n.ID]; known {
		return
	}
	p.numbers[n.ID] = len(p.paths)
	p.paths = append(p.paths, path)
	p.out.IDs = append(p.out.IDs, n.ID.String())
	names, values := make([]int, 0, len(n.Fields)), make([]int, 0, len(n.Fields))
	for _, f := range n.Fields {
		names, values = append(names, p.text(f.Name)), append(values, p.text(f.Value))
	}
	packed := packedNode{schema: p.schema(names), values: values}
	p.out.Judged = p.out.Judged[:0]
	for _, j := range n.Judgements {
		p.out.Judged = append(p.out.Judged, judged{j.Property, j.Kind})
		truth := byte('0')
		if j.Holds {
			truth = '1'
		}
		packed.judgements = append(packed.judgements, truth)
	}
	p.out.Nodes = append(p.out.Nodes, packed)
}

// addEdges packs the steps out of the next state in order; where they lead is not packed
// until every state is there.
func (p *packer) addEdges(next []check.Branch) error {
	edges, targets := [][4]int{}, []check.StateID{}
	for _, b := range next {
		if b.Idle {
			continue
		}
		signals, err := json.Marshal(b.Signals)
		if err != nil {
			return err
		}
		edges = append(edges, [4]int{p.text(b.Action), p.text(b.Text), p.text(string(signals)), outside})
		targets = append(targets, b.To.ID)
	}
	p.out.Edges = append(p.out.Edges, edges)
	p.targets = append(p.targets, targets)
	return nil
}

// outside stands for a state that is not in the file.
const outside = -1

// connect packs where the steps lead, and says whether none leads outside.
func (p *packer) connect() bool {
	complete := true
	for from, targets := range p.targets {
		for i, id := range targets {
			if to, known := p.numbers[id]; known {
				p.out.Edges[from][i][3] = to
			} else {
				complete = false
			}
		}
	}
	return complete
}

func (p *packer) text(s string) int {
	return numbered(p.texts, s, func() { p.out.Text = append(p.out.Text, s) })
}

func (p *packer) schema(names []int) int {
	return numbered(p.schemas, fmt.Sprint(names), func() { p.out.Schemas = append(p.out.Schemas, names) })
}

// numbered is the number of a key, the next one if it is new: then keep is called.
func numbered(numbers map[string]int, key string, keep func()) int {
	n, known := numbers[key]
	if !known {
		n = len(numbers)
		numbers[key] = n
		keep()
	}
	return n
}
