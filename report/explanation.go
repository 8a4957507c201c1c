// The shortest explanation of a verdict: the one connection that shows it, in a few
// sentences, each with the instant to look at.

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// Sentence is one sentence of an explanation. A page shows its instant when it is chosen.
type Sentence struct {
	AtNS int64  `json:"at_ns"`
	Node string `json:"node"` // where, "" for no place in particular
	Conn uint64 `json:"conn"` // on which connection, 0 for none
	Text string `json:"text"`
}

// Explain says why a run has its verdict.
func Explain(events []trace.Event, s *Summary) []Sentence {
	t := &teller{stories: newStories(events), summary: s, sentences: []Sentence{}}
	violation := s.deciding()
	if violation == nil {
		t.tellQuiet()
		return t.sentences
	}
	if c := t.witness(violation); c != nil {
		t.tellConnection(c)
		t.tellRepetition(c)
	}
	t.say(violation.AtNS, "", 0, "%s is violated: %s.", violation.Property, strings.TrimSuffix(violation.What, "."))
	return t.sentences
}

// deciding is the violation that makes the verdict, else the first.
func (s *Summary) deciding() *Violation {
	for i := range s.Violations {
		if s.Violations[i].Decides {
			return &s.Violations[i]
		}
	}
	if len(s.Violations) > 0 {
		return &s.Violations[0]
	}
	return nil
}

// teller writes sentences.
type teller struct {
	*stories
	summary   *Summary
	sentences []Sentence
}

func (t *teller) say(at int64, node string, conn uint64, format string, args ...any) {
	t.sentences = append(t.sentences, Sentence{AtNS: at, Node: node, Conn: conn, Text: fmt.Sprintf(format, args...)})
}

// namedConnection finds connections in words.
var namedConnection = regexp.MustCompile(`\bc([0-9]+)\b`)

// witness is the connection that shows a violation: one that its words name, else the first
// that came to nothing after every server served again, between nodes that its words name.
func (t *teller) witness(v *Violation) *connection {
	for _, found := range namedConnection.FindAllStringSubmatch(v.What, -1) {
		if id, err := strconv.ParseUint(found[1], 10, 64); err == nil && t.byID[id] != nil {
			return t.byID[id]
		}
	}
	serving := t.servingAgain()
	client, server := named(t.clients, v.What), named(t.servers, v.What)
	// What is asked for, from everything to nothing: a failed negotiation, before a refused dial.
	for _, wanted := range []func(*connection) bool{
		func(c *connection) bool { return c.failed != nil && c.dialed >= serving && c.early != nil },
		func(c *connection) bool { return c.unauthenticated() && c.dialed >= serving },
		(*connection).unauthenticated,
		(*connection).bad,
	} {
		for _, places := range [][2]string{{client, server}, {client, ""}, {"", server}, {"", ""}} {
			for _, c := range t.all {
				if wanted(c) && (places[0] == "" || places[0] == c.client) && (places[1] == "" || places[1] == c.server) {
					return c
				}
			}
		}
	}
	return nil
}

// named is the first of the nodes that the words name, "" where they name none.
func named(nodes map[string]bool, words string) string {
	for _, word := range strings.FieldsFunc(words, func(r rune) bool { return r == ' ' || r == ',' || r == ':' }) {
		if nodes[word] {
			return word
		}
	}
	return ""
}

// tellConnection tells the story of one connection from the restart before it to its end.
func (t *teller) tellConnection(c *connection) {
	if down, up := t.restartOf(c.server, c.dialed); down != nil {
		switch {
		case up == nil || up.AtNS > c.dialed:
			t.say(down.AtNS, c.server, 0, "%s goes down (%s).", c.server, down.Note)
		default:
			t.say(down.AtNS, c.server, 0, "%s goes down (%s), and serves again after %s.", c.server, down.Note, short(up.AtNS-down.AtNS))
		}
	}
	if c.up < 0 {
		t.say(c.dialed, c.client, c.id, "connection c%d: %s dials %s%s.", c.id, c.client, c.server, refusal(c))
		return
	}
	t.say(c.up, c.client, c.id, "connection c%d: from %s to %s, it comes up %s after the dial.", c.id, c.client, c.server, short(c.up-c.dialed))
	t.tellFirstFrame(c)
	t.tellReaction(c)
	t.tellEnd(c)
}

func refusal(c *connection) string {
	if c.refused == nil {
		return " and hears nothing"
	}
	return fmt.Sprintf(" and fails: %s", c.refused.Note)
}

func (t *teller) tellFirstFrame(c *connection) {
	switch {
	case c.early != nil && c.early == c.first:
		t.say(c.early.AtNS, c.client, c.id, "c%d: the first frame is %s (%s), before any negotiation on this connection.", c.id, request(c.early.RPC), c.early.RPC)
	case c.early != nil:
		t.say(c.early.AtNS, c.client, c.id, "c%d: the negotiation has begun, and before it has succeeded the client writes %s (%s).", c.id, request(c.early.RPC), c.early.RPC)
	case c.first != nil && c.first.Neg != "":
		t.say(c.first.AtNS, c.client, c.id, "c%d: the negotiation begins with %s.", c.id, c.first.Neg)
	}
}

// tellReaction says what the server made of a request that came too early.
func (t *teller) tellReaction(c *connection) {
	ev := c.reaction
	switch {
	case ev == nil && c.early != nil && c.answers == 0:
		t.say(c.early.AtNS, c.server, c.id, "c%d: %s does not answer.", c.id, c.server)
	case ev == nil:
	case ev.Kind == trace.KindSession && ev.State == "mute":
		t.say(ev.AtNS, c.server, c.id, "c%d: %s falls silent on it (%s): it leaves the connection open, and never answers what follows (%s).",
			c.id, c.server, ev.Note, plural(c.frames, "frame"))
	case ev.Kind == trace.KindSession:
		t.say(ev.AtNS, c.server, c.id, "c%d: at %s the connection is now %s (%s).", c.id, c.server, ev.State, ev.Note)
	case ev.Kind == trace.KindClose:
		t.say(ev.AtNS, c.server, c.id, "c%d: %s closes it (%s).", c.id, c.server, ev.Note)
	case ev.Kind == trace.KindNegotiation:
		t.say(ev.AtNS, c.server, c.id, "c%d: %s refuses the negotiation: %s.", c.id, c.server, firstOf(ev.Note, ev.Code))
	default:
		t.say(ev.AtNS, c.server, c.id, "c%d: %s answers %s.", c.id, c.server, ev.Code)
	}
}

func (t *teller) tellEnd(c *connection) {
	switch {
	case c.failed != nil:
		t.say(c.failed.AtNS, c.client, c.id, "c%d: the client's negotiation fails with %s, %s after the connection came up.",
			c.id, firstOf(c.failed.Code, c.failed.Note), short(c.failed.AtNS-c.up))
	case c.granted >= 0:
		t.say(c.granted, c.client, c.id, "c%d: its negotiation succeeds %s after it came up.", c.id, short(c.granted-c.up))
	case c.ended >= 0:
		t.say(c.ended, c.client, c.id, "c%d: it is gone %s after it came up.", c.id, short(c.ended-c.up))
	}
}

// tellRepetition counts how often the same went wrong afterwards.
func (t *teller) tellRepetition(c *connection) {
	if !c.unauthenticated() {
		return
	}
	failed, succeeded, last := 0, 0, c
	pairs := map[string]bool{}
	for _, other := range t.all {
		if other == c || other.dialed < c.dialed {
			continue
		}
		if other.unauthenticated() {
			failed++
			last = other
			pairs[other.client+" "+other.server] = true
		}
		if other.granted >= 0 {
			succeeded++
		}
	}
	if failed == 0 {
		return
	}
	how := "none succeeds"
	if succeeded > 0 {
		how = fmt.Sprintf("%d succeed", succeeded)
	}
	t.say(last.dialed, last.client, last.id, "After it %s fail in the same run, between %s of client and server; %s.",
		plural(failed, "negotiation"), plural(len(pairs), "pair"), how)
}

// tellQuiet tells a run without a violation.
func (t *teller) tellQuiet() {
	restarts := 0
	var firstDown *trace.Event
	for _, ev := range t.downs {
		if t.servers[ev.Node] {
			restarts++
			if firstDown == nil {
				firstDown = ev
			}
		}
	}
	if firstDown != nil {
		t.say(firstDown.AtNS, firstDown.Node, 0, "%s goes down (%s), the first of %s.", firstDown.Node, firstDown.Note, plural(restarts, "server outage"))
	}
	if serving := t.servingAgain(); serving > 0 {
		t.say(serving, "", 0, "Every server serves again.")
		t.tellReturn(serving)
	}
	verdict := "Every property held."
	if t.summary.Verdict != "held" {
		verdict = "The run is " + t.summary.Verdict + ": " + t.summary.Reason + "."
	}
	t.say(t.end, "", 0, "%s", verdict)
}

// tellReturn says when each client was back after all servers were.
func (t *teller) tellReturn(serving int64) {
	var last *connection
	failed := 0
	seen := map[string]bool{}
	for _, c := range t.all {
		pair := c.client + " " + c.server
		if c.unauthenticated() && c.dialed >= serving {
			failed++
		}
		if c.granted >= serving && !seen[pair] {
			seen[pair] = true
			if last == nil || c.granted > last.granted {
				last = c
			}
		}
	}
	if last == nil {
		return
	}
	if failed > 0 {
		t.say(serving, "", 0, "Since the last server served again, %s have failed.", plural(failed, "negotiation"))
	}
	t.say(last.granted, last.client, last.id, "The last session to come back is that of %s to %s, on connection c%d: %s after the last server.",
		last.client, last.server, last.id, short(last.granted-serving))
}

// short is a duration for people.
func short(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < 10*time.Microsecond:
		return d.String()
	case d < 10*time.Millisecond:
		return d.Round(time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func firstOf(words ...string) string {
	if i := slices.IndexFunc(words, func(w string) bool { return w != "" }); i >= 0 {
		return words[i]
	}
	return "without a word"
}
