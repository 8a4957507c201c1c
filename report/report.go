// Package report shows a trace to people: what happened to whom and when, as swim lanes of
// nodes and connections, with the shortest explanation on top. It knows traces and nothing
// of who wrote them.
package report

import (
	_ "embed" // of what the page consists of
	"encoding/json"
	"io"

	"github.com/a8011091/pegasus-reference/page"
	"github.com/a8011091/pegasus-reference/trace"
)

//go:embed report.html
var body string

//go:embed report.css
var style string

//go:embed timeline.js
var timelineScript string

//go:embed lanes.js
var lanesScript string

//go:embed report.js
var script string

// Summary is what is known of a run beside its events.
type Summary struct {
	Title      string      `json:"title"`
	Verdict    string      `json:"verdict"` // "held", "violation" or "inconclusive"
	Reason     string      `json:"reason"`  // of the verdict, in words
	Violations []Violation `json:"violations"`
	Facts      []Fact      `json:"facts"`
	Repro      string      `json:"repro"` // the command that does it again
}

// Violation is a property that did not hold.
type Violation struct {
	Property string `json:"property"`
	AtNS     int64  `json:"at_ns"`
	What     string `json:"what"`
	Decides  bool   `json:"decides"` // it makes the verdict; the others are told beside
}

// Fact is a name and a value that head the page.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// MaxEvents is how many events a page shows: of a longer trace the first and the last.
const MaxEvents = 200_000

// Collector is a trace.Sink that keeps what a page shows. It keeps no data of an event.
type Collector struct {
	max     int
	first   []trace.Event
	last    *trace.Recorder
	hidden  uint64
	crashes []Outage
}

// NewCollector keeps at most maxEvents events, or MaxEvents if that is 0.
func NewCollector(maxEvents int) *Collector {
	if maxEvents <= 0 {
		maxEvents = MaxEvents
	}
	return &Collector{max: maxEvents - maxEvents/2, last: trace.NewRecorder(maxEvents / 2)}
}

// Emit implements trace.Sink. Bytes that arrive and posts are left out: frames and what
// follows say the same.
func (c *Collector) Emit(ev *trace.Event) {
	switch ev.Kind {
	case trace.KindBytes, trace.KindPost:
		c.hidden++
		return
	case trace.KindNodeDown:
		c.crashes = append(c.crashes, Outage{Node: ev.Node, FromNS: ev.AtNS, ToNS: -1, Note: ev.Note})
	case trace.KindNodeUp:
		for i := range c.crashes {
			if c.crashes[i].Node == ev.Node && c.crashes[i].ToNS < 0 {
				c.crashes[i].ToNS = ev.AtNS
			}
		}
	}
	if len(c.first) < c.max {
		c.first = append(c.first, *ev)
		c.first[len(c.first)-1].Data = nil
		return
	}
	c.last.Emit(ev)
}

// events are those that are kept, in order.
func (c *Collector) events() []trace.Event {
	return append(c.first[:len(c.first):len(c.first)], c.last.Events()...)
}

// Outage is a time in which a node was down.
type Outage struct {
	Node   string
	FromNS int64
	ToNS   int64 // -1: to the end
	Note   string
}

// Outages returns when nodes were down, in order of their beginning.
func (c *Collector) Outages() []Outage { return c.crashes }

// omissions is what the page does not show.
type omissions struct {
	Hidden uint64 `json:"hidden"` // bytes and posts
	Middle uint64 `json:"middle"` // left out between the first and the last
	After  int    `json:"after"`  // index of the first event after those
}

// Page returns the document that shows what was collected.
func (c *Collector) Page(s Summary) (*page.Page, error) {
	events := c.events()
	s.Facts, s.Violations = append([]Fact{}, s.Facts...), append([]Violation{}, s.Violations...)
	told := struct {
		Summary
		Explanation []Sentence `json:"explanation"`
		Omissions   omissions  `json:"omissions"`
	}{s, Explain(events, &s), omissions{Hidden: c.hidden, Middle: c.last.Dropped(), After: len(c.first)}}
	summary, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	return &page.Page{
		Title: s.Title + " - " + s.Verdict, Styles: []string{style}, Scripts: []string{timelineScript, lanesScript, script}, Body: body,
		Data: []page.Data{{ID: "summary", JSON: summary}, {ID: "trace", JSON: pack(events)}},
	}, nil
}

// WriteHTML writes the document.
func (c *Collector) WriteHTML(w io.Writer, s Summary) error {
	p, err := c.Page(s)
	if err != nil {
		return err
	}
	return p.Write(w)
}
