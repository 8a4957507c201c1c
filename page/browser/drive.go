// Driving a page: a script that is added to it acts as a user would, and leaves what it
// saw in the document.

package browser

import (
	"context"
	_ "embed" // of the driver
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"strings"
)

//go:embed driver.js
var driver string

// Driver is the script to add to a page, before its own: it runs steps, the body of an async
// function with a Driver to press and click and look with, once the page is ready; see
// driver.js. What the function returns, and every error of any script of the page, is what
// Drive finds.
func Driver(steps string) string {
	return driver + "\nDriver.run(async (d) => {\n" + steps + "\n});\n"
}

// ErrPage says that a script of the page failed, or the driver's steps did.
var ErrPage = errors.New("the page failed")

const (
	resultBegins = `<pre id="driver-result">`
	resultEnds   = `</pre>`
)

// Drive opens the page at url, to which Driver's script was added, and decodes what its
// steps returned into result. The error wraps ErrPage where the page is what is wrong.
func (b *Browser) Drive(ctx context.Context, url string, result any) error {
	document, err := b.Document(ctx, url)
	if err != nil {
		return err
	}
	_, rest, found := strings.Cut(document, resultBegins)
	text, _, ended := strings.Cut(rest, resultEnds)
	if !found || !ended {
		return fmt.Errorf("%w: the driver's steps did not end", ErrPage)
	}
	var outcome struct {
		Errors []string        `json:"errors"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &outcome); err != nil {
		return fmt.Errorf("%w: the driver's result cannot be read: %w", ErrPage, err)
	}
	if len(outcome.Errors) > 0 {
		return fmt.Errorf("%w: %s", ErrPage, strings.Join(outcome.Errors, "; "))
	}
	return json.Unmarshal(outcome.Result, result)
}
