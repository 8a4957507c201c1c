// Scenario files: the text form of a Scenario, written by a failing run and by people.
//
//	simulate scenario 1
//	name full-restart
//	seed 0x2a
//	client upstream-snapshot
//	...
//	drawn restart per-mille=120 for=10ms..3s shape=rolling
//	workload client=1 start=0s every=50ms..150ms timeout=1s keys=16
//	op at=1.9s client=1 put partition=3 timeout=1s
//	clock node=client-1 offset=-2s drift=50000
//	fault at=2s restart node=meta-1 down=300ms
//	fault at=2s clock-step node=replica-1 by=10m down=5s
//
// The first line holds the format version; settings that are left out have their
// defaults, and none is given twice; # begins a comment.

package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	scenarioMagic    = "simulate scenario"
	maxScenarioBytes = 64 << 20 // more than maxEntries of each kind take
	maxScenarioLine  = 4096     // bytes, without its end
	serialWord       = "serial"
	byteOrderMark    = "\ufeff" // that some editors put first
)

var errLongLine = usagef("it is longer than %d bytes", maxScenarioLine)

// FormatError is a scenario file that cannot be read, with the line it fails at.
type FormatError struct {
	Line int
	Err  error
}

func (e *FormatError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *FormatError) Unwrap() error { return e.Err }

// setting is one `word value` line: how it is written and how it is read.
type setting struct {
	word  string
	write func(s *Scenario) string
	read  func(s *Scenario, value string) error
}

var settings = []setting{
	text("name", func(s *Scenario) *string { return &s.Name }),
	{"seed", func(s *Scenario) string { return fmt.Sprintf("%#x", s.Seed) }, func(s *Scenario, v string) (err error) {
		s.Seed, err = ParseSeed(v)
		return err
	}},
	text("client", func(s *Scenario) *string { return &s.Client }),
	text("server", func(s *Scenario) *string { return &s.Server }),
	text("auth", func(s *Scenario) *string { return &s.Auth }),
	text("early-request", func(s *Scenario) *string { return &s.EarlyRequest }),
	text("early-code", func(s *Scenario) *string { return &s.EarlyCode }),
	text("causes", func(s *Scenario) *string { return &s.Causes }),
	text("remedies", func(s *Scenario) *string { return &s.Remedies }),
	boolean("hp-fields", func(s *Scenario) *bool { return &s.HPFields }),
	number("metas", func(s *Scenario) *int { return &s.Metas }),
	number("replicas", func(s *Scenario) *int { return &s.Replicas }),
	number("partitions", func(s *Scenario) *int { return &s.Partitions }),
	number("clients", func(s *Scenario) *int { return &s.Clients }),
	number("leader", func(s *Scenario) *int { return &s.Leader }),
	{"latency", func(s *Scenario) string { return span(s.LatencyMin, s.LatencyMax) }, func(s *Scenario, v string) (err error) {
		s.LatencyMin, s.LatencyMax, err = parseSpan(v)
		return err
	}},
	boolean("split-reads", func(s *Scenario) *bool { return &s.SplitReads }),
	number("pairs", func(s *Scenario) *int { return &s.Pairs }),
	length("backoff-cap", func(s *Scenario) *time.Duration { return &s.BackoffCap }),
	length("watch", func(s *Scenario) *time.Duration { return &s.Watch }),
	length("ticket-life", func(s *Scenario) *time.Duration { return &s.TicketLife }),
	length("query-timeout", func(s *Scenario) *time.Duration { return &s.QueryTimeout }),
	length("reset-window", func(s *Scenario) *time.Duration { return &s.ResetWindow }),
	length("connect-timeout", func(s *Scenario) *time.Duration { return &s.ConnectTimeout }),
	length("standstill", func(s *Scenario) *time.Duration { return &s.Standstill }),
	{"ports", func(s *Scenario) string { return fmt.Sprintf("%d..%d", s.PortMin, s.PortMax) }, func(s *Scenario, v string) error {
		lo, hi, _ := strings.Cut(v, "..")
		if intField(&s.PortMin)(lo) != nil || intField(&s.PortMax)(hi) != nil {
			return usagef("ports is %q: it must be FIRST..LAST", v)
		}
		return nil
	}},
	number("queue-limit", func(s *Scenario) *int { return &s.QueueLimit }),
	number("send-buffer", func(s *Scenario) *int { return &s.SendBuffer }),
	number("receive-buffer", func(s *Scenario) *int { return &s.ReceiveBuffer }),
	number("write-queue", func(s *Scenario) *int { return &s.WriteQueue }),
	text("odd", func(s *Scenario) *string { return &s.Odd.Kind }),
	{"odd-during", func(s *Scenario) string { return span(s.Odd.From, s.Odd.Until) }, func(s *Scenario, v string) (err error) {
		s.Odd.From, s.Odd.Until, err = parseSpan(v)
		return err
	}},
	boolean("sticky", func(s *Scenario) *bool { return &s.Sticky }),
	length("late-events", func(s *Scenario) *time.Duration { return &s.LateEvents }),
	length("close-at", func(s *Scenario) *time.Duration { return &s.CloseAt }),
}

// WriteScenario writes the scenario's text form, which ReadScenario reads back equal.
func WriteScenario(w io.Writer, s *Scenario) error {
	_, err := w.Write(s.appendText(nil))
	return err
}

func (s *Scenario) appendText(b []byte) []byte {
	b = fmt.Appendf(b, "%s %d\n\n", scenarioMagic, trace.FormatVersion)
	for _, set := range settings {
		b = fmt.Appendf(b, "%s %s\n", set.word, set.write(s))
	}
	for i, d := range s.Drawn {
		b = blankBefore(b, i)
		b = fmt.Appendf(b, "drawn %v\n", d)
	}
	for i, w := range s.Workloads {
		b = blankBefore(b, i)
		b = fmt.Appendf(b, "workload client=%d start=%v every=%s timeout=%v keys=%d\n", w.Client, w.Start, span(w.EveryMin, w.EveryMax), w.Timeout, w.Keys)
	}
	for i, o := range s.Ops {
		serial := ""
		if o.Serial {
			serial = " " + serialWord
		}
		b = blankBefore(b, i)
		b = fmt.Appendf(b, "op at=%v client=%d %s partition=%d timeout=%v%s\n", o.At, o.Client, opWord(o.RPC), o.Partition, o.Timeout, serial)
	}
	for i, c := range s.Clocks {
		b = blankBefore(b, i)
		b = fmt.Appendf(b, "clock node=%s offset=%v drift=%d\n", c.Node, c.Offset, c.Drift)
	}
	for i := range s.Faults {
		b = blankBefore(b, i)
		b = s.Faults[i].appendText(b)
	}
	return b
}

// appendText writes the fields that count for the fault's kind.
func (f *Fault) appendText(b []byte) []byte {
	info := f.Kind.Info()
	b = fmt.Appendf(b, "fault at=%v %v node=%s", f.At, f.Kind, f.Node)
	if f.Peer != "" {
		b = fmt.Appendf(b, " peer=%s", f.Peer)
	}
	if info.Partition {
		b = fmt.Appendf(b, " partition=%d", f.Partition)
	}
	if info.By != "" {
		b = fmt.Appendf(b, " by=%v", f.By)
	}
	if info.Rate {
		b = fmt.Appendf(b, " rate=%d", f.Rate)
	}
	return fmt.Appendf(b, " down=%v\n", f.Down)
}

func blankBefore(b []byte, i int) []byte {
	if i == 0 {
		return append(b, '\n')
	}
	return b
}

// ReadScenario reads and validates a scenario's text form. Errors are a *FormatError
// or a *UsageError.
func ReadScenario(r io.Reader) (Scenario, error) {
	s := Default()
	limited := &io.LimitedReader{R: r, N: maxScenarioBytes + 1}
	line, err := s.readLines(limited)
	if limited.N == 0 {
		return Scenario{}, usagef("the scenario is larger than %d bytes", maxScenarioBytes)
	}
	if err != nil {
		return Scenario{}, &FormatError{Line: line, Err: err}
	}
	return s, s.Validate()
}

// readLines reads every line. With an error it returns the number of the one that is wrong.
func (s *Scenario) readLines(r io.Reader) (line int, err error) {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxScenarioLine+len("x\r\n")) // the first byte too many is seen
	headed, given := false, make(map[string]bool)
	for scanner.Scan() {
		line++
		text := scanner.Text()
		if len(text) > maxScenarioLine {
			return line, errLongLine
		}
		if line == 1 {
			text = strings.TrimPrefix(text, byteOrderMark)
		}
		words := strings.Fields(strings.SplitN(text, "#", 2)[0])
		switch {
		case len(words) == 0:
		case !headed:
			headed, err = true, checkHeader(words)
		default:
			err = s.readLine(words, given)
		}
		if err != nil {
			return line, err
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return line + 1, errLongLine
	case err != nil:
		return line + 1, err
	}
	if !headed {
		return 1, errors.New("empty: a scenario file begins with `" + scenarioMagic + " 1`")
	}
	return 0, nil
}

func checkHeader(words []string) error {
	if len(words) != 3 || words[0]+" "+words[1] != scenarioMagic {
		return usagef("not a scenario file: the first line must be `%s %d`", scenarioMagic, trace.FormatVersion)
	}
	if words[2] != strconv.Itoa(trace.FormatVersion) {
		return usagef("scenario format version %s: this program replays version %d only", words[2], trace.FormatVersion)
	}
	return nil
}

// readLine reads one line. given are the settings of the lines before.
func (s *Scenario) readLine(words []string, given map[string]bool) error {
	switch words[0] {
	case "workload":
		return s.readWorkload(words[1:])
	case "op":
		return s.readOp(words[1:])
	case "drawn":
		return s.readDrawn(words[1:])
	case "clock":
		return s.readClock(words[1:])
	case "fault":
		return s.readFault(words[1:])
	}
	known := []string{"drawn", "workload", "op", "clock", "fault"}
	for _, set := range settings {
		if set.word == words[0] {
			switch {
			case len(words) != 2:
				return usagef("%s takes one value", words[0])
			case given[set.word]:
				return usagef("%s is given twice", set.word)
			}
			given[set.word] = true
			return set.read(s, words[1])
		}
		known = append(known, set.word)
	}
	return usagef("unknown setting %q%s", words[0], DidYouMean(words[0], known))
}

func (s *Scenario) readWorkload(words []string) error {
	w := Workload{Client: 1, Timeout: time.Second, Keys: 16}
	err := readFields(words, fields{
		"client":  intField(&w.Client),
		"start":   durationField(&w.Start),
		"every":   func(v string) (err error) { w.EveryMin, w.EveryMax, err = parseSpan(v); return err },
		"timeout": durationField(&w.Timeout),
		"keys":    intField(&w.Keys),
	}, nil)
	s.Workloads = append(s.Workloads, w)
	return err
}

func (s *Scenario) readOp(words []string) error {
	o := Op{Client: 1, Timeout: time.Second}
	err := readFields(words, fields{
		"at":        durationField(&o.At),
		"client":    intField(&o.Client),
		"partition": intField(&o.Partition),
		"timeout":   durationField(&o.Timeout),
	}, func(word string) error {
		if word == serialWord {
			o.Serial = true
			return nil
		}
		for _, rpc := range opRPCs {
			switch {
			case opWord(rpc) != word:
			case o.RPC != protocol.RPCUnknown:
				return usagef("an op is one operation: %s and %s are two", opWord(o.RPC), word)
			default:
				o.RPC = rpc
				return nil
			}
		}
		return usagef("unknown operation %q: there are get, put, remove, ttl", word)
	})
	if err == nil && o.RPC == protocol.RPCUnknown {
		err = usagef("an op says which: get, put, remove or ttl")
	}
	s.Ops = append(s.Ops, o)
	return err
}

func (s *Scenario) readClock(words []string) error {
	var c Clock
	err := readFields(words, fields{
		"node":   func(v string) error { c.Node = v; return nil },
		"offset": durationField(&c.Offset),
		"drift":  int64Field(&c.Drift),
	}, nil)
	s.Clocks = append(s.Clocks, c)
	return err
}

func (s *Scenario) readFault(words []string) error {
	var f Fault
	err := readFields(words, fields{
		"at":   durationField(&f.At),
		"node": func(v string) error { f.Node = v; return nil },
		"peer": func(v string) error { f.Peer = v; return nil },
		"down": durationField(&f.Down),
		"by":   durationField(&f.By),
		"rate": int64Field(&f.Rate),

		"partition": intField(&f.Partition),
	}, func(word string) (err error) {
		if f.Kind != 0 {
			return usagef("a fault is of one kind: %v and %s are two", f.Kind, word)
		}
		f.Kind, err = parseFaultKind(word)
		return err
	})
	if err == nil && f.Kind == 0 {
		err = usagef("a fault says which: %s", strings.Join(faultWords(), ", "))
	}
	s.Faults = append(s.Faults, f)
	return err
}

func parseFaultKind(word string) (FaultKind, error) {
	for _, kind := range FaultKinds() {
		if kind.String() == word {
			return kind, nil
		}
	}
	return 0, usagef("unknown fault %q%s", word, DidYouMean(word, faultWords()))
}

type fields map[string]func(value string) error

// readFields reads key=value words, none twice; bare takes the words without a value.
func readFields(words []string, known fields, bare func(string) error) error {
	given := make(map[string]bool, len(words))
	for _, word := range words {
		key, value, has := strings.Cut(word, "=")
		switch read := known[key]; {
		case has && given[key]:
			return usagef("%s is given twice", key)
		case has && read != nil:
			given[key] = true
			if err := read(value); err != nil {
				return err
			}
		case !has && bare != nil:
			if err := bare(word); err != nil {
				return err
			}
		default:
			return usagef("unknown field %q", word)
		}
	}
	return nil
}

// ParseSeed reads a seed: decimal, or hexadecimal after 0x.
func ParseSeed(v string) (uint64, error) {
	seed, err := strconv.ParseUint(v, 0, 64)
	if err != nil {
		return 0, usagef("seed %q: it must be a whole number from 0 to 2^64-1, decimal or 0x", v)
	}
	return seed, nil
}

var opRPCs = []protocol.RPC{protocol.RPCGet, protocol.RPCPut, protocol.RPCRemove, protocol.RPCTTL}

// opWord is the operation's word in scenario files: get, put, remove, ttl.
func opWord(rpc protocol.RPC) string {
	name := rpc.String()
	return strings.ToLower(name[strings.LastIndexByte(name, '_')+1:])
}

func text(word string, field func(*Scenario) *string) setting {
	return setting{word, func(s *Scenario) string { return *field(s) }, func(s *Scenario, v string) error {
		*field(s) = v
		return nil
	}}
}

func number(word string, field func(*Scenario) *int) setting {
	return setting{word, func(s *Scenario) string { return strconv.Itoa(*field(s)) }, func(s *Scenario, v string) error {
		return intField(field(s))(v)
	}}
}

func boolean(word string, field func(*Scenario) *bool) setting {
	return setting{word, func(s *Scenario) string { return strconv.FormatBool(*field(s)) }, func(s *Scenario, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return usagef("%s is %q: it must be true or false", word, v)
		}
		*field(s) = b
		return nil
	}}
}

func length(word string, field func(*Scenario) *time.Duration) setting {
	return setting{word, func(s *Scenario) string { return field(s).String() }, func(s *Scenario, v string) error {
		return durationField(field(s))(v)
	}}
}

func intField(p *int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return usagef("%q is not a whole number", v)
		}
		*p = n
		return nil
	}
}

func int64Field(p *int64) func(string) error {
	return func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return usagef("%q is not a whole number", v)
		}
		*p = n
		return nil
	}
}

func durationField(p *time.Duration) func(string) error {
	return func(v string) error {
		d, err := time.ParseDuration(v)
		if err != nil {
			return usagef("%q is not a duration such as 1.5s or 200ms", v)
		}
		*p = d
		return nil
	}
}

func span(lo, hi time.Duration) string { return lo.String() + ".." + hi.String() }

func parseSpan(v string) (lo, hi time.Duration, err error) {
	a, b, ranged := strings.Cut(v, "..")
	if !ranged {
		b = a
	}
	if err = durationField(&lo)(a); err == nil {
		err = durationField(&hi)(b)
	}
	return lo, hi, err
}
