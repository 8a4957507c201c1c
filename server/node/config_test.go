package node

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/replica"
)

func TestConfigValidate(t *testing.T) {
	for why, change := range map[string]func(*Config){
		"":                                       func(*Config) {},
		"Meta and Replica are both missing":      func(c *Config) { c.Meta, c.Replica = nil, nil },
		"Auth is mandatory but not enabled":      func(c *Config) { c.Auth.Enabled = false },
		"Mechanism is missing":                   func(c *Config) { c.Mechanism = "" },
		"Early is 5, which is no policy":         func(c *Config) { c.Early = earlyCount },
		"EarlyCode is ERR_OK":                    func(c *Config) { c.EarlyCode = protocol.CodeOK },
		"Limits.MaxConns is -1":                  func(c *Config) { c.Limits.MaxConns = -1 },
		"Limits.MaxHalfOpen is -1":               func(c *Config) { c.Limits.MaxHalfOpen = -1 },
		"Limits.NegotiationTimeout is -1":        func(c *Config) { c.Limits.NegotiationTimeout = -1 },
		"Limits.MaxTokenBytes is -1":             func(c *Config) { c.Limits.MaxTokenBytes = -1 },
		"Limits.MaxRounds is -1":                 func(c *Config) { c.Limits.MaxRounds = -1 },
		"Limits.MaxHeldRequests is -1":           func(c *Config) { c.Limits.MaxHeldRequests = -1 },
		"Limits.MaxHeldBytes is -1":              func(c *Config) { c.Limits.MaxHeldBytes = -1 },
		"Limits.Frame.MaxFrameBytes is -1":       func(c *Config) { c.Limits.Frame.MaxFrameBytes = -1 },
		"Limits.Frame.MaxNameBytes is -1":        func(c *Config) { c.Limits.Frame.MaxNameBytes = -1 },
		"Limits.Frame.MaxBufferedBytes is -1":    func(c *Config) { c.Limits.Frame.MaxBufferedBytes = -1 },
		"Limits.MaxBufferedBytes is -1":          func(c *Config) { c.Limits.MaxBufferedBytes = -1 },
		"Limits.MaxOutputBytes is -1":            func(c *Config) { c.Limits.MaxOutputBytes = -1 },
		"Limits.Frame.MaxBufferedBytes is below": func(c *Config) { c.Limits.Frame.MaxBufferedBytes = 1 },
		"Self is missing":                        func(c *Config) { c.Meta = &meta.Config{} },
		"MaxWriteBytes is -1":                    func(c *Config) { c.Replica = &replica.Config{MaxWriteBytes: -1} },
	} {
		cfg := mandatory(EarlyRefuse)
		change(&cfg)
		err := cfg.Validate()
		if why == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, why, why)
	}
	for why, change := range map[string]func(*Config){
		"meta only":    func(c *Config) { c.Replica = nil },
		"replica only": func(c *Config) { c.Meta = nil },
		"open":         func(c *Config) { c.Auth, c.Mechanism = Auth{}, "" },
		"early code":   func(c *Config) { c.EarlyCode = protocol.CodeBusy },
	} {
		cfg := mandatory(EarlyRefuse)
		change(&cfg)
		require.NoError(t, cfg.Validate(), why)
		core := New(cfg)
		require.Equal(t, cfg.Replica != nil, core.Replica() != nil, why)
		require.Equal(t, cfg.Meta != nil, core.Meta() != nil, why)
	}
}

// What is set stays; undecoded bytes may be twice a frame where nothing else is said.
func TestLimitsThatAreSetStay(t *testing.T) {
	set := Limits{
		MaxConns: 1, MaxHalfOpen: 2, NegotiationTimeout: 3, MaxTokenBytes: 4, MaxRounds: 5, MaxHeldRequests: 6, MaxHeldBytes: 7,
		Frame: protocol.Limits{MaxFrameBytes: 8, MaxNameBytes: 9, MaxBufferedBytes: 10}, MaxBufferedBytes: 11, MaxOutputBytes: 12,
	}
	require.Equal(t, set, set.WithDefaults())
	require.Equal(t, 15*time.Second, Limits{}.WithDefaults().NegotiationTimeout)
	require.Equal(t, 200, Limits{Frame: protocol.Limits{MaxFrameBytes: 100}}.WithDefaults().Frame.MaxBufferedBytes)
}

// Every request is of one kind: what is neither a query nor on rows is administration.
func TestKindsOfRequests(t *testing.T) {
	kinds := make(map[Operation]int)
	for rpc := range protocol.RPC(protocol.NumRPC) {
		o := OperationOf(rpc)
		kinds[o]++
		switch name := rpc.String(); {
		case rpc == protocol.RPCQueryConfig:
			require.Equal(t, OperationQuery, o)
		case strings.Contains(name, "RRDB"):
			require.Contains(t, []Operation{OperationRead, OperationWrite}, o, name)
		default:
			require.Equal(t, OperationAdmin, o, name)
		}
	}
	require.Equal(t, 1, kinds[OperationQuery])
	require.Len(t, kinds, NumOperation)
	require.Equal(t, OperationRead, OperationOf(protocol.RPCGet))
	require.Equal(t, OperationWrite, OperationOf(protocol.RPCPut))
}

// Frames beyond a limit, whichever it is, are told from bytes that mean nothing.
func TestCausesOfBrokenFrames(t *testing.T) {
	for err, want := range map[error]Cause{
		protocol.FrameTooLarge: CauseLimit, protocol.FrameNameTooLong: CauseLimit, protocol.FrameOverflow: CauseLimit,
		protocol.FrameBadMagic: CauseProtocol,
	} {
		require.Equal(t, want, causeOf(err), "%v", err)
	}
}
