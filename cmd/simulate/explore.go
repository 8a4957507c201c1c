// simulate explore: a specification in a browser, served on loopback or as one file.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/a8011091/pegasus-reference/explore"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/sim"
)

// exploreFlags are what explore takes beside the specification.
type exploreFlags struct {
	listen    string
	out       string
	maxStates int
	noBrowser bool
}

func newExploreCommand(out *output) *cobra.Command {
	var request model.Request
	var sets []string
	var f exploreFlags
	cmd := &cobra.Command{
		Use:   "explore SPEC",
		Short: "Walk through a specification in a browser, or write it to one HTML file",
		Long: `explore shows a specification in a browser: pick an initial state, take steps, see
what is true in each state, what each step changed and the sequence diagram of it all,
and jump to the counterexamples that the checker finds.

It is served on loopback until interrupted. With --out it is one HTML file instead that
needs no network: with every counterexample and the states nearest to the beginning and
to these.`,
		Example: `  simulate explore session --with stale-auth-flag --server hang
  simulate explore session --with stale-auth-flag --server hang --out session.html
  simulate explore two-phase-commit --rms 3 --listen 127.0.0.1:8080 --no-browser`,
		ValidArgs: specNames(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("explore takes one specification (%s), got %d arguments; see simulate explore --help", strings.Join(specNames(), ", "), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Spec = args[0]
			var err error
			if request.Set, err = parseSettings(sets); err != nil {
				return err
			}
			if f.maxStates < 1 {
				return &usageError{fmt.Errorf("--max-states is %d: it must be 1 or more", f.maxStates)}
			}
			if err := f.accept(cmd); err != nil {
				return err
			}
			return runExplore(cmd, out, &f, request)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.Config, "config", "", "named bounds (default: those that show the switches of --with, else the specification's first)")
	flags.StringSliceVar(&sets, "set", nil, "constants, CONSTANT=VALUE,.., as the TLA+ twin names them")
	flags.StringSliceVar(&request.With, "with", nil, "defects to switch on, such as stale-auth-flag")
	flags.StringVar(&request.Server, "server", "", "server: "+strings.Join(sim.ServerNames, ", "))
	flags.StringVar(&request.Auth, "auth", "", "authentication: "+strings.Join(sim.AuthNames, ", "))
	flags.IntVar(&request.RMs, "rms", 0, "two-phase-commit: number of resource managers (default 7)")
	flags.DurationVar(&request.Timeout, "timeout", time.Minute, "look for counterexamples no longer than this; 0: to the end")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address to serve on; port 0: any free one")
	flags.StringVar(&f.out, "out", "", "write this HTML file instead of serving")
	flags.IntVar(&f.maxStates, "max-states", explore.DefaultMaxStates, "states in the file, at most; counterexamples are in it whatever they need")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "do not open a browser (none is opened either where output is not a terminal)")
	return cmd
}

// accept refuses flags of the way that was not chosen.
func (f *exploreFlags) accept(cmd *cobra.Command) error {
	if f.out != "" {
		return unheeded(cmd, "with --out, which serves nothing: leave it out", "listen", "no-browser")
	}
	return unheeded(cmd, "without --out: what is served has every state; leave it out", "max-states")
}

// parseSettings reads what --set was given.
func parseSettings(sets []string) ([]model.Setting, error) {
	var list []model.Setting
	for _, set := range sets {
		name, value, ok := strings.Cut(set, "=")
		if !ok {
			return nil, &usageError{fmt.Errorf("--set takes CONSTANT=VALUE, got %q", set)}
		}
		list = append(list, model.Setting{Name: name, Value: value})
	}
	return list, nil
}

func runExplore(cmd *cobra.Command, out *output, f *exploreFlags, request model.Request) error {
	line := newProgress(cmd)
	if f.out != "" {
		request.Progress = func(p check.Progress) {
			line.show(int64(p.Distinct), -1, fmt.Sprintf("counterexamples: depth %d, %.0f states/s", p.Depth, p.PerSecond()))
		}
	}
	e, err := explore.New(request)
	if err != nil {
		return requestError(err)
	}
	if f.out == "" {
		return serveExplorer(cmd, out, f, e, request.Spec)
	}
	if err := canReplace(f.out); err != nil {
		return cannotWriteExplorer(f.out, err)
	}
	report, err := e.Check(cmd.Context())
	line.done()
	if err != nil {
		return err
	}
	return writeExplorer(cmd, out, f, e, &report)
}

// requestError makes a request that cannot be built the user's mistake, with a near word.
func requestError(err error) error {
	var usage *model.UsageError
	switch {
	case errors.As(err, &usage) && usage.Want == "":
		return unknownWord(usage.What, usage.Word, usage.Valid)
	case usage != nil:
		return &usageError{err}
	}
	if errors.Is(err, check.ErrOptions) {
		return &usageError{err}
	}
	return err
}

// explorerLine is what explore says as JSON.
type explorerLine struct {
	Kind     string `json:"kind"` // "explore"
	Spec     string `json:"spec"`
	URL      string `json:"url,omitempty"`
	File     string `json:"file,omitempty"`
	States   int    `json:"states,omitempty"` // in the file
	Complete bool   `json:"complete"`         // these are all
	Verdict  string `json:"verdict,omitempty"`
}

func writeExplorer(cmd *cobra.Command, out *output, f *exploreFlags, e *explore.Explorer, report *model.Report) error {
	told := explorerLine{Kind: "explore", Spec: report.Spec, File: f.out, Verdict: report.Verdict}
	err := replaceFile(f.out, func(w io.Writer) (err error) {
		told.States, told.Complete, err = e.WriteOffline(cmd.Context(), w, f.maxStates)
		return err
	})
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(cmd.ErrOrStderr(), "simulate: interrupted: %s was not written\n", f.out)
		return exitWith(exitInconclusive)
	case err != nil:
		return cannotWriteExplorer(f.out, err)
	}
	if out.json {
		return object(cmd.OutOrStdout(), told)
	}
	all := "the nearest"
	if told.Complete {
		all = "all"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %d states (%s), %d counterexamples; open it in any browser\n",
		f.out, report.Verdict, told.States, all, len(e.Checked().Counterexamples))
	return nil
}

func cannotWriteExplorer(path string, err error) error {
	return fmt.Errorf("write the explorer to %s: %w; choose another file with --out", path, err)
}

func serveExplorer(cmd *cobra.Command, out *output, f *exploreFlags, e *explore.Explorer, spec string) error {
	listener, err := explore.Listen(f.listen)
	if err != nil {
		return &usageError{fmt.Errorf("cannot listen: %w", err)}
	}
	told := explorerLine{Kind: "explore", Spec: spec, URL: "http://" + listener.Addr().String() + "/"}
	if err := tellExplorer(cmd.OutOrStdout(), out, told); err != nil {
		_ = listener.Close() // what could not be told is what went wrong
		return err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		_, _ = e.Check(ctx) // the page tells what came of it
	}()
	if terminal, ok := cmd.OutOrStdout().(*os.File); ok && !f.noBrowser && !out.json && term.IsTerminal(int(terminal.Fd())) {
		openBrowser(cmd.ErrOrStderr(), told.URL)
	}
	err = e.Serve(ctx, listener)
	stop()
	<-checked
	return err
}

func tellExplorer(w io.Writer, out *output, told explorerLine) error {
	if out.json {
		return object(w, told)
	}
	_, err := fmt.Fprintf(w, "exploring %s at %s - stop with Ctrl-C\n", told.Spec, told.URL)
	return err
}

// openBrowser is a service: where it does not work, the address has been printed.
func openBrowser(stderr io.Writer, url string) {
	program := "xdg-open"
	if runtime.GOOS == "darwin" {
		program = "open"
	}
	browser := exec.Command(program, url)
	if err := browser.Start(); err != nil {
		fmt.Fprintf(stderr, "no browser could be started (%v): open the address yourself\n", err)
		return
	}
	go func() { _ = browser.Wait() }() // how it ends is the user's business
}
