// Reading ledgers: whole, put together, one line of them, and with an end that a crash tore.

package campaign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/a8011091/pegasus-reference/sim"
)

// headerStart is how a header begins, and nothing else in a ledger; nothing writes it.
var headerStart = []byte(`{"kind":"campaign"`)

var errNoLedger = errors.New("this is no ledger of a campaign: its first line does not say so")

// contents is what a ledger's whole lines say, beside the runs.
type contents struct {
	header  *header
	like    *header // that it has to be; nil: any
	planned []span
	whole   int64  // bytes of whole lines
	torn    []byte // the rest
}

// readLedger reads whole lines and visits the runs. The last line may be torn: it is left
// out where it does not end, and where it is no JSON. The campaign has to be that of like,
// unless that is nil.
func readLedger(path string, r io.Reader, like *header, visit func(*Outcome) error) (c contents, err error) {
	c.like = like
	in := bufio.NewReaderSize(r, maxLine)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			c.torn = line
			return c, nil
		}
		if err != nil {
			return c, &LedgerError{path, n, err}
		}
		if err := c.line(line, visit); err != nil {
			line = bytes.Clone(line)
			if _, end := in.Peek(1); errors.Is(end, io.EOF) && !json.Valid(line) {
				c.torn = line
				return c, nil
			}
			return c, &LedgerError{path, n, err}
		}
		c.whole += int64(len(line))
	}
}

// line takes one line. Where a header does not begin it, cat has put another ledger behind
// one whose last line was torn; what was torn is left out.
func (c *contents) line(line []byte, visit func(*Outcome) error) error {
	if at := bytes.LastIndex(line, headerStart); at >= 0 {
		return c.head(line[at:])
	}
	if c.header == nil {
		return errNoLedger
	}
	var o Outcome
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	return visit(&o)
}

// head takes a header.
func (c *contents) head(line []byte) error {
	var h headerLine
	if err := json.Unmarshal(line, &h); err != nil {
		return err
	}
	if c.header != nil && *c.header != h.header || c.like != nil && *c.like != h.header {
		return fmt.Errorf("%w than the lines before: of version %s, %v", ErrOtherCampaign, h.Version, h.Setup)
	}
	if err := h.span.validate(); err != nil {
		return err
	}
	c.header = &h.header
	if h.Seeds > 0 && !slices.Contains(c.planned, h.span) {
		c.planned = append(c.planned, h.span)
	}
	return nil
}

// Summarize reads ledgers of one campaign, whole or parts, and says what they come to.
// Errors: *LedgerError.
func Summarize(paths ...string) (Summary, error) {
	if len(paths) == 0 {
		return Summary{}, &sim.UsageError{Text: "no ledger to summarise"}
	}
	t := newTally(Setup{})
	var first *header
	var planned []span
	for _, path := range paths {
		c, err := readFile(path, first, t.add)
		if err != nil {
			return Summary{}, err
		}
		first = c.header
		planned = append(planned, c.planned...)
	}
	t.setup = first.Setup
	return t.summary(false, planned), nil
}

// readFile is readLedger of a file, which has to be one.
func readFile(path string, like *header, visit func(*Outcome) error) (contents, error) {
	file, err := os.Open(path)
	if err != nil {
		return contents{}, &LedgerError{path, 0, err}
	}
	defer file.Close()
	c, err := readLedger(path, file, like, visit)
	if err == nil && c.header == nil {
		err = &LedgerError{path, 0, errors.New("is empty")}
	}
	return c, err
}

// IsLedger is whether a file begins as a ledger does.
func IsLedger(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	start := make([]byte, len(headerStart))
	_, err = io.ReadFull(file, start)
	return err == nil && bytes.Equal(start, headerStart)
}

// Scenario is what a line of a ledger played: the n-th, from 1, as an editor counts; and the
// trace hash that it came to, empty where the run did not end. Errors: *LedgerError.
func Scenario(path string, n int) (s sim.Scenario, hash string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sim.Scenario{}, "", &LedgerError{path, 0, err}
	}
	defer file.Close()
	c := contents{}
	var chosen *Outcome
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for i := 1; i <= n && lines.Scan(); i++ {
		chosen = nil
		if err := c.line(lines.Bytes(), func(o *Outcome) error { chosen = o; return nil }); err != nil {
			return sim.Scenario{}, "", &LedgerError{path, i, err}
		}
		if i < n {
			chosen = nil
		} else if chosen == nil {
			return sim.Scenario{}, "", &LedgerError{path, n, errors.New("is no run")}
		}
	}
	switch {
	case lines.Err() != nil:
		return sim.Scenario{}, "", &LedgerError{path, 0, lines.Err()}
	case chosen == nil:
		return sim.Scenario{}, "", &LedgerError{path, n, errors.New("there is no such line")}
	}
	setup := c.header.Setup
	if chosen.Canary {
		setup = setup.Canary()
	}
	s, err = setup.scenario(uint64(chosen.Seed))
	return s, chosen.Hash, err
}
