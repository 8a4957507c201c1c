// The progress line: on a terminal, for work that takes more than two seconds; elsewhere, such
// as in the log of a build, a line now and then.

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const (
	progressDelay = 2 * time.Second  // how long work goes on before a line appears on a terminal
	tellEvery     = 30 * time.Second // how often a line is written to what is none
)

// progress draws a line on a terminal, and writes lines to anything else.
type progress struct {
	w       io.Writer
	name    string // of the command
	now     func() time.Time
	started time.Time
	told    time.Time // when the latest line was written
	bar     *progressbar.ProgressBar
	plain   bool
}

func newProgress(cmd *cobra.Command) *progress {
	w := cmd.ErrOrStderr()
	file, isFile := w.(*os.File)
	p := &progress{w: w, name: cmd.Name(), now: time.Now, plain: !isFile || !term.IsTerminal(int(file.Fd()))}
	p.started = p.now()
	p.told = p.started
	return p
}

// show says that done of total is over; total below 1 is unknown.
func (p *progress) show(done, total int64, what string) {
	switch {
	case p.plain:
		p.tell(done, total, what)
		return
	case p.now().Sub(p.started) < progressDelay:
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

// tell writes a line if the latest one is long ago.
func (p *progress) tell(done, total int64, what string) {
	if p.now().Sub(p.told) < tellEvery {
		return
	}
	p.told = p.now()
	how := fmt.Sprintf("%d so far", done)
	if total > 0 {
		how = fmt.Sprintf("%.0f %%", 100*float64(done)/float64(total))
	}
	_, _ = fmt.Fprintf(p.w, "%s: %s, %s\n", p.name, how, what) // nor is a log
}

// done takes the line away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
