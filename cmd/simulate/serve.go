// simulate serve: a cluster over TCP on this machine, until it is told to stop.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/kerberos/realm"
	"github.com/a8011091/pegasus-reference/metrics"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/sim"
)

// serveFlags are the cluster's configuration.
type serveFlags struct {
	cluster          server.ClusterConfig
	table            string
	partitions       int
	node             string // the one node of this process; empty: all of them
	early, earlyCode string
	auth             serveAuth
	kdc              string
	metrics          string // address of the numbers; empty: none
	verbose, hpField bool
}

// ready is what serve says once every node of its process listens.
type ready struct {
	Kind      string           `json:"kind"` // "serve"
	Version   string           `json:"version"`
	PID       int              `json:"pid"`
	Node      string           `json:"node,omitempty"` // the one node of this process
	Metas     []netip.AddrPort `json:"metas"`
	Replicas  []netip.AddrPort `json:"replicas"`
	Table     string           `json:"table"`
	Auth      string           `json:"auth"`
	Mechanism string           `json:"mechanism"` // empty without authentication
	Early     string           `json:"early_request"`
	EarlyCode string           `json:"early_code"`
	Storage   string           `json:"storage"`           // "memory"
	Metrics   string           `json:"metrics,omitempty"` // address, path /metrics

	Development *development `json:"development,omitempty"` // with --kdc embedded-dev
}

func newServeCommand(out *output) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a cluster over TCP until interrupted",
		Long: `serve runs meta and replica servers in one process, or with --node one of them, and
says so once they listen. Rows are kept IN MEMORY: they are gone when the process ends.

Authentication: off; mandatory or optional, with a test mechanism and a shared secret, for
development only; kerberos, mandatory, or kerberos-optional, with the keys of a keytab.`,
		Example: `  simulate serve
  simulate serve --auth mandatory --metas 1 --replicas 1 --meta-port 0 --replica-port 0 --json
  simulate serve --kdc embedded-dev
  simulate serve --auth kerberos --keytab pegasus.keytab --service pegasus --server-name node1.example.com
  simulate serve --auth kerberos --keytab pegasus.keytab --node meta1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, out, &f) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.cluster.Metas, "metas", 2, "meta servers")
	flags.IntVar(&f.cluster.Replicas, "replicas", 3, "replica servers")
	flags.StringVar(&f.cluster.Host, "host", "127.0.0.1", "address that every server listens on")
	flags.Uint16Var(&f.cluster.MetaPort, "meta-port", 34601, "first of the metas' ports; 0: any free ones")
	flags.Uint16Var(&f.cluster.ReplicaPort, "replica-port", 34801, "first of the replicas' ports; 0: any free ones")
	flags.StringVar(&f.node, "node", "", "run only this node of the cluster, meta1 .. or replica1 ..; the others have the same flags in processes of their own")
	flags.StringVar(&f.table, "table", "temp", "name of the one table")
	flags.IntVar(&f.partitions, "partitions", 8, "partitions of the table, a power of two")
	flags.BoolVar(&f.hpField, "hp-fields", true, "write the hp_ fields of partitions, which the Java client 2.5.0 cannot read")
	f.early = sim.EarlyRefuse
	word(cmd, &f.early, "early-request", "what happens to a request that comes before its negotiation", sim.EarlyNames)
	flags.StringVar(&f.earlyCode, "early-code", protocol.CodeSessionReset.String(), "the error with which such a request is refused")
	f.auth.register(cmd)
	f.kdc = kdcNone
	word(cmd, &f.kdc, "kdc", "Kerberos without a keytab, FOR DEVELOPMENT ONLY: a realm of its own (MIT's KDC where it is installed, else minted tickets)", kdcNames)
	flags.StringVar(&f.metrics, "metrics", "", "host:port for Prometheus to fetch numbers from, path /metrics; it has no authentication")
	flags.BoolVar(&f.verbose, "verbose", false, "log connections and negotiations to standard error")
	return cmd
}

// config turns flags into a cluster's configuration, but for its mechanism and whom it lets
// in, and finds what cannot work before anything is opened; errors are the user's.
func (f *serveFlags) config(stderr io.Writer) (server.ClusterConfig, error) {
	cfg := f.cluster
	cfg.Tables = []server.TableConfig{{Name: f.table, Partitions: f.partitions}}
	cfg.HPFields = f.hpField
	var err error
	if cfg.Early, err = node.ParseEarlyRequest(f.early); err != nil {
		return cfg, &usageError{fmt.Errorf("%w%s", err, sim.DidYouMean(f.early, sim.EarlyNames))}
	}
	if cfg.EarlyCode = protocol.ErrorCodeByName(f.earlyCode); !cfg.EarlyCode.IsError() {
		return cfg, &usageError{fmt.Errorf("--early-code is %q: it must be the name of an error, such as %v", f.earlyCode, protocol.CodeSessionReset)}
	}
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	cfg.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	cfg.Limits.NegotiationTimeout, cfg.ClientNegotiationTimeout = f.auth.deadline, f.auth.clientDeadline
	if f.metrics != "" {
		if _, err := net.ResolveTCPAddr("tcp", f.metrics); err != nil {
			return cfg, &usageError{fmt.Errorf("--metrics is %q: %w; it must be host:port", f.metrics, err)}
		}
	}
	if err := f.auth.check(); err != nil {
		return cfg, err
	}
	if err := cfg.Validate(); err != nil {
		return cfg, &usageError{err}
	}
	return cfg, nil
}

// nodes are the servers of this process and where all of the cluster's are.
type nodes struct {
	io.Closer
	ended    <-chan struct{} // closed when a server of its own process has ended; nil for a cluster
	topology *server.Topology
	numbers  func() []metrics.Node
}

// start runs the whole cluster, or one node of it.
func (f *serveFlags) start(ctx context.Context, cfg server.ClusterConfig) (nodes, error) {
	if f.node == "" {
		cluster, err := server.StartCluster(cfg)
		if err != nil {
			return nodes{}, err
		}
		return nodes{Closer: cluster, topology: cluster.Topology(), numbers: metrics.OfCluster(cluster)}, nil
	}
	topology, err := cfg.Topology()
	if err != nil {
		return nodes{}, err
	}
	one, err := server.StartNode(ctx, cfg, f.node)
	if err != nil {
		return nodes{}, err
	}
	return nodes{Closer: one, ended: one.Done(), topology: topology, numbers: metrics.OfServer(f.node, one)}, nil
}

// accept refuses flags of a mechanism that the servers do not have, and of early requests
// where no negotiation has to come first.
func (f *serveFlags) accept(cmd *cobra.Command) error {
	auth := f.auth.auth
	if f.kdc == kdcEmbeddedDev && auth == authOff {
		auth = authKerberos
	}
	if err := unheededMechanism(cmd, auth, []string{"test-principal", "test-secret", "pairs"}, []string{"keytab", "service", "server-name", "clock-skew", "replay-limit"}); err != nil {
		return err
	}
	if auth == sim.AuthMandatory || auth == authKerberos {
		return unheededCode(cmd, f.early)
	}
	return unheeded(cmd, "with --auth "+auth+", where no request is early: say --auth "+sim.AuthMandatory+", or leave it out", "early-request", "early-code")
}

func serve(cmd *cobra.Command, out *output, f *serveFlags) error {
	if err := f.accept(cmd); err != nil {
		return err
	}
	cfg, err := f.config(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	development, err := f.embed(cmd.Context())
	if err != nil {
		return err
	}
	err = serveIn(cmd, out, f, cfg, development)
	if development != nil {
		err = errors.Join(err, development.Close())
	}
	return err
}

// serveIn serves until it is told to stop; development may be nil.
func serveIn(cmd *cobra.Command, out *output, f *serveFlags, cfg server.ClusterConfig, development *realm.Realm) error {
	if err := f.auth.apply(&cfg); err != nil {
		return err
	}
	running, err := f.start(cmd.Context(), cfg)
	if err != nil {
		return serveError(err)
	}
	if err := f.measure(cmd.Context(), &running); err != nil {
		return errors.Join(err, running.Close())
	}
	if err := tellReady(cmd.OutOrStdout(), out, f, running.topology, cfg, development); err != nil {
		_ = running.Close() // what could not be told is what went wrong
		return err
	}
	select {
	case <-cmd.Context().Done():
	case <-running.ended:
	}
	return running.Close()
}

// measure offers the numbers of what is running, where that is wanted.
func (f *serveFlags) measure(ctx context.Context, running *nodes) error {
	if f.metrics == "" {
		return nil
	}
	sources := metrics.ServerSources{Nodes: running.numbers, Keytab: f.auth.keys, Replays: f.auth.cache}
	endpoint, err := metrics.Listen(ctx, f.metrics, metrics.NewServer(sources), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err != nil {
		return err
	}
	f.metrics = endpoint.Addr().String()
	running.Closer = both{endpoint, running.Closer}
	return nil
}

// both closes the first, then the second.
type both struct{ first, second io.Closer }

func (b both) Close() error { return errors.Join(b.first.Close(), b.second.Close()) }

func tellReady(w io.Writer, out *output, f *serveFlags, topology *server.Topology, cfg server.ClusterConfig, development *realm.Realm) error {
	told := ready{
		Kind: "serve", Version: sim.Version(), PID: os.Getpid(), Node: f.node, Metas: topology.Metas, Replicas: topology.Replicas,
		Table: f.table, Auth: f.auth.auth, Early: f.early, EarlyCode: f.earlyCode, Storage: "memory",
		Metrics: f.metrics, Development: f.tellRealm(development, topology.Metas),
	}
	if cfg.Mechanism != nil {
		told.Mechanism = cfg.Mechanism.Name()
	}
	if out.json {
		return object(w, told)
	}
	what := "all nodes"
	if f.node != "" {
		what = f.node
	}
	_, err := fmt.Fprintf(w, `ready: %s, table %q, authentication %s, early requests %s
  metas     %v
  replicas  %v
%s%sStorage is in memory: every row is gone when this process ends. Stop with Ctrl-C.
`, what, told.Table, told.Auth, told.Early, told.Metas, told.Replicas, told.numbersLine(), told.Development.lines())
	return err
}

func (r *ready) numbersLine() string {
	if r.Metrics == "" {
		return ""
	}
	return "  metrics   http://" + r.Metrics + "/metrics\n"
}

// serveError tells a configuration that cannot work from a machine that does not let it.
func serveError(err error) error {
	var config *server.ConfigError
	if errors.As(err, &config) || errors.Is(err, server.ErrNoNode) {
		return &usageError{err}
	}
	return err
}
