// Run: one scenario in one simulated world, from boot to verdict.

package sim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// Addresses of a simulated cluster: one host a process, upstream's default ports.
const (
	metaPort    = 34601
	replicaPort = 34801
	appID       = 2
)

// slice is how much simulated time passes between looks at the context.
const slice = time.Second

// Options are what a run's surroundings want; none of it changes what happens in it.
type Options struct {
	Sink     trace.Sink                  // gets every event beside the hash; may be nil
	Progress func(at, end time.Duration) // called about once a simulated second; may be nil
	Expect   string                      // the signature that the result should name if it was seen

	// History gets the operations as they were judged, drawn; may be nil.
	History func(linearizability.Visualization)
}

// nodePlace is one server's name and address.
type nodePlace struct {
	name string
	addr netip.AddrPort
	meta bool
	disk *disk // of a replica
}

// run is everything of one run.
type run struct {
	scenario  *Scenario
	world     *world.World
	observer  *observer
	judge     *judge
	ops       *operations
	mechanism sasl.Mechanism // the cheap one
	realm     *realm         // nil without Kerberos
	places    []*nodePlace
	names     map[netip.AddrPort]string
	hosts     map[string]*world.Host
	servers   map[string]serverProcess
	odd       oddity
	leader    netip.AddrPort   // of the metas; zero: nobody leads
	drifts    map[string]int64 // of hosts' clocks, as faults add up
	pauses    map[string]int   // of processes, in force
	firewalls map[path]int     // that forget idle flows, in force
	disturbed map[string]int   // nodes, by faults in force that spare nobody
	deaf      map[string]int   // metas, by faults in force that keep elections from them

	placements []placement      // by partition
	registry   meta.Registry    // of the metas, as they agree on it; version 0: as the run began
	known      [][]knownPrimary // by client and partition
}

// Run runs a scenario to its end, or to the end of ctx: then the verdict is
// inconclusive unless something was violated before. The error is a *UsageError for a
// scenario that is none.
func Run(ctx context.Context, s Scenario, opts Options) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	hasher := trace.NewHasher()
	sink := trace.Sink(hasher)
	if opts.Sink != nil {
		sink = trace.Fanout{hasher, opts.Sink}
	}
	r := newRun(&s, sink)
	r.scheduleFaults()
	whole := r.play(ctx, opts.Progress)
	if whole {
		r.judge.finish(r.world.Now())
	}
	r.judge.meetHappened(r.world.Happened())
	checked := r.judge.checkHistory()
	if opts.History != nil {
		opts.History(checked.drawing)
	}
	return r.result(opts, hasher, whole, checked), nil
}

func newRun(s *Scenario, sink trace.Sink) *run {
	r := &run{
		scenario: s,
		world: world.New(world.Config{
			Seed: s.Seed, LatencyMin: s.LatencyMin, LatencyMax: s.LatencyMax, Split: s.SplitReads,
			PortMin: uint16(s.PortMin), PortMax: uint16(s.PortMax), Sticky: s.Sticky,
			SendBuffer: s.SendBuffer, ReceiveBuffer: s.ReceiveBuffer,
		}, sink),
		names:     make(map[netip.AddrPort]string),
		hosts:     make(map[string]*world.Host),
		servers:   make(map[string]serverProcess),
		leader:    address(1, s.Leader-1, metaPort),
		drifts:    make(map[string]int64),
		pauses:    make(map[string]int),
		firewalls: make(map[path]int),
		disturbed: make(map[string]int),
		deaf:      make(map[string]int),
		mechanism: sasl.NewTest(sasl.TestConfig{Principal: "simulated", Secret: []byte("simulated"), Pairs: s.Pairs}),
	}
	r.odd.run = r
	r.judge = newJudge(s, r.world.Now())
	r.ops = &operations{judge: r.judge, keys: keySpace{s.Partitions}}
	r.judge.ops = r.ops
	r.observer = newObserver(r.judge)
	r.observer.troubled = func(node string) bool { return r.disturbed[node] > 0 }
	r.placePartitions()
	r.judge.route = r.route
	r.observer.leads = func(node string) bool { return r.leader == r.addrOf(node) }
	r.observer.up = func(addr netip.AddrPort) bool { return r.hosts[r.nodeName(addr)].Up() }
	r.buildServers()
	r.buildClients()
	return r
}

func (r *run) buildServers() {
	for i := range r.scenario.Metas {
		r.addNode(&nodePlace{name: metaName(i), addr: address(1, i, metaPort), meta: true})
	}
	journaled := slices.ContainsFunc(r.scenario.Faults, func(f Fault) bool { return f.Kind == FaultDiskLoss })
	for i := range r.scenario.Replicas {
		r.addNode(&nodePlace{name: replicaName(i), addr: address(2, i, replicaPort), disk: newDisk(r.world.Now, journaled)})
	}
	if r.scenario.Auth == AuthKerberos {
		r.realm = newRealm(r.world, r.places)
		host := r.world.AddHost(kdcName, kdcAddr().Addr())
		r.hosts[kdcName] = host
		r.names[kdcAddr()] = kdcName
		host.Start(func() world.Process { return &kdcProcess{run: r, arrived: make(map[protocol.ConnID][]byte)} })
	}
	for _, place := range r.places {
		r.hosts[place.name].Start(func() world.Process { return r.newServer(place) })
	}
}

func (r *run) addNode(place *nodePlace) {
	r.places = append(r.places, place)
	r.names[place.addr] = place.name
	r.hosts[place.name] = r.world.AddHost(place.name, place.addr.Addr())
}

func (r *run) buildClients() {
	for i := range r.scenario.Clients {
		host := r.world.AddHost(clientName(i), address(3, i, 0).Addr())
		r.hosts[host.Name()] = host
		host.Start(func() world.Process { return newClientProcess(r, i) })
	}
}

// address is 10.0.<group>.<index+1>:port.
func address(group, index, port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(group), byte(index + 1)}), uint16(port))
}

func (r *run) nodeName(addr netip.AddrPort) string { return r.names[addr] }

// hostOf is how a principal spells the host of a server.
func (r *run) hostOf(addr netip.AddrPort) string {
	if r.realm == nil {
		return addr.Addr().String()
	}
	return r.nodeName(addr)
}

func (r *run) metaAddrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, p := range r.places {
		if p.meta {
			addrs = append(addrs, p.addr)
		}
	}
	return addrs
}

// play runs to the scenario's end; false when ctx ended first.
func (r *run) play(ctx context.Context, progress func(at, end time.Duration)) bool {
	end := r.scenario.End()
	for at := time.Duration(0); at < end; {
		if ctx.Err() != nil {
			return false
		}
		at = min(at+slice, end)
		r.world.Run(at)
		if progress != nil {
			progress(at, end)
		}
	}
	return true
}

// randomReader gives a process' random stream to a mechanism.
type randomReader struct{ random *rand.Rand }

func (r randomReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.random.Uint32())
	}
	return len(p), nil
}

var _ io.Reader = randomReader{}

func streamName(what string, i int) string { return fmt.Sprintf("%s/%d", what, i) }
