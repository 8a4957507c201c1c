package metrics

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

func aHealth(now time.Time) client.Health {
	view := func(name ticket.Name, state ticket.State, handle ticket.Handle, until time.Duration) ticket.Status {
		return ticket.Status{View: ticket.View{Name: name, State: state, Handle: handle, Until: now.Add(until)}}
	}
	return client.Health{
		Ready: true, Outstanding: 3, InternalErrors: 2,
		Sessions: []client.SessionHealth{
			{State: client.StateReady, Stats: session.Stats{Dials: 2, Connections: 1, NegotiationsFailed: 1, Unknown: 4, LateReplies: 5}},
			{State: client.StateBackoff, Stats: session.Stats{Dials: 7}},
		},
		Credentials: &ticket.Health{
			Waiting: 6, Stats: ticket.Stats{Fetches: 10, Unreachable: 2, Refused: 3, Internal: 9, Expired: 1, Unserved: 8},
			Tickets: []ticket.Status{
				view(ticket.Name{}, ticket.StateExpiring, 1, time.Minute),
				view(ticket.Name{Service: "pegasus", Host: "a"}, ticket.StateValid, 2, time.Hour),
				view(ticket.Name{Service: "pegasus", Host: "b"}, ticket.StateValid, 3, 2*time.Hour),
				view(ticket.Name{Service: "pegasus", Host: "c"}, ticket.StateExpired, 0, 0),
			},
		},
	}
}

func TestClientNumbers(t *testing.T) {
	now := time.Now()
	collector := NewClient(ClientSources{Client: func() client.Health { return aHealth(now) }, Now: func() time.Time { return now }})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	families, err := registry.Gather()
	require.NoError(t, err)
	got := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "pegasus_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"client_sessions ready": 1, "client_sessions backoff": 1, "client_sessions dialing": 0, "client_ready": 1, "client_calls_outstanding": 3,
		"client_dials_total": 9, "client_connections_total": 1, "client_negotiations_failed_total": 1, "client_internal_errors_total": 2,
		"client_requests_unknown_total": 4, "client_late_replies_total": 5,
		"credential_tickets krbtgt expiring": 1, "credential_tickets service valid": 2, "credential_tickets service expired": 1,
		"credential_tickets service kdc-unreachable": 0, "credential_seconds_left krbtgt": 60, "credential_seconds_left service": 3600,
		"credential_sessions_waiting": 6, "credential_fetches_total": 10, "credential_fetches_failed_total kdc-unreachable": 2,
		"credential_fetches_failed_total refused": 3, "credential_tickets_expired_total": 1, "credential_internal_errors_total": 9, "credential_sessions_unserved_total": 8,
	} {
		value, there := got[name]
		require.True(t, there, "%s is missing from %v", name, got)
		require.InDelta(t, want, value, 0, name)
	}
}

func TestClientNamesAndHelpsAreAsPrometheusWantsThem(t *testing.T) {
	problems, err := testutil.CollectAndLint(NewClient(ClientSources{Client: func() client.Health { return aHealth(time.Now()) }}))
	require.NoError(t, err)
	require.Empty(t, problems)
}

// Credentials on their own, and every metric that the page for operators names.
func TestDocumentedClientMetrics(t *testing.T) {
	now := time.Now()
	alone := NewClient(ClientSources{Credentials: func() ticket.Health { return *aHealth(now).Credentials }})
	require.Equal(t, 2, testutil.CollectAndCount(alone, credentialPrefix+"seconds_left"))
	require.Zero(t, testutil.CollectAndCount(alone, clientPrefix+"ready"))

	page, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	named := regexp.MustCompile(`pegasus_(client|credential)_[a-z_]+[a-z]`).FindAllString(string(page), -1)
	require.NotEmpty(t, named)
	ch := make(chan *prometheus.Desc, 100)
	alone.Describe(ch)
	close(ch)
	var known []string
	for d := range ch {
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		known = append(known, name)
	}
	for _, name := range named {
		require.Contains(t, known, name)
	}
}
