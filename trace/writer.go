// Traces as text: a header line, then one JSON object a line. This is the writing side.

package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// formatName is the first thing in a trace file, so that another file is recognised as such.
const formatName = "pegasus-reference-trace"

// Header is the first line of a trace.
type Header struct {
	Version int             `json:"trace_format"`
	Tool    string          `json:"version,omitempty"` // of the program that wrote it
	Config  json.RawMessage `json:"config,omitempty"`  // effective configuration of the run, any JSON object
}

type headerLine struct {
	Format string `json:"format"`
	Header
}

// Writer is a Sink that writes every event as a line. Data is never written. It is for
// one goroutine. An error stops it and stays: Err and Flush return it.
type Writer struct {
	out     *bufio.Writer
	encoder *json.Encoder
	lines   uint64
	err     error
}

// NewWriter writes the header line; the version is FormatVersion whatever header says. One
// that is longer than a Reader takes is ErrLineTooLong, and nothing is written.
func NewWriter(w io.Writer, header Header) (*Writer, error) {
	header.Version = FormatVersion
	var line bytes.Buffer
	first := json.NewEncoder(&line)
	first.SetEscapeHTML(false)
	err := first.Encode(headerLine{formatName, header})
	if err == nil && line.Len() > MaxLine+1 { // its end
		err = ErrLineTooLong
	}
	t := &Writer{out: bufio.NewWriterSize(w, 1<<16)}
	if err == nil {
		_, err = line.WriteTo(t.out)
	}
	if err != nil {
		return nil, fmt.Errorf("trace: write the header: %w", err)
	}
	t.encoder = json.NewEncoder(t.out)
	t.encoder.SetEscapeHTML(false)
	t.lines = 1
	return t, nil
}

// Emit implements Sink.
func (t *Writer) Emit(ev *Event) {
	if t.err != nil {
		return
	}
	t.lines++
	if err := t.encoder.Encode(ev); err != nil {
		t.err = fmt.Errorf("trace: write line %d: %w", t.lines, err)
	}
}

// Err is the first error of writing.
func (t *Writer) Err() error { return t.err }

// Flush hands everything to the underlying writer. Call it once at the end.
func (t *Writer) Flush() error {
	if t.err != nil {
		return t.err
	}
	if err := t.out.Flush(); err != nil {
		t.err = fmt.Errorf("trace: flush after line %d: %w", t.lines, err)
	}
	return t.err
}
