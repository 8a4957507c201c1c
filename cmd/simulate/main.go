// Command simulate replays restarts of a Pegasus cluster from seeds, checks the
// specification, and serves a cluster over TCP. This package has flags, printing and exit
// codes; what it runs is in sim, model and server.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/a8011091/pegasus-reference/sim"
)

// Exit codes. Of several, the smallest that applies in this order after usage.
const (
	exitHeld          = 0
	exitInternal      = 1
	exitUsage         = 2
	exitSafety        = 10
	exitLiveness      = 11
	exitLinearizable  = 12
	exitNotConforming = 13
	exitInconclusive  = 20
)

// exitError ends the program with a status of its own; what there was to say has been
// said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// usageError is a command line that cannot be used.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs one command line and returns the exit status.
func execute(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	said := &said{to: stdout}
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(said.writer())
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if said.err != nil && exitCode(err) != exitInternal {
		err = fmt.Errorf("cannot write the result: %w", said.err)
	}
	code := exitCode(err)
	var told *exitError
	if err != nil && !errors.As(err, &told) {
		fmt.Fprintln(stderr, "simulate:", err)
	}
	return code
}

func exitCode(err error) int {
	var exit *exitError
	var usage *usageError
	var scenario *sim.UsageError
	var format *sim.FormatError
	switch {
	case err == nil:
		return exitHeld
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &usage), errors.As(err, &scenario), errors.As(err, &format):
		return exitUsage
	case strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	}
	return exitInternal
}

func newRootCommand() *cobra.Command {
	var out output
	var markdown bool
	root := &cobra.Command{
		Use:   "simulate",
		Short: "The incident, from a seed, and its absence",
		Long: `simulate runs Pegasus clients and servers, ours and models of upstream's, in a
deterministic simulation of a cluster whose every node is restarted.

Without a command it runs the incident table: upstream's client rules against servers
that close (fin), fall silent (hang) or go on negotiating (reference), and ours.

Exit status: 0 every property held (tables: every row as expected), 1 internal error,
2 usage, 10 safety, 11 liveness, 12 linearizability, 13 not conforming, 20 inconclusive.`,
		Version:       sim.Version(),
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.oneForm(cmd); err != nil {
				return err
			}
			return runIncident(cmd, out, markdown)
		},
	}
	root.SetVersionTemplate("simulate {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolVar(&out.json, "json", false, "one JSON object a line on standard output")
	root.Flags().BoolVar(&markdown, "markdown", false, "the incident table as Markdown, as the README has it")
	root.AddCommand(
		newRunCommand(&out), newReplayCommand(&out), newShrinkCommand(&out), newCampaignCommand(&out), newCheckCommand(&out), newAblationCommand(&out), newExploreCommand(&out), newServeCommand(&out), newPingCommand(&out), newListCommand(&out),
		newValidateCommand(&out),
	)
	for _, c := range root.Commands() {
		c.SetFlagErrorFunc(flagError)
	}
	return root
}

// noArguments refuses words after a command that takes none, with a near command.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return &usageError{fmt.Errorf("unknown command %q%s; see simulate --help", args[0], sim.DidYouMean(args[0], commandNames(cmd)))}
	}
	return &usageError{fmt.Errorf("%s takes no argument, got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())}
}

// unknownWord refuses a word of a flag, with a near one and all that there are.
func unknownWord(what, word string, valid []string) error {
	return &usageError{fmt.Errorf("unknown %s %q%s; there are: %s", what, word, sim.DidYouMean(word, valid), strings.Join(valid, ", "))}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// flagError says which flag was meant.
func flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if name, found := strings.CutPrefix(text, "unknown flag: --"); found {
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		text = fmt.Sprintf("unknown flag --%s%s", name, sim.DidYouMean(name, flags))
	}
	return &usageError{fmt.Errorf("%s; see %s --help", text, cmd.CommandPath())}
}
