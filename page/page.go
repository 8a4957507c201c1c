// Package page writes HTML documents that are complete in themselves: styles, scripts and
// data are inside, and a policy in the document lets it load nothing else. It has what
// all pages of this project look like; what a page shows is its author's.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // of the style and the script that all pages share
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed page.css
var style string

//go:embed page.js
var script string

// Page is one document.
type Page struct {
	Title   string
	Styles  []string // beside the shared one
	Scripts []string // run in order, after the shared one and after the body is there
	Body    string   // HTML, trusted
	Data    []Data   // before the scripts
	Connect bool     // scripts may ask the server that the page came from
}

// Data is JSON that scripts find by its id.
type Data struct {
	ID   string
	JSON []byte
}

// ErrUnsafe says that a part of a page would end the element that it stands in.
var ErrUnsafe = errors.New("part of the page ends its own element")

// Policy is the page's content security policy: what is inline, by its hash, and nothing
// from anywhere else.
func (p *Page) Policy() string {
	var b strings.Builder
	b.WriteString("default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src")
	for _, s := range p.styles() {
		b.WriteString(" " + hash(s))
	}
	b.WriteString("; script-src")
	for _, s := range p.scripts() {
		b.WriteString(" " + hash(s))
	}
	if p.Connect {
		b.WriteString("; connect-src 'self'")
	}
	return b.String()
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (p *Page) styles() []string  { return append([]string{style}, p.Styles...) }
func (p *Page) scripts() []string { return append([]string{script}, p.Scripts...) }

// Write writes the document. The error wraps ErrUnsafe, or is w's.
func (p *Page) Write(w io.Writer) error {
	if err := p.check(); err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n",
		html.EscapeString(p.Policy()), html.EscapeString(p.Title))
	for _, s := range p.styles() {
		b.WriteString("<style>" + s + "</style>\n")
	}
	fmt.Fprintf(&b, "</head>\n<body>\n%s\n", p.Body)
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	for _, d := range p.Data {
		if err := writeAll(w, []byte(`<script type="application/json" id="`+html.EscapeString(d.ID)+`">`), d.JSON, []byte("</script>\n")); err != nil {
			return err
		}
	}
	for _, s := range p.scripts() {
		if err := writeAll(w, []byte("<script>"+s+"</script>\n")); err != nil {
			return err
		}
	}
	return writeAll(w, []byte("</body>\n</html>\n"))
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// check refuses parts that would end the element that they are put into. A browser looks
// for "</script" and "<!--" without regard to what the text means.
func (p *Page) check() error {
	for _, s := range p.styles() {
		if strings.Contains(strings.ToLower(s), "</style") {
			return fmt.Errorf("page %q: a style: %w", p.Title, ErrUnsafe)
		}
	}
	for _, s := range p.scripts() {
		if lower := strings.ToLower(s); strings.Contains(lower, "</script") || strings.Contains(lower, "<!--") {
			return fmt.Errorf("page %q: a script: %w", p.Title, ErrUnsafe)
		}
	}
	for _, d := range p.Data {
		if bytes.IndexByte(d.JSON, '<') >= 0 {
			return fmt.Errorf("page %q: data %q has a <, which JSON can write as \\u003c: %w", p.Title, d.ID, ErrUnsafe)
		}
	}
	return nil
}
