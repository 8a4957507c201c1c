// Bounds by name: those that the tests explore, that the matrix of defects uses, and whose
// counts docs/exploration.md lists.

package exhaustive

import (
	"time"

	"github.com/a8011091/pegasus-reference/server/node"
)

// World is bounds with a name.
type World struct {
	Name    string
	About   string // what can happen in it, in a few words
	Nightly bool   // takes minutes
	Bounds  Config
}

// Worlds returns every named world, the smallest first of its kind.
func Worlds() []World {
	list := []World{
		{Name: "calm", About: "two requests, no fault", Bounds: changed(func(c *Config) { c.Crashes = 0 })},
		{Name: "crash", About: "two requests, a crash", Bounds: DefaultConfig()},
		{Name: "two-crashes", About: "two requests, two crashes", Bounds: changed(func(c *Config) { c.Crashes = 2 })},
		{Name: "loss", About: "two requests, a loss of power", Bounds: changed(func(c *Config) { c.Crashes, c.Losses = 0, 1 })},
		{Name: "crash-and-loss", About: "a request, a crash, a loss of power", Bounds: changed(func(c *Config) { c.Requests, c.Losses = 1, 1 })},
		{Name: "early-timers", About: "a request, a crash, a timer too early", Bounds: changed(func(c *Config) { c.Requests, c.Earlies, c.Connections = 1, 1, 3 })},
		{Name: "five-pairs", About: "a negotiation of five pairs, a crash", Bounds: changed(func(c *Config) { c.Pairs = 5 })},
		{Name: "optional", About: "authentication offered, not mandatory; a crash", Bounds: changed(func(c *Config) { c.Mandatory = false })},
		{Name: "on-demand", About: "connected only when asked for, two crashes", Bounds: changed(func(c *Config) { c.KeepReady, c.Crashes = false, 2 })},
		{Name: "one-connection", About: "no second connection beside a dying one, two early timers", Bounds: changed(func(c *Config) { c.Requests, c.Connections, c.Earlies = 1, 1, 2 })},
		{Name: "deadlines", About: "a request of 2 s, a crash, an early timer", Bounds: changed(func(c *Config) { c.Requests, c.Deadline, c.Earlies = 1, 2*time.Second, 1 })},
		{Name: "two-deadlines", About: "two requests of 2 s, a crash", Bounds: changed(func(c *Config) { c.Deadline = 2 * time.Second })},
		{Name: "cancels", About: "a request given up, or the session closed; a crash", Bounds: changed(func(c *Config) { c.Cancels = 1 })},
		{Name: "drain", About: "the session drained at any time, a crash", Bounds: changed(func(c *Config) { c.Drain = true })},
		{Name: "no-authentication", About: "a node that has none, a crash", Bounds: changed(func(c *Config) { c.NoAuth, c.Mandatory = true, false })},
	}
	for _, early := range []node.EarlyRequest{node.EarlyRefuse, node.EarlyHold, node.EarlyDrop, node.EarlyClose, node.EarlyHang} {
		list = append(list, World{
			Name: "hasty-" + early.String(), About: "the incident's client, a node that answers early requests so: " + early.String(),
			Bounds: changed(func(c *Config) { c.Requests, c.Hasty, c.EarlyRequest = 1, true, early }),
		})
	}
	return append(list, World{Name: "large", About: "two requests, two crashes, a loss of power, an early timer", Nightly: true, Bounds: LargeConfig()})
}

// changed is the default bounds but for what change does.
func changed(change func(*Config)) Config {
	cfg := DefaultConfig()
	change(&cfg)
	return cfg
}
