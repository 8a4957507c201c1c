// A client's numbers: its sessions by state, its calls, and its credentials.

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// ClientSources are where a client's numbers come from. Either may be nil.
type ClientSources struct {
	Client func() client.Health // asked at each collection: (*client.Client).Health
	// Credentials are asked where they are shared by several clients, or used without one:
	// (*kerberos.Credentials).Health. Otherwise Client's are taken.
	Credentials func() ticket.Health
	Now         func() time.Time  // default time.Now
	Labels      prometheus.Labels // of every metric; may be nil
}

const (
	clientPrefix     = "pegasus_client_"
	credentialPrefix = "pegasus_credential_"
)

type clientCollector struct {
	sources ClientSources

	sessions, ready, outstanding, dials, connections, negotiationsFailed, bugs, unknown, late *prometheus.Desc

	tickets, ticketEnds, waiting, fetches, fetchesFailed, internal, expired, unserved *prometheus.Desc
}

// sessionStates are all of a session, so that each has its series from the start.
var sessionStates = []client.State{
	client.StateIdle, client.StateDialing, client.StateNegotiating, client.StateReady,
	client.StateBackoff, client.StateDraining, client.StateClosed,
}

// NewClient makes a collector of what the sources say.
func NewClient(sources ClientSources) prometheus.Collector {
	if sources.Now == nil {
		sources.Now = time.Now
	}
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, sources.Labels)
	}
	return &clientCollector{
		sources:            sources,
		sessions:           of(clientPrefix+"sessions", "Sessions by state.", "state"),
		ready:              of(clientPrefix+"ready", "1: every session that is held ready is, and there is one."),
		outstanding:        of(clientPrefix+"calls_outstanding", "Calls that have not ended."),
		dials:              of(clientPrefix+"dials_total", "Attempts to connect, of the sessions there are."),
		connections:        of(clientPrefix+"connections_total", "Connections that became ready, of the sessions there are."),
		negotiationsFailed: of(clientPrefix+"negotiations_failed_total", "Negotiations that failed, of the sessions there are."),
		bugs:               of(clientPrefix+"internal_errors_total", "Bugs that were recovered; they say nothing of any server or credential."),
		unknown:            of(clientPrefix+"requests_unknown_total", "Requests written and completed without an answer, of the sessions there are."),
		late:               of(clientPrefix+"late_replies_total", "Answers that nobody waited for any more, of the sessions there are."),

		tickets:       of(credentialPrefix+"tickets", "Tickets by kind (krbtgt, service) and state.", "kind", "state"),
		ticketEnds:    of(credentialPrefix+"seconds_left", "Until the first ticket of a kind ends; 0 where there is none.", "kind"),
		waiting:       of(credentialPrefix+"sessions_waiting", "Sessions that wait for a ticket."),
		fetches:       of(credentialPrefix+"fetches_total", "Exchanges with a KDC begun, or reads of a cache."),
		fetchesFailed: of(credentialPrefix+"fetches_failed_total", "Exchanges that brought no ticket.", "cause"),
		internal:      of(credentialPrefix+"internal_errors_total", "Bugs that were recovered, in fetching tickets and in functions that are told of them."),
		expired:       of(credentialPrefix+"tickets_expired_total", "Tickets that ran out before another could be had."),
		unserved:      of(credentialPrefix+"sessions_unserved_total", "Sessions that waited for a ticket and got none."),
	}
}

// Describe implements prometheus.Collector.
func (c *clientCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.sessions, c.ready, c.outstanding, c.dials, c.connections, c.negotiationsFailed, c.bugs, c.unknown, c.late,
		c.tickets, c.ticketEnds, c.waiting, c.fetches, c.fetchesFailed, c.internal, c.expired, c.unserved} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *clientCollector) Collect(out chan<- prometheus.Metric) {
	var credentials *ticket.Health
	if c.sources.Client != nil {
		h := c.sources.Client()
		c.client(&h, out)
		credentials = h.Credentials
	}
	if c.sources.Credentials != nil {
		h := c.sources.Credentials()
		credentials = &h
	}
	if credentials != nil {
		c.credentials(credentials, out)
	}
}

func send(out chan<- prometheus.Metric, d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
}

func (c *clientCollector) client(h *client.Health, out chan<- prometheus.Metric) {
	states := make(map[client.State]int)
	var dials, connections, failed, unknown, late uint64
	for _, s := range h.Sessions {
		states[s.State]++
		dials += s.Stats.Dials
		connections += s.Stats.Connections
		failed += s.Stats.NegotiationsFailed
		unknown += s.Stats.Unknown
		late += s.Stats.LateReplies
	}
	for _, s := range sessionStates {
		send(out, c.sessions, prometheus.GaugeValue, float64(states[s]), s.String())
	}
	ready := 0.0
	if h.Ready {
		ready = 1
	}
	send(out, c.ready, prometheus.GaugeValue, ready)
	send(out, c.outstanding, prometheus.GaugeValue, float64(h.Outstanding))
	send(out, c.dials, prometheus.CounterValue, float64(dials))
	send(out, c.connections, prometheus.CounterValue, float64(connections))
	send(out, c.negotiationsFailed, prometheus.CounterValue, float64(failed))
	send(out, c.bugs, prometheus.CounterValue, float64(h.InternalErrors))
	send(out, c.unknown, prometheus.CounterValue, float64(unknown))
	send(out, c.late, prometheus.CounterValue, float64(late))
}

func (c *clientCollector) credentials(h *ticket.Health, out chan<- prometheus.Metric) {
	kinds := []string{"krbtgt", "service"}
	states := make(map[string]map[ticket.State]int)
	left := make(map[string]time.Duration)
	for _, kind := range kinds {
		states[kind] = make(map[ticket.State]int)
	}
	for _, t := range h.Tickets {
		kind := kinds[1]
		if t.Name.Granting() {
			kind = kinds[0]
		}
		states[kind][t.State]++
		if t.Handle == 0 {
			continue
		}
		ends := max(0, t.Until.Sub(c.sources.Now()))
		if first, known := left[kind]; !known || ends < first {
			left[kind] = ends
		}
	}
	for _, kind := range kinds {
		for _, s := range ticket.States() {
			send(out, c.tickets, prometheus.GaugeValue, float64(states[kind][s]), kind, s.String())
		}
		send(out, c.ticketEnds, prometheus.GaugeValue, left[kind].Seconds(), kind)
	}
	send(out, c.waiting, prometheus.GaugeValue, float64(h.Waiting))
	send(out, c.fetches, prometheus.CounterValue, float64(h.Stats.Fetches))
	send(out, c.fetchesFailed, prometheus.CounterValue, float64(h.Stats.Unreachable), ticket.FailureUnreachable.String())
	send(out, c.fetchesFailed, prometheus.CounterValue, float64(h.Stats.Refused), ticket.FailureRefused.String())
	send(out, c.internal, prometheus.CounterValue, float64(h.Stats.Internal+h.Panics))
	send(out, c.expired, prometheus.CounterValue, float64(h.Stats.Expired))
	send(out, c.unserved, prometheus.CounterValue, float64(h.Stats.Unserved))
}
