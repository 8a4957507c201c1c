// simulate ping: does a cluster serve, and whom.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/client/probe"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sim"
)

// pingFlags are a client's configuration.
type pingFlags struct {
	probe             probe.Config
	auth              string
	principal, secret string
	kerberos          kerberos.ClientConfig
	host              string
	withoutMutual     bool
	verbose           bool

	credentials *kerberos.Credentials // opened by config, with Kerberos
}

// pinged is what ping says.
type pinged struct {
	Kind    string `json:"kind"` // "ping"
	Version string `json:"version"`
	Auth    string `json:"auth"`
	probe.Report
}

func newPingCommand(out *output) *cobra.Command {
	f := pingFlags{auth: authOff}
	cmd := &cobra.Command{
		Use:   "ping",
		Short: "Write, read and remove one row of a cluster, and show the sessions",
		Long: `ping is a client for a moment: it finds the leader, opens a table, and writes, reads and
removes one row of its own (hash key "` + probe.HashKey + `"), which expires in any case.
Exit status: 0 everything succeeded, 1 something did not, 2 usage.`,
		Example: `  simulate ping --metas 127.0.0.1:34601,127.0.0.1:34602
  simulate ping --metas node1:34601 --auth kerberos --ccache /tmp/krb5cc_1000
  simulate ping --metas node1:34601 --auth kerberos --keytab alice.keytab --principal alice@EXAMPLE.ORG
  simulate ping --metas node1:34601 --count 60 --interval 1s --read-only --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return ping(cmd, out, &f) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.probe.Client.Metas, "metas", []string{"127.0.0.1:34601"}, "meta servers, host:port")
	flags.StringVar(&f.probe.Table, "table", "temp", "the table")
	flags.IntVar(&f.probe.Rounds, "count", 1, "rounds")
	flags.DurationVar(&f.probe.Interval, "interval", time.Second, "time between rounds")
	flags.BoolVar(&f.probe.ReadOnly, "read-only", false, "write nothing: read a row that is not there")
	flags.DurationVar(&f.probe.Client.OpenTimeout, "open-timeout", 10*time.Second, "deadline of opening the table")
	flags.DurationVar(&f.probe.Client.OperationTimeout, "timeout", time.Second, "deadline of each operation")
	word(cmd, &f.auth, "auth", "authentication", serveAuthNames())
	flags.StringVar(&f.principal, "test-principal", "client", "test mechanism: who this is")
	flags.StringVar(&f.secret, "test-secret", "development", "test mechanism: the shared secret")
	flags.StringVar(&f.kerberos.Cache, "ccache", "", "Kerberos: credential cache file, as kinit leaves it; default: $KRB5CCNAME, else /tmp/krb5cc_UID")
	flags.StringVar(&f.kerberos.Keytab, "keytab", "", "Kerberos: file with the key of --principal, instead of a cache")
	flags.StringVar(&f.kerberos.Principal, "principal", "", "Kerberos: who this is, name@REALM; with --keytab")
	flags.StringSliceVar(&f.kerberos.KDCs, "kdc", nil, "Kerberos: KDCs, host or host:port; default: those of krb5.conf ($KRB5_CONFIG)")
	flags.StringVar(&f.kerberos.Service, "service", kerberos.DefaultService, "Kerberos: first component of the servers' principal")
	flags.StringVar(&f.host, "server-name", "", "Kerberos: second component, where it is the same for all; default: each server's name in --metas, or its address")
	flags.BoolVar(&f.withoutMutual, "without-mutual", false, "Kerberos: be content with servers that prove nothing")
	flags.BoolVar(&f.verbose, "verbose", false, "log sessions and negotiations to standard error")
	return cmd
}

// config turns flags into a probe; errors are the user's.
func (f *pingFlags) config(stderr io.Writer) (probe.Config, error) {
	cfg := f.probe
	if cfg.Rounds < 1 {
		return cfg, &usageError{fmt.Errorf("--count is %d: it must be positive", cfg.Rounds)}
	}
	if f.verbose {
		cfg.Client.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if f.host != "" {
		cfg.Client.ServerName = func(netip.AddrPort) string { return f.host }
	}
	switch f.auth {
	case authOff:
		cfg.Client.Auth = client.AuthOff
	case sim.AuthOptional, sim.AuthMandatory:
		if f.secret == "" {
			return cfg, &usageError{errors.New("--test-secret is empty: authentication needs a secret")}
		}
		cfg.Client.AllowTestMechanism = true
		cfg.Client.Mechanism = sasl.NewTest(sasl.TestConfig{Principal: f.principal, Secret: []byte(f.secret)})
	case authKerberos, authKerberosOptional:
		f.kerberos.Logger = cfg.Client.Logger
		var err error
		if f.credentials, err = kerberos.OpenCredentials(f.kerberos); err != nil {
			return cfg, &usageError{err}
		}
		cfg.Client.Credentials = f.credentials
		cfg.Client.Mechanism = gssapi.New(gssapi.Config{Service: f.kerberos.Service, Credentials: f.credentials, WithoutMutual: f.withoutMutual})
	default:
		return cfg, unknownWord("auth", f.auth, serveAuthNames())
	}
	if f.auth == sim.AuthOptional || f.auth == authKerberosOptional {
		cfg.Client.Auth = client.AuthPreferred
	}
	return cfg, nil
}

// awaitTickets waits for the tickets that are known to be needed, so that what is wrong with
// Kerberos is told as such and not as a server that does not answer.
func (f *pingFlags) awaitTickets(ctx context.Context) error {
	if f.credentials == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, f.probe.Client.OpenTimeout)
	defer cancel()
	hosts := []string{f.host}
	if f.host == "" {
		hosts = nil
		for _, meta := range f.probe.Client.Metas {
			if host, _, err := net.SplitHostPort(meta); err == nil { // the client says what is wrong with the others
				hosts = append(hosts, host)
			}
		}
	}
	for _, host := range hosts {
		if err := f.credentials.Await(ctx, host); err != nil {
			return fmt.Errorf("ticket of %s for %s/%s: %w", f.credentials.Principal(), f.kerberos.Service, host, err)
		}
	}
	return nil
}

func ping(cmd *cobra.Command, out *output, f *pingFlags) (err error) {
	if err := unheededMechanism(cmd, f.auth, []string{"test-principal", "test-secret"}, []string{"ccache", "keytab", "principal", "kdc", "service", "server-name", "without-mutual"}); err != nil {
		return err
	}
	cfg, err := f.config(cmd.ErrOrStderr())
	if f.credentials != nil {
		defer func() { err = errors.Join(err, f.credentials.Close()) }()
	}
	if err != nil {
		return err
	}
	if err := f.awaitTickets(cmd.Context()); err != nil {
		report := probe.Report{Table: cfg.Table, Hint: "there was no ticket, and no server was asked"}
		return errors.Join(f.tell(cmd, out, &report), fmt.Errorf("ping: %w", err))
	}
	if cfg.Rounds > 1 {
		cfg.Round = func(n int, operations []probe.Operation) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d:%s\n", n, operationsLine(operations))
		}
	}
	report, err := probe.Run(cmd.Context(), cfg)
	var bad *client.ConfigError
	if errors.As(err, &bad) {
		return &usageError{err}
	}
	return errors.Join(f.tell(cmd, out, &report), err)
}

// tell prints a report.
func (f *pingFlags) tell(cmd *cobra.Command, out *output, r *probe.Report) error {
	if out.json {
		return object(cmd.OutOrStdout(), pinged{Kind: "ping", Version: sim.Version(), Auth: f.auth, Report: *r})
	}
	tellPing(cmd.OutOrStdout(), r)
	return nil
}

func operationsLine(operations []probe.Operation) string {
	line := ""
	for _, o := range operations {
		line += fmt.Sprintf(" %s %s in %v,", o.Name, o.Outcome, o.Took.Round(time.Microsecond))
	}
	return strings.TrimSuffix(line, ",")
}

// tellPing prints a report for people.
func tellPing(w io.Writer, r *probe.Report) {
	verdict := "ok"
	if !r.OK {
		verdict = "FAILED"
	}
	leader := r.Leader
	if leader == "" {
		leader = "unknown"
	}
	fmt.Fprintf(w, "%s  table %q, leader %s\n", verdict, r.Table, leader)
	for _, o := range r.Operations {
		fmt.Fprintf(w, "  %-8s %-8s %10v  %s\n", o.Name, o.Outcome, o.Took.Round(time.Microsecond), o.Error)
	}
	for _, s := range r.Sessions {
		fmt.Fprintf(w, "  session  %s %s: %s; dialed %d, ready %d, negotiations failed %d", s.Role, s.Address, s.State, s.Dials, s.Ready, s.NegotiationsFailed)
		if s.LastReason != "" {
			fmt.Fprintf(w, ", the last connection: %s", s.LastReason)
		}
		fmt.Fprintln(w)
	}
	if r.Hint != "" {
		fmt.Fprintf(w, "  %s\n", r.Hint)
	}
}
