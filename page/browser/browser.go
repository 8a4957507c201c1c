// Package browser looks at pages in headless Chromium: what a page has become, and what it
// looks like. Tests of pages use it; nothing else does.
package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// ErrNone says that there is no browser.
var ErrNone = errors.New("no Chromium was found: install it with .ci/chromium, or name it in CHROMIUM")

// Browser is a Chromium program.
type Browser struct{ program string }

// Find returns the browser that CHROMIUM names, else the first on the path. The error is
// ErrNone.
func Find() (*Browser, error) {
	if named := os.Getenv("CHROMIUM"); named != "" {
		return &Browser{named}, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return &Browser{program}, nil
		}
	}
	return nil, ErrNone
}

// limit is how long one start of the browser may take, and what the page does then, on a busy
// machine.
const limit = 3 * time.Minute

// patience is the page's own time in milliseconds: it stands still while answers are on
// their way, and runs as fast as it can otherwise.
const patience = 20000

// Document returns the HTML that the page at url has become once nothing is left to do.
func (b *Browser) Document(ctx context.Context, url string) (string, error) {
	return b.run(ctx, url, "--window-size=1400,900", "--dump-dom")
}

// Screenshot writes a PNG of the page at url, in a window of that size in pixels.
func (b *Browser) Screenshot(ctx context.Context, url, file string, width, height int) error {
	_, err := b.run(ctx, url, "--hide-scrollbars", fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot="+file)
	if err != nil {
		return err
	}
	_, err = os.Stat(file)
	return err
}

// Print writes a PDF of the page at url, as it would be on paper.
func (b *Browser) Print(ctx context.Context, url, file string) error {
	_, err := b.run(ctx, url, "--no-pdf-header-footer", "--print-to-pdf="+file)
	if err != nil {
		return err
	}
	_, err = os.Stat(file)
	return err
}

// run starts the browser with a profile of its own. Every name but loopback's is unknown
// to it, so a page that asks the network for something goes without.
func (b *Browser) run(ctx context.Context, url string, arguments ...string) (string, error) {
	profile, err := os.MkdirTemp("", "browser")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(profile) }() // in a directory for what may be lost
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.program, append(append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + profile,
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", fmt.Sprintf("--virtual-time-budget=%d", patience),
	}, arguments...), url)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s with %s: %w: %s", b.program, url, err, lastLines(errs.String()))
	}
	return out.String(), nil
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
