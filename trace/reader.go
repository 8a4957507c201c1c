// Traces as text, the reading side: another format version is refused, lines are bounded.

package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// MaxLine is the longest line in bytes that a Reader accepts.
const MaxLine = 1 << 20

// Errors of reading, inside a *LineError. For another version see VersionError.
var (
	ErrLineTooLong = fmt.Errorf("line is longer than %d bytes", MaxLine)
	ErrNoHeader    = errors.New("first line is no header of a trace")
	ErrTorn        = errors.New("the last line is torn: the text ends in the middle of an event, as where its writer was killed or its disk was full")
)

// VersionError refuses a trace of another format version.
type VersionError struct {
	Got, Want int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("trace format version %d cannot be read, this program reads version %d: "+
		"use the program version that wrote the trace, or run its seed again", e.Got, e.Want)
}

// LineError says where in the text something is wrong. Lines count from 1.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("trace: line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// Reader reads what Writer wrote.
type Reader struct {
	lines  *bufio.Scanner
	line   int
	ended  bool // the line at hand has an end
	header Header
}

// NewReader reads the header line. Errors are *LineError, with *VersionError, ErrNoHeader,
// ErrLineTooLong or an error of r inside.
func NewReader(r io.Reader) (*Reader, error) {
	t := &Reader{lines: bufio.NewScanner(r)}
	t.lines.Buffer(make([]byte, 0, 4096), MaxLine+1) // and its end
	t.lines.Split(t.split)
	text, err := t.nextLine()
	if errors.Is(err, io.EOF) {
		return nil, &LineError{1, ErrNoHeader}
	}
	if err != nil {
		return nil, err
	}
	if t.header, err = parseHeader(text); err != nil {
		return nil, &LineError{t.line, err}
	}
	return t, nil
}

// Header is the first line.
func (t *Reader) Header() Header { return t.header }

// Line is the number of the line read last, from 1.
func (t *Reader) Line() int { return t.line }

// split is bufio.ScanLines, and sees whether a line has an end.
func (t *Reader) split(data []byte, atEnd bool) (int, []byte, error) {
	advance, line, err := bufio.ScanLines(data, atEnd)
	t.ended = advance > 0 && data[advance-1] == '\n'
	return advance, line, err
}

// Read replaces *ev by the next event. At the end it returns io.EOF; other errors are
// *LineError, with ErrTorn inside where the text ends before the event does, and the Reader
// is of no further use.
func (t *Reader) Read(ev *Event) error {
	text, err := t.nextLine()
	if err != nil {
		return err
	}
	*ev = Event{}
	if err := decodeStrict(text, ev); err != nil {
		if !t.ended && !json.Valid(text) {
			err = ErrTorn
		}
		return &LineError{t.line, err}
	}
	if err := exactKeys(text); err != nil {
		return &LineError{t.line, err}
	}
	if ev.Kind == KindNone {
		return &LineError{t.line, errors.New("event without a kind")}
	}
	return nil
}

func (t *Reader) nextLine() ([]byte, error) {
	if t.lines.Scan() {
		t.line++
		return t.lines.Bytes(), nil
	}
	err := t.lines.Err()
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		err = ErrLineTooLong
	}
	return nil, &LineError{t.line + 1, err}
}

// parseHeader looks at format and version before anything else, since the rest of another
// version's header may look different.
func parseHeader(text []byte) (Header, error) {
	var mark struct {
		Format  string `json:"format"`
		Version int    `json:"trace_format"`
	}
	if err := json.Unmarshal(text, &mark); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrNoHeader, err)
	}
	if mark.Format != formatName {
		return Header{}, fmt.Errorf("%w: format is %.40q, not %q", ErrNoHeader, mark.Format, formatName)
	}
	if mark.Version != FormatVersion {
		return Header{}, &VersionError{mark.Version, FormatVersion}
	}
	var h headerLine
	if err := decodeStrict(text, &h); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrNoHeader, err)
	}
	return h.Header, nil
}

// decodeStrict decodes exactly one JSON object without unknown fields. No error of it is
// io.EOF, which would end the trace where a line is empty.
func decodeStrict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the line is empty")
	case err != nil:
		return fmt.Errorf("not an object of this format: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one object on the line")
	}
	return nil
}

// exactKeys refuses, in the text of an Event, a key that is there twice or is spelled with
// other letters: encoding/json takes the last of two, in whatever case, and other programs
// would read another event than this one.
func exactKeys(text []byte) error {
	var seen uint64
	for {
		begin := bytes.IndexByte(text, '"')
		if begin < 0 {
			return nil
		}
		end := stringEnd(text, begin)
		key := text[begin+1 : end-1]
		bit, known := eventKeys[string(key)]
		switch {
		case !known:
			return fmt.Errorf("no field is called %.40q; names are as Writer writes them", key)
		case seen&bit != 0:
			return fmt.Errorf("field %q is there twice", key)
		}
		seen |= bit
		text = afterValue(text[end:])
	}
}

// eventKeys has a bit for each key of an Event; nothing writes it.
var eventKeys = func() map[string]uint64 {
	keys := make(map[string]uint64)
	for i, field := range reflect.VisibleFields(reflect.TypeFor[Event]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		keys[name] = 1 << i
	}
	return keys
}()

// stringEnd is where the string that begins at begin has ended, in valid JSON.
func stringEnd(text []byte, begin int) int {
	at := begin + 1
	for ; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// afterValue is what follows the value behind a key, which is no object and no list: up to
// the next comma, if its text has one.
func afterValue(text []byte) []byte {
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			at = stringEnd(text, at) - 1
		case ',':
			return text[at:]
		}
	}
	return nil
}
