// The progress line: on a terminal, for work that takes more than two seconds.

package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressDelay is how long work goes on before a line appears.
const progressDelay = 2 * time.Second

// progress draws a line on a terminal; on anything else it draws nothing.
type progress struct {
	w       io.Writer
	started time.Time
	bar     *progressbar.ProgressBar
	off     bool
}

func newProgress(w io.Writer) *progress {
	file, isFile := w.(*os.File)
	return &progress{w: w, started: time.Now(), off: !isFile || !term.IsTerminal(int(file.Fd()))}
}

// show says that done of total is over; total below 1 is unknown.
func (p *progress) show(done, total int64, what string) {
	if p.off || time.Since(p.started) < progressDelay {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(max(total, -1),
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		)
	}
	p.bar.Describe(what)
	_ = p.bar.Set64(done) // a terminal that cannot be written to is no reason to stop
}

// done takes the line away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
