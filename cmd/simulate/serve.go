// simulate serve: a cluster over TCP on this machine, until it is told to stop.

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/sim"
)

// Authentication that serve knows beside the simulator's: none.
const authOff = "off"

// serveFlags are the cluster's configuration.
type serveFlags struct {
	cluster          server.ClusterConfig
	table            string
	partitions       int
	auth, early      string
	principal        string
	secret           string
	pairs            int
	verbose, hpField bool
}

// ready is what serve says once every node listens.
type ready struct {
	Kind      string           `json:"kind"` // "serve"
	Version   string           `json:"version"`
	PID       int              `json:"pid"`
	Metas     []netip.AddrPort `json:"metas"`
	Replicas  []netip.AddrPort `json:"replicas"`
	Table     string           `json:"table"`
	Auth      string           `json:"auth"`
	Mechanism string           `json:"mechanism"` // empty without authentication
	Early     string           `json:"early_request"`
	Storage   string           `json:"storage"` // "memory"
}

func newServeCommand(out *output) *cobra.Command {
	var f serveFlags
	auths := append([]string{authOff}, sim.AuthNames...)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a cluster over TCP until interrupted",
		Long: `serve runs meta and replica servers in one process and says so once all of them
listen. Rows are kept IN MEMORY: they are gone when the process ends. Authentication is
the test mechanism with a shared secret: for development, never for data that matters.`,
		Example: `  simulate serve
  simulate serve --auth mandatory --metas 1 --replicas 1 --meta-port 0 --replica-port 0 --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, out, &f) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.cluster.Metas, "metas", 2, "meta servers")
	flags.IntVar(&f.cluster.Replicas, "replicas", 3, "replica servers")
	flags.StringVar(&f.cluster.Host, "host", "127.0.0.1", "address that every server listens on")
	flags.Uint16Var(&f.cluster.MetaPort, "meta-port", 34601, "first of the metas' ports; 0: any free ones")
	flags.Uint16Var(&f.cluster.ReplicaPort, "replica-port", 34801, "first of the replicas' ports; 0: any free ones")
	flags.StringVar(&f.table, "table", "temp", "name of the one table")
	flags.IntVar(&f.partitions, "partitions", 8, "its partitions, a power of two")
	flags.BoolVar(&f.hpField, "hp-fields", true, "write the hp_ fields of partitions, which the Java client 2.5.0 cannot read")
	f.auth, f.early = authOff, sim.EarlyRefuse
	word(cmd, &f.auth, "auth", "authentication", auths)
	word(cmd, &f.early, "early-request", "what happens to a request that comes before its negotiation", sim.EarlyNames)
	flags.StringVar(&f.principal, "test-principal", "client", "test mechanism: the principal that clients have")
	flags.StringVar(&f.secret, "test-secret", "development", "test mechanism: the secret that clients share")
	flags.IntVar(&f.pairs, "pairs", 4, "test mechanism: request/response pairs of a negotiation, 4 or 5")
	flags.BoolVar(&f.verbose, "verbose", false, "log connections and negotiations to standard error")
	return cmd
}

// config turns flags into a cluster's configuration; errors are the user's.
func (f *serveFlags) config(stderr io.Writer) (server.ClusterConfig, error) {
	cfg := f.cluster
	cfg.Tables = []server.TableConfig{{Name: f.table, Partitions: f.partitions}}
	cfg.HPFields = f.hpField
	var err error
	if cfg.Early, err = node.ParseEarlyRequest(f.early); err != nil {
		return cfg, &usageError{fmt.Errorf("%w%s", err, sim.DidYouMean(f.early, sim.EarlyNames))}
	}
	switch f.auth {
	case authOff:
	case sim.AuthOptional, sim.AuthMandatory:
		if f.pairs != 4 && f.pairs != 5 {
			return cfg, &usageError{fmt.Errorf("--pairs is %d: it must be 4 or 5", f.pairs)}
		}
		if f.secret == "" {
			return cfg, &usageError{errors.New("--test-secret is empty: authentication needs a secret")}
		}
		cfg.Auth = server.Auth{Enabled: true, Mandatory: f.auth == sim.AuthMandatory}
		cfg.Mechanism = sasl.NewTest(sasl.TestConfig{Principal: f.principal, Secret: []byte(f.secret), Pairs: f.pairs})
	default:
		valid := append([]string{authOff}, sim.AuthNames...)
		return cfg, &usageError{fmt.Errorf("unknown auth %q%s; there are: %s", f.auth, sim.DidYouMean(f.auth, valid), strings.Join(valid, ", "))}
	}
	if f.verbose {
		cfg.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return cfg, nil
}

func serve(cmd *cobra.Command, out *output, f *serveFlags) error {
	cfg, err := f.config(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	cluster, err := server.StartCluster(cfg)
	if err != nil {
		return serveError(err)
	}
	if err := tellReady(cmd.OutOrStdout(), out, f, cluster, cfg); err != nil {
		_ = cluster.Close() // what could not be told is what went wrong
		return err
	}
	<-cmd.Context().Done()
	return cluster.Close()
}

func tellReady(w io.Writer, out *output, f *serveFlags, cluster *server.Cluster, cfg server.ClusterConfig) error {
	told := ready{
		Kind: "serve", Version: sim.Version(), PID: os.Getpid(), Metas: cluster.Metas(), Replicas: cluster.Replicas(),
		Table: f.table, Auth: f.auth, Early: f.early, Storage: "memory",
	}
	if cfg.Mechanism != nil {
		told.Mechanism = cfg.Mechanism.Name()
	}
	if out.json {
		return object(w, told)
	}
	_, err := fmt.Fprintf(w, `ready: table %q, authentication %s, early requests %s
  metas     %v
  replicas  %v
Storage is in memory: every row is gone when this process ends. Stop with Ctrl-C.
`, told.Table, told.Auth, told.Early, told.Metas, told.Replicas)
	return err
}

// serveError tells a configuration that cannot work from a machine that does not let it.
func serveError(err error) error {
	var config *server.ConfigError
	if errors.As(err, &config) {
		return &usageError{err}
	}
	return err
}
