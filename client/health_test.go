// What a client says of itself when something keeps it from working, and to whom.

package client

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// refusedTickets are credentials that have no ticket and know why. stops counts how often
// Observe's stop was called.
type refusedTickets struct {
	mu      sync.Mutex
	observe func(ticket.Change)
	stops   int
}

var errRevoked = errors.New("the KDC says that the principal was revoked")

func (r *refusedTickets) Await(context.Context, string) error { return errRevoked }
func (r *refusedTickets) Negotiated(string, bool)             {}

func (r *refusedTickets) Observe(f func(ticket.Change)) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.observe = f
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stops++
	}
}

func (r *refusedTickets) Health() ticket.Health {
	return ticket.Health{Principal: "user@REALM", Tickets: []ticket.Status{{View: ticket.View{State: ticket.StateRefused}, Err: errRevoked}}}
}

// garbled is a mechanism whose tokens no server accepts.
type garbled struct{ sasl.Mechanism }

func (m garbled) Client(cfg sasl.ClientConfig) (sasl.Session, error) {
	s, err := m.Mechanism.Client(cfg)
	return garbledEnd{s}, err
}

type garbledEnd struct{ sasl.Session }

func (garbledEnd) Step(time.Time, []byte) ([]byte, bool, error) { return []byte("garbled"), false, nil }

// A client that cannot be opened says how far it got, and the causes do not read alike.
func TestOpenSaysWhatKeptItOut(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*testCluster, *Config)
		reason session.Reason
		want   []string
	}{
		"no server": {
			func(c *testCluster, _ *Config) { c.stop() }, session.ReasonRefused,
			[]string{"no server could be reached", "meta server 10.0.0.1:34601", "the last connection: refused"},
		},
		"a server that refuses the token": {
			func(_ *testCluster, cfg *Config) { cfg.Mechanism = garbled{testMechanism} }, session.ReasonFIN,
			[]string{"negotiations failed: the server's log says why", "the last connection: fin"},
		},
		"a mechanism without a key": {
			func(_ *testCluster, cfg *Config) { cfg.Mechanism = failingMechanism{testMechanism} }, session.ReasonNegotiationFailed,
			[]string{"negotiations failed", "the last connection: negotiation-failed"},
		},
		"no ticket": {
			func(_ *testCluster, cfg *Config) { cfg.Credentials = &refusedTickets{} }, session.ReasonNegotiationFailed,
			[]string{"there is no ticket", "the principal was revoked"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := startCluster(t)
				defer cluster.stop()
				cfg := cluster.config()
				cfg.OpenTimeout = 3 * time.Second
				test.change(cluster, &cfg)
				_, err := Open(t.Context(), cfg)
				var open *OpenError
				require.ErrorAs(t, err, &open)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "temp", e.Table)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				for _, part := range test.want {
					require.ErrorContains(t, err, part)
				}
				require.NotEmpty(t, open.Health.Sessions)
				require.Equal(t, test.reason, open.Health.Sessions[0].Reason)
				require.False(t, open.Health.Closed, "looked at before closing")
			})
		})
	}
}

// What a server has decided needs no look at sessions.
func TestOpenWithoutTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		defer cluster.stop()
		cfg := cluster.config()
		cfg.Tables = []string{"nosuch"}
		_, err := Open(t.Context(), cfg)
		require.ErrorIs(t, err, ErrTableNotFound)
		var open *OpenError
		require.NotErrorAs(t, err, &open)
	})
}

func TestHintOfADowngrade(t *testing.T) {
	h := Health{Sessions: []SessionHealth{{Reason: session.ReasonDowngrade, Stats: session.Stats{Dials: 1, NegotiationsFailed: 1}}}}
	require.Contains(t, h.Hint(), "no authentication")
	h = Health{Sessions: []SessionHealth{{State: StateReady, Reason: session.ReasonDowngrade, Stats: session.Stats{Dials: 2, Connections: 1}}}}
	require.Empty(t, h.Hint(), "that is over")
}

// A client that is opened on refused tickets hears of it at once, and of every change from
// then on; its observation ends with its first Close, and once.
func TestCredentialsAreToldFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		defer cluster.stop()
		credentials := &refusedTickets{}
		var mu sync.Mutex
		var states []ticket.State
		cfg := cluster.config()
		cfg.Tables, cfg.Credentials = nil, credentials
		cfg.OnCredential = func(c CredentialChange) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, c.State)
			if len(states) == 1 {
				require.ErrorIs(t, c.Err, errRevoked)
			}
		}
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		credentials.observe(ticket.Change{State: ticket.StateValid})
		require.Equal(t, []ticket.State{ticket.StateRefused, ticket.StateValid}, states)
		for range 3 {
			require.NoError(t, c.Close())
		}
		require.Equal(t, 1, credentials.stops)
	})
}

// What changes while a client is told how things are is told after that.
func TestChangesWhileOpeningAreToldInOrder(t *testing.T) {
	var told []ticket.State
	o := &observer{}
	o.tell = func(c CredentialChange) {
		if told = append(told, c.State); len(told) < 3 {
			o.changed(CredentialChange{State: ticket.StateFetching})
		}
	}
	o.begin(CredentialHealth{Tickets: []ticket.Status{{View: ticket.View{State: ticket.StateRefused}}}})
	o.changed(CredentialChange{State: ticket.StateValid})
	require.Equal(t, []ticket.State{ticket.StateRefused, ticket.StateFetching, ticket.StateFetching, ticket.StateValid}, told)
}

// An OnCredential that panics when it is told how things are costs nobody the client.
func TestOnCredentialPanicsAtOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := startCluster(t)
		defer cluster.stop()
		cfg := cluster.config()
		cfg.Tables, cfg.Credentials = nil, &refusedTickets{}
		cfg.OnCredential = func(CredentialChange) { panic("private") }
		c, err := Open(t.Context(), cfg)
		require.NoError(t, err)
		require.EqualValues(t, 1, c.Health().InternalErrors)
		require.NoError(t, c.Close())
	})
}
