// The world as a model: where it begins, what can happen, and what comes of it.

package exhaustive

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// Times of the two cores. The first three are the session's defaults and the last one
// the node's. The backoff has two intervals only (the base, and the cap), because what
// has to be explored is that there is one, that it grows, and that it ends.
const (
	dialTimeout            = time.Second
	negotiationTimeout     = 5 * time.Second
	silence                = 10 * time.Second
	backoffBase            = 500 * time.Millisecond
	backoffCap             = time.Second
	nodeNegotiationTimeout = 15 * time.Second

	horizon = 365 * 24 * time.Hour       // nothing that is due later happens in the world
	never   = 100 * 365 * 24 * time.Hour // until a deadline that never decides
)

// The partition that the node serves, and where it listens.
const (
	appID     = 1
	partition = 0
	host      = "10.0.0.1"
)

// epoch is when every behaviour begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

type step = check.Step[*State]

// Model implements check.Model, check.Describer and check.Teller.
type Model struct {
	cfg       Config
	session   session.Config
	node      node.Config
	mechanism sasl.Mechanism
	asks      []session.Request // what the user submits, Deadline left out
	actions   []check.Action
	listens   bool // steps are told
}

// New makes the model of the world that cfg bounds.
func New(cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	switch {
	case cfg.client != nil:
	case cfg.Hasty:
		cfg.client = newHasty
	default:
		cfg.client = newReference
	}
	m := &Model{
		cfg:       cfg,
		mechanism: sasl.NewTest(sasl.TestConfig{Principal: principal, Secret: []byte("secret"), Pairs: cfg.Pairs}),
		actions:   actions(cfg),
	}
	m.session = session.Config{
		Auth: session.AuthRequired, Mechanism: m.mechanism.Name(), HeaderVersion: 1,
		DialTimeout: dialTimeout, NegotiationTimeout: negotiationTimeout, Silence: silence,
		BackoffBase: backoffBase, BackoffCap: backoffCap,
	}
	m.node = node.Config{
		Self:      netip.AddrPortFrom(netip.MustParseAddr(host), 34801),
		Auth:      node.Auth{Enabled: !cfg.NoAuth, Mandatory: cfg.Mandatory},
		Mechanism: m.mechanism.Name(),
		Early:     cfg.EarlyRequest,
		Limits:    node.Limits{NegotiationTimeout: nodeNegotiationTimeout},
	}
	if err := m.session.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	for slot := range cfg.Requests {
		ask, err := newAsk(slot)
		if err != nil {
			return nil, fmt.Errorf("%w: request %d: %w", ErrConfig, slot+1, err)
		}
		m.asks = append(m.asks, ask)
	}
	n := m.nodeConfig(replica.NewMemory())
	if err := n.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return m, nil
}

// isPut says what the slot's request is; the others are gets.
func isPut(slot int) bool { return slot%2 == 0 }

// newAsk makes a request. Requests differ in their keys, so that the wire tells them apart.
func newAsk(slot int) (session.Request, error) {
	key, err := protocol.AppendKey(nil, []byte{byte('1' + slot)}, nil)
	if err != nil {
		return session.Request{}, err
	}
	r := session.Request{
		ID: session.RequestID(slot + 1), RPC: protocol.RPCGet, Body: protocol.AppendKeyArgs(nil, key),
		Header: protocol.Header{AppID: appID, Partition: partition},
	}
	if isPut(slot) {
		r.RPC = protocol.RPCPut
		r.Body = protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key, Value: []byte("value")})
	}
	return r, nil
}

// nodeConfig is how a run of the node begins, on what an earlier one has stored.
func (m *Model) nodeConfig(storage replica.Storage) node.Config {
	cfg := m.node
	cfg.Replica = &replica.Config{
		Server:     cfg.Self.String(),
		Partitions: []replica.Partition{{PID: protocol.GPID{AppID: appID, Index: partition}, Role: replica.RolePrimary}},
		Storage:    storage,
	}
	return cfg
}

// Initial returns the one state in which nothing has happened.
func (m *Model) Initial() []*State {
	s := &State{
		now: epoch, client: m.cfg.client(m.session), node: node.New(m.nodeConfig(replica.NewMemory())),
		requests: make([]request, m.cfg.Requests),
		left: budgets{
			submits: uint8(m.cfg.Requests), crashes: uint8(m.cfg.Crashes),
			losses: uint8(m.cfg.Losses), earlies: uint8(m.cfg.Earlies), cancels: uint8(m.cfg.Cancels),
			drains: flag(m.cfg.Drain),
		},
	}
	if m.cfg.KeepReady {
		w := &world{m: m, s: s}
		w.stepClient(session.Event{Kind: session.EventKeepReady, Keep: true})
	}
	return []*State{s}
}

// Actions, by number; the last ones are one for each connection, by age.
const (
	actSubmit = iota
	actCancel
	actClose
	actDrain
	actDialed
	actRefused
	actClientReads
	actClientToken
	actClientTimer
	actClientTimerEarly
	actNodeTimer
	actNodeTimerEarly
	actCrash
	actLoss
	actStart
	actStale
	actNodeReads // 2 for each connection from here on
)

// actions names them. What the machines and the network do is fair, what the user, the
// faults and chance do is not. Where the bounds exclude something it may rest.
func actions(cfg Config) []check.Action {
	list := []check.Action{
		actSubmit:           {Name: "the user submits a request", MayRest: cfg.Requests == 0},
		actCancel:           {Name: "the user gives a request up", MayRest: cfg.Cancels == 0},
		actClose:            {Name: "the user closes the session", MayRest: cfg.Cancels == 0},
		actDrain:            {Name: "the user drains the session", MayRest: !cfg.Drain},
		actDialed:           {Name: "the connection comes up", Fairness: check.Weak},
		actRefused:          {Name: "the connection is refused", Fairness: check.Weak, MayRest: cfg.Crashes == 0},
		actClientReads:      {Name: "the client reads", Fairness: check.Weak},
		actClientToken:      {Name: "the client's mechanism answers", Fairness: check.Weak, MayRest: cfg.NoAuth},
		actClientTimer:      {Name: "a timer of the client fires", Fairness: check.Weak},
		actClientTimerEarly: {Name: "a timer of the client fires early", MayRest: cfg.Earlies == 0},
		actNodeTimer:        {Name: "a timer of the node fires", Fairness: check.Weak, MayRest: true}, // the client gives up first
		actNodeTimerEarly:   {Name: "a timer of the node fires early", MayRest: cfg.Earlies == 0},
		actCrash:            {Name: "the node crashes", MayRest: cfg.Crashes == 0},
		actLoss:             {Name: "the node loses power", MayRest: cfg.Losses == 0},
		actStart:            {Name: "the node starts", Fairness: check.Weak, MayRest: cfg.Crashes+cfg.Losses == 0},
		actStale:            {Name: "something of an earlier connection arrives", MayRest: true}, // it must not
	}
	for i := range cfg.Connections {
		list = append(list,
			check.Action{
				Name:     fmt.Sprintf("the node reads on connection %d of those that exist", i+1),
				Fairness: check.Weak, MayRest: cfg.Earlies < i, // a client leaves no other one behind before its time
			},
			check.Action{
				Name:     fmt.Sprintf("the node's mechanism answers on connection %d of those that exist", i+1),
				Fairness: check.Weak, MayRest: cfg.Earlies < i || cfg.NoAuth,
			})
	}
	return list
}

// Actions returns every action there is.
func (m *Model) Actions() []check.Action { return m.actions }

// AppendState appends the canonical form of s.
func (m *Model) AppendState(dst []byte, s *State) []byte { return s.appendState(dst) }

// Next appends every step from s.
func (m *Model) Next(s *State, steps []step) []step { return m.next(s, steps) }

// deadline of a request that is submitted now.
func (m *Model) deadline(now time.Time) time.Time {
	if m.cfg.Deadline > 0 {
		return now.Add(m.cfg.Deadline)
	}
	return now.Add(never)
}

// A deadline that never decides has to be beyond what a frame's timeout can say (this
// would not compile otherwise): then equal requests are equal bytes at whatever time.
const _ = uint((never-horizon)/time.Millisecond - math.MaxInt32)
