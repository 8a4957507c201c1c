// A server's numbers: connections, negotiations by outcome, requests, keytab, replay cache.

package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/server/node"
)

// Node is one server's numbers under its name.
type Node struct {
	Name  string
	Stats server.Stats
}

// ServerSources are where a server's numbers come from.
type ServerSources struct {
	Nodes   func() []Node        // asked at each collection
	Keytab  *kerberos.KeytabFile // nil: none
	Replays *kerberos.Replays    // nil: none
	Labels  prometheus.Labels    // of every metric; may be nil
}

// OfServer is the one node that s is.
func OfServer(name string, s *server.Server) func() []Node {
	return func() []Node { return []Node{{Name: name, Stats: s.Stats()}} }
}

// OfCluster is every node of c. The numbers of one that was restarted begin again.
func OfCluster(c *server.Cluster) func() []Node {
	names := c.Nodes()
	return func() []Node {
		nodes := make([]Node, 0, len(names))
		for _, name := range names {
			if stats, err := c.Stats(name); err == nil { // the names are the cluster's own
				nodes = append(nodes, Node{Name: name, Stats: stats})
			}
		}
		return nodes
	}
}

const serverPrefix = "pegasus_server_"

// metric is one metric of a node. Where label is set, every value of it is there from the
// start, so that the first failure is a rise and not a new series.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*server.Stats) float64               // without label
	each  func(*server.Stats, func(string, uint64)) // with one
}

type serverCollector struct {
	sources ServerSources
	metrics []metric
	keytab  [3]*prometheus.Desc
	replays [4]*prometheus.Desc
}

// NewServer makes a collector of what the sources say.
func NewServer(sources ServerSources) prometheus.Collector {
	c := &serverCollector{sources: sources}
	c.addConnections()
	c.addNegotiations()
	c.addRequests()
	c.keytab = [3]*prometheus.Desc{
		c.desc("keytab_keys", "Keys of the keytab in force."),
		c.desc("keytab_reloads_total", "Changed keytabs that were taken."),
		c.desc("keytab_failures_total", "Changed keytabs that could not be used; the keys before stayed in force."),
	}
	c.replays = [4]*prometheus.Desc{
		c.desc("replay_cache_entries", "Negotiations that the replay cache remembers."),
		c.desc("replay_cache_limit", "Negotiations that it can remember; at the limit they are refused."),
		c.desc("replays_refused_total", "Negotiations refused because they were seen before."),
		c.desc("replay_cache_full_total", "Negotiations refused because the replay cache was full."),
	}
	return c
}

func (c *serverCollector) addConnections() {
	c.gauge("connections", "Connections open.", func(s *server.Stats) float64 { return float64(s.Conns) })
	c.gauge("negotiations_half_open", "Connections whose negotiation deadline runs.", func(s *server.Stats) float64 { return float64(s.HalfOpen) })
	c.gauge("buffered_bytes", "Bytes received and not yet decoded, or held until success.", func(s *server.Stats) float64 { return float64(s.BufferedBytes) })
	c.counter("connections_accepted_total", "Connections accepted.", func(s *server.Stats) uint64 { return s.Accepted })
	c.counter("accept_errors_total", "Errors of accepting, such as too many open files.", func(s *server.Stats) uint64 { return s.AcceptErrors })
	c.counter("slow_peers_total", "Connections ended because the peer did not read.", func(s *server.Stats) uint64 { return s.SlowPeers })
	c.counter("internal_errors_total", "Bugs of the server, recovered: an alarm. See the log.", func(s *server.Stats) uint64 { return s.Panics })
	c.counters("connections_closed_total", "Connections that ended.", "cause", func(s *server.Stats, emit func(string, uint64)) {
		for cause := node.CauseNone + 1; int(cause) < node.NumCause; cause++ {
			emit(word(cause.String()), s.Closed[cause])
		}
	})
}

func (c *serverCollector) addNegotiations() {
	c.counter("negotiations_started_total", "Negotiations begun.", func(s *server.Stats) uint64 { return s.NegotiationsStarted })
	c.counter("negotiations_succeeded_total", "Negotiations that succeeded.", func(s *server.Stats) uint64 { return s.NegotiationsDone })
	c.counters("negotiations_failed_total", "Connections that ended before their negotiation succeeded.", "cause", func(s *server.Stats, emit func(string, uint64)) {
		for failure := node.FailureNone + 1; int(failure) < node.NumFailure; failure++ {
			emit(word(failure.String()), s.Failures[failure])
		}
	})
	c.counters("tokens_refused_total", "Tokens that the mechanism refused.", "reason", func(s *server.Stats, emit func(string, uint64)) {
		for _, reason := range gssapi.Reasons() {
			emit(reason, s.Refusals[reason])
		}
	})
}

func (c *serverCollector) addRequests() {
	c.counter("requests_executed_total", "Requests given to a handler.", func(s *server.Stats) uint64 { return s.Executed })
	c.counters("requests_denied_total", "Requests refused with ERR_ACL_DENY.", "operation", func(s *server.Stats, emit func(string, uint64)) {
		for operation := range node.Operation(node.NumOperation) {
			emit(operation.String(), s.Denied[operation])
		}
	})
	c.counters("early_requests_total", "Requests that came before their connection's negotiation had succeeded.", "outcome", func(s *server.Stats, emit func(string, uint64)) {
		emit("refused", s.EarlyRefused)
		emit("held", s.EarlyHeld)
		emit("dropped", s.EarlyDropped)
		emit("disconnected", s.Early-s.EarlyRefused-s.EarlyHeld-s.EarlyDropped)
	})
}

func (c *serverCollector) desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(serverPrefix+name, help, labels, c.sources.Labels)
}

func (c *serverCollector) gauge(name, help string, value func(*server.Stats) float64) {
	c.metrics = append(c.metrics, metric{desc: c.desc(name, help, "node"), kind: prometheus.GaugeValue, value: value})
}

func (c *serverCollector) counter(name, help string, value func(*server.Stats) uint64) {
	c.metrics = append(c.metrics, metric{
		desc: c.desc(name, help, "node"), kind: prometheus.CounterValue,
		value: func(s *server.Stats) float64 { return float64(value(s)) },
	})
}

func (c *serverCollector) counters(name, help, label string, each func(*server.Stats, func(string, uint64))) {
	c.metrics = append(c.metrics, metric{desc: c.desc(name, help, "node", label), kind: prometheus.CounterValue, each: each})
}

// word makes words of the log a value of a label.
func word(text string) string { return strings.ReplaceAll(text, " ", "-") }

// Describe implements prometheus.Collector.
func (c *serverCollector) Describe(ch chan<- *prometheus.Desc) {
	for i := range c.metrics {
		ch <- c.metrics[i].desc
	}
	for _, d := range c.keytab {
		ch <- d
	}
	for _, d := range c.replays {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *serverCollector) Collect(ch chan<- prometheus.Metric) {
	for _, n := range c.sources.Nodes() {
		for i := range c.metrics {
			c.metrics[i].collect(ch, &n)
		}
	}
	if c.sources.Keytab != nil {
		s := c.sources.Keytab.Stats()
		ch <- prometheus.MustNewConstMetric(c.keytab[0], prometheus.GaugeValue, float64(s.Keys))
		ch <- prometheus.MustNewConstMetric(c.keytab[1], prometheus.CounterValue, float64(s.Reloads))
		ch <- prometheus.MustNewConstMetric(c.keytab[2], prometheus.CounterValue, float64(s.Failures))
	}
	if c.sources.Replays != nil {
		s := c.sources.Replays.Stats()
		ch <- prometheus.MustNewConstMetric(c.replays[0], prometheus.GaugeValue, float64(s.Remembered))
		ch <- prometheus.MustNewConstMetric(c.replays[1], prometheus.GaugeValue, float64(s.Limit))
		ch <- prometheus.MustNewConstMetric(c.replays[2], prometheus.CounterValue, float64(s.Refused))
		ch <- prometheus.MustNewConstMetric(c.replays[3], prometheus.CounterValue, float64(s.Full))
	}
}

func (m *metric) collect(ch chan<- prometheus.Metric, n *Node) {
	if m.each == nil {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&n.Stats), n.Name)
		return
	}
	m.each(&n.Stats, func(label string, value uint64) {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, float64(value), n.Name, label)
	})
}
