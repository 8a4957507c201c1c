// The ledger: a line of JSON for the campaign, and one for each run, in any order, only
// ever appended to, by one campaign at a time. What a crash tore off at the end is cut away
// when it is opened again; ledgers of one setup can be put together with cat, since a
// repeated line counts once.

package campaign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/a8011091/pegasus-reference/internal/filelock"
	"github.com/a8011091/pegasus-reference/sim"
	"github.com/a8011091/pegasus-reference/trace"
)

// LedgerError says which line of which ledger cannot be used.
type LedgerError struct {
	Path string
	Line int // 0: the file
	Err  error
}

// Error implements error.
func (e *LedgerError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("ledger %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("ledger %s, line %d: %v", e.Path, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *LedgerError) Unwrap() error { return e.Err }

// ErrOtherCampaign refuses a ledger of another setup or version: its seeds are other runs.
var ErrOtherCampaign = errors.New("it belongs to another campaign")

// ErrInUse refuses a ledger that another campaign is writing.
var ErrInUse = errors.New("it is in use: another campaign is writing it; wait for its end or choose another --ledger")

// header is a ledger's first line, and wherever ledgers were put together.
type header struct {
	Kind        string `json:"kind"` // "campaign"
	Version     string `json:"version"`
	TraceFormat int    `json:"trace_format"`
	Setup
}

func newHeader(s Setup) header {
	return header{Kind: "campaign", Version: sim.Version(), TraceFormat: trace.FormatVersion, Setup: s}
}

// ledger is an open ledger.
type ledger struct {
	path string
	file *os.File
}

// openLedger opens or makes a ledger of setup, and visits the runs that it has.
func openLedger(path string, setup Setup, visit func(*Outcome)) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, &LedgerError{path, 0, err}
	}
	l := &ledger{path: path, file: file}
	if err := l.load(newHeader(setup), visit); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// load locks the file, reads what is there and cuts a torn line off its end.
func (l *ledger) load(want header, visit func(*Outcome)) error {
	if err := filelock.Take(l.file); errors.Is(err, filelock.ErrHeld) {
		return &LedgerError{l.path, 0, ErrInUse}
	} else if err != nil {
		return &LedgerError{l.path, 0, err}
	}
	contents, err := readLedger(l.path, l.file, visit)
	switch {
	case err != nil:
		return err
	case contents.header == nil && !tornHeader(contents.torn):
		return &LedgerError{l.path, 1, errNoLedger}
	case contents.header != nil && *contents.header != want:
		return &LedgerError{l.path, 1, fmt.Errorf("%w: of version %s, %v; choose another --ledger", ErrOtherCampaign, contents.header.Version, contents.header.Setup)}
	}
	if len(contents.torn) > 0 {
		// By name: a file that is opened for appending cannot be cut on every system.
		if err := os.Truncate(l.path, contents.whole); err != nil {
			return &LedgerError{l.path, 0, err}
		}
	}
	if contents.header == nil {
		return l.write(want)
	}
	return nil
}

// tornHeader is whether a file that has no whole line was to be a ledger: it is empty, has
// the beginning of a header, or the zeros that some file systems leave after a power loss.
func tornHeader(torn []byte) bool {
	return bytes.HasPrefix(torn, headerStart) || bytes.HasPrefix(headerStart, torn) || len(bytes.Trim(torn, "\x00")) == 0
}

func (l *ledger) append(o *Outcome) error { return l.write(o) }

// write appends one line in one system call: what is torn is the last line.
func (l *ledger) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return &LedgerError{l.path, 0, err}
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return &LedgerError{l.path, 0, err}
	}
	return nil
}

func (l *ledger) close() error {
	if err := errors.Join(l.file.Sync(), l.file.Close()); err != nil {
		return &LedgerError{l.path, 0, err}
	}
	return nil
}

// headerStart is how a header begins, and nothing else in a ledger; nothing writes it.
var headerStart = []byte(`{"kind":"campaign"`)

var errNoLedger = errors.New("this is no ledger of a campaign: its first line does not say so")

// contents is what a ledger's whole lines say, beside the runs.
type contents struct {
	header *header
	whole  int64  // bytes of whole lines
	torn   []byte // the rest
}

// readLedger reads whole lines and visits the runs. The last line may be torn: it is left
// out where it does not end, and where it is no JSON.
func readLedger(path string, r io.Reader, visit func(*Outcome)) (c contents, err error) {
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

func (c *contents) line(line []byte, visit func(*Outcome)) error {
	if bytes.HasPrefix(line, headerStart) {
		var h header
		if err := json.Unmarshal(line, &h); err != nil {
			return err
		}
		if c.header != nil && *c.header != h {
			return fmt.Errorf("%w than the lines before: %v", ErrOtherCampaign, h.Setup)
		}
		c.header = &h
		return nil
	}
	if c.header == nil {
		return errNoLedger
	}
	var o Outcome
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	visit(&o)
	return nil
}

// Summarize reads ledgers of one campaign, whole or parts, and says what they come to.
// Errors: *LedgerError.
func Summarize(paths ...string) (Summary, error) {
	t, first := newTally(Setup{}), header{}
	for _, path := range paths {
		h, err := readFile(path, t.add)
		if err != nil {
			return Summary{}, err
		}
		if first == (header{}) {
			first = h
		}
		if h != first {
			return Summary{}, &LedgerError{path, 1, fmt.Errorf("%w than %s: %v", ErrOtherCampaign, paths[0], h.Setup)}
		}
	}
	if len(paths) == 0 {
		return Summary{}, &sim.UsageError{Text: "no ledger to summarise"}
	}
	t.setup = first.Setup
	return t.summary(false, 0, 0), nil
}

func readFile(path string, visit func(*Outcome)) (header, error) {
	file, err := os.Open(path)
	if err != nil {
		return header{}, &LedgerError{path, 0, err}
	}
	defer file.Close()
	c, err := readLedger(path, file, visit)
	if err != nil {
		return header{}, err
	}
	if c.header == nil {
		return header{}, &LedgerError{path, 0, errors.New("is empty")}
	}
	return *c.header, nil
}

// Scenario is what a line of a ledger played: the n-th, from 1, as an editor counts.
// Errors: *LedgerError.
func Scenario(path string, n int) (sim.Scenario, error) {
	file, err := os.Open(path)
	if err != nil {
		return sim.Scenario{}, &LedgerError{path, 0, err}
	}
	defer file.Close()
	c := contents{}
	var chosen *Outcome
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for i := 1; i <= n && lines.Scan(); i++ {
		chosen = nil
		if err := c.line(lines.Bytes(), func(o *Outcome) { chosen = o }); err != nil {
			return sim.Scenario{}, &LedgerError{path, i, err}
		}
		if i < n {
			chosen = nil
		} else if chosen == nil {
			return sim.Scenario{}, &LedgerError{path, n, errors.New("is no run")}
		}
	}
	if chosen == nil {
		return sim.Scenario{}, &LedgerError{path, n, errors.New("there is no such line")}
	}
	setup := c.header.Setup
	if chosen.Canary {
		setup = setup.Canary()
	}
	return setup.scenario(uint64(chosen.Seed))
}
