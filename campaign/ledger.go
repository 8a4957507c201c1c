// The ledger: a line of JSON for the campaign, and one for each run, in any order, only
// ever appended to, by one campaign at a time. What a crash tore off at the end is cut away
// when it is opened again; ledgers of one setup can be put together with cat, since a
// repeated line counts once.

package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

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

// ErrOtherCampaign refuses a ledger of another setup or version, or of a program that
// simulates otherwise: its seeds are other runs.
var ErrOtherCampaign = errors.New("it belongs to another campaign")

// ErrNotKept says that the ledger could not keep what there was to write: a full disk, say.
var ErrNotKept = errors.New("it could not be written")

// ErrInUse refuses a ledger that another campaign is writing.
var ErrInUse = errors.New("it is in use: another campaign is writing it; wait for its end or choose another --ledger")

// header is what all runs of a ledger have in common.
type header struct {
	Kind        string `json:"kind"` // "campaign"
	Version     string `json:"version"`
	TraceFormat int    `json:"trace_format"`
	Setup
}

func newHeader(s Setup) header {
	return header{Kind: "campaign", Version: sim.Version(), TraceFormat: trace.FormatVersion, Setup: s}
}

// headerLine is a ledger's first line. There are more of them where ledgers were put
// together, and where a campaign went on with other seeds than it was begun for.
type headerLine struct {
	header
	span
}

// ledger is an open ledger.
type ledger struct {
	path    string
	file    *os.File
	header  header
	planned []span // as the file says
}

// openLedger opens or makes a ledger of setup, and visits the runs that it has.
func openLedger(path string, setup Setup, visit func(*Outcome) error) (*ledger, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, &LedgerError{path, 0, err}
	}
	l := &ledger{path: path, file: file, header: newHeader(setup)}
	if err := l.load(visit); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// load locks the file, reads what is there and cuts a torn line off its end.
func (l *ledger) load(visit func(*Outcome) error) error {
	if _, err := l.file.Seek(0, io.SeekCurrent); err != nil {
		return &LedgerError{l.path, 0, fmt.Errorf("%w: a ledger is read before it is written, so a pipe or a terminal is none", err)}
	}
	if err := filelock.Take(l.file); errors.Is(err, filelock.ErrHeld) {
		return &LedgerError{l.path, 0, ErrInUse}
	} else if err != nil {
		return &LedgerError{l.path, 0, err}
	}
	contents, err := readLedger(l.path, l.file, nil, visit)
	switch {
	case err != nil:
		return err
	case contents.header == nil && !tornHeader(contents.torn):
		return &LedgerError{l.path, 1, errNoLedger}
	case contents.header != nil && *contents.header != l.header:
		return &LedgerError{l.path, 1, fmt.Errorf("%w: of version %s, %v; choose another --ledger", ErrOtherCampaign, contents.header.Version, contents.header.Setup)}
	}
	if len(contents.torn) > 0 {
		// By name: a file that is opened for appending cannot be cut on every system.
		if err := os.Truncate(l.path, contents.whole); err != nil {
			return &LedgerError{l.path, 0, err}
		}
	}
	l.planned = contents.planned
	return nil
}

// plan writes down which seeds there are to be, unless the ledger has that already.
func (l *ledger) plan(seeds span) error {
	if slices.Contains(l.planned, seeds) {
		return nil
	}
	return l.write(headerLine{l.header, seeds})
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
		return &LedgerError{l.path, 0, fmt.Errorf("%w: %w", ErrNotKept, err)}
	}
	return nil
}

func (l *ledger) close() error {
	if err := errors.Join(l.file.Sync(), l.file.Close()); err != nil {
		return &LedgerError{l.path, 0, fmt.Errorf("%w: %w", ErrNotKept, err)}
	}
	return nil
}
