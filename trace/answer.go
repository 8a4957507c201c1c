// What a meta server answers to a query for a table, as the text of one field: enough to
// see whether ballots only rise and requests go where the answers say.

package trace

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/protocol"
)

// maxAnswered is how many partitions an answer's text names at most: its line stays far
// below MaxLine.
const maxAnswered = 8192

// nobody stands for an address that is not there.
const nobody = "-"

// Config is one partition in an answer.
type Config struct {
	Partition int32
	Ballot    int64
	Primary   netip.AddrPort // not valid: there is none
}

// Answer is the content of a query's answer, or of what a client made of it.
type Answer struct {
	Err        string         // ERR_OK with a table, ERR_FORWARD_TO_OTHERS with a redirect, or another error
	App, Count int32          // of a table: its number, and how many partitions it has
	Configs    []Config       // of a table
	To         netip.AddrPort // of a redirect; not valid: no leader is known
}

// AnswerOf takes an answer from the wire.
func AnswerOf(q *protocol.QueryConfig) Answer {
	a := Answer{Err: q.Err.String(), App: q.AppID, Count: q.Count}
	switch q.Err {
	case protocol.CodeUnknown:
		a.Err = strings.Join(strings.Fields(q.ErrName), "_")
	case protocol.CodeForwardToOthers:
		if len(q.Partitions) > 0 {
			a.To = q.Partitions[0].Primary
		}
	case protocol.CodeOK:
		for i := range q.Partitions[:min(len(q.Partitions), maxAnswered)] {
			p := &q.Partitions[i]
			a.Configs = append(a.Configs, Config{p.PID.Index, p.Ballot, p.Primary})
		}
	}
	return a
}

// String is "ERR_OK 2 8 0:3@10.0.2.1:34801 1:3@- ..." for a table (number, partitions, and
// for each partition its index, ballot and primary), "ERR_FORWARD_TO_OTHERS 10.0.1.2:34601"
// for a redirect, and the name of any other error. "-" is no address.
func (a Answer) String() string {
	switch a.Err {
	case codeForward:
		return a.Err + " " + addressText(a.To)
	case codeOK:
	default:
		return a.Err
	}
	b := fmt.Appendf(make([]byte, 0, 24+32*len(a.Configs)), "%s %d %d", a.Err, a.App, a.Count)
	for _, c := range a.Configs {
		b = strconv.AppendInt(append(b, ' '), int64(c.Partition), 10)
		b = strconv.AppendInt(append(b, ':'), c.Ballot, 10)
		b = append(append(b, '@'), addressText(c.Primary)...)
	}
	return string(b)
}

var (
	codeOK      = protocol.CodeOK.String()
	codeForward = protocol.CodeForwardToOthers.String()
)

func addressText(a netip.AddrPort) string {
	if !a.IsValid() || a.Port() == 0 {
		return nobody
	}
	return a.String()
}

// ParseAnswer reads what Answer's String writes.
func ParseAnswer(text string) (Answer, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Answer{}, fmt.Errorf("trace: an answer without an error name")
	}
	a := Answer{Err: words[0]}
	wrong := func(what string) (Answer, error) {
		return Answer{}, fmt.Errorf("trace: answer %.60q: %.40q is not as it should be", text, what)
	}
	switch {
	case a.Err == codeForward && len(words) == 2:
		var ok bool
		if a.To, ok = parseAddress(words[1]); !ok {
			return wrong(words[1])
		}
		return a, nil
	case a.Err != codeOK && len(words) == 1:
		return a, nil
	case a.Err != codeOK || len(words) < 3:
		return wrong(text)
	}
	for i, field := range []*int32{&a.App, &a.Count} {
		n, err := strconv.ParseInt(words[1+i], 10, 32)
		if err != nil {
			return wrong(words[1+i])
		}
		*field = int32(n)
	}
	for _, word := range words[3:] {
		c, ok := parseConfig(word)
		if !ok {
			return wrong(word)
		}
		a.Configs = append(a.Configs, c)
	}
	return a, nil
}

func parseConfig(word string) (c Config, ok bool) {
	numbers, address, found := strings.Cut(word, "@")
	index, ballot, both := strings.Cut(numbers, ":")
	i, err := strconv.ParseInt(index, 10, 32)
	n, err2 := strconv.ParseInt(ballot, 10, 64)
	if !found || !both || err != nil || err2 != nil {
		return c, false
	}
	c.Partition, c.Ballot = int32(i), n
	c.Primary, ok = parseAddress(address)
	return c, ok
}

func parseAddress(word string) (netip.AddrPort, bool) {
	if word == nobody {
		return netip.AddrPort{}, true
	}
	a, err := netip.ParseAddrPort(word)
	return a, err == nil
}
