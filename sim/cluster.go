// The simulated cluster's make-up: which core runs on which host, and the storage that
// outlives it.

package sim

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/world"
)

func (r *run) newClientCore(p *clientProcess) clientCore {
	if r.scenario.Client == ClientReference {
		return newReferenceClient(p)
	}
	return newUpstreamClient(p)
}

// serverProcess is a server's process, whichever core is in it.
type serverProcess interface {
	world.Process
	// setLeader tells a meta who leads, as what the metas elect by would; zero: nobody.
	setLeader(leader netip.AddrPort)
	// learn tells a meta that leads where partitions are, and a replica what it has of them.
	learn()
	// decide has a meta that leads move a partition to where its placement is from now on.
	decide(partition int)
}

func (r *run) newServer(place *nodePlace) world.Process {
	var p serverProcess
	if r.scenario.Server == ServerReference {
		p = r.newReferenceServer(place)
	} else {
		p = r.newUpstreamServer(place)
	}
	r.servers[place.name] = p
	return p
}

func (r *run) newReferenceServer(place *nodePlace) *referenceServer {
	early, err := node.ParseEarlyRequest(r.scenario.EarlyRequest)
	must(err)
	cfg := node.Config{
		Self: place.addr, Auth: node.Auth{Enabled: true, Mandatory: r.scenario.mandatory()},
		Mechanism: r.mechanismName(), Early: early, EarlyCode: protocol.ErrorCodeByName(r.scenario.EarlyCode),
		Limits: node.Limits{NegotiationTimeout: r.scenario.AblationSettings().ServerDeadline},
	}
	if place.meta {
		cfg.Meta = &meta.Config{Self: place.addr, Leader: r.leader, Tables: r.referenceTables(), Registry: r.registry, HPFields: r.scenario.HPFields}
	} else {
		cfg.Replica = &replica.Config{Server: place.name, Partitions: r.heldBy(place), Storage: place.disk.referenceStorage()}
	}
	must(cfg.Validate())
	return &referenceServer{run: r, place: place, core: node.New(cfg), tokens: newAcceptors(r, place)}
}

func (r *run) referenceTables() []meta.Table {
	table := meta.Table{Name: tableName, AppID: appID}
	for i := range r.scenario.Partitions {
		p := &r.placements[i]
		table.Partitions = append(table.Partitions, protocol.PartitionConfig{
			Ballot: p.ballot, MaxReplicaCount: int32(1 + len(p.secondaries)), Primary: p.primary, Secondaries: p.secondaries,
		})
	}
	return []meta.Table{table}
}

// heldBy is what a replica has of partitions, as it knows.
func (r *run) heldBy(place *nodePlace) []replica.Partition {
	var list []replica.Partition
	for i := range r.placements {
		if p := r.placements[i].heldBy(place.addr); p.Role != 0 {
			p.PID = gpid(i)
			list = append(list, p)
		}
	}
	return list
}

func gpid(partition int) protocol.GPID {
	return protocol.GPID{AppID: appID, Index: int32(partition)}
}

func (r *run) newUpstreamServer(place *nodePlace) *upstreamServer {
	mode, auth := upstream.ModeFin, upstream.AuthMandatory
	if r.scenario.Server == ServerHang {
		mode = upstream.ModeHang
	}
	if r.scenario.Auth == AuthOptional {
		auth = upstream.AuthOptional
	}
	var storage upstream.Storage = upstream.NewMemory() // of a meta: unused
	if place.disk != nil {
		storage = place.disk.upstreamStorage()
	}
	cfg := upstream.ServerConfig{
		Mode: mode, Auth: auth, Mechanism: r.mechanismName(), HPFields: r.scenario.HPFields,
		Self: place.addr, Meta: place.meta, Leader: r.leader, Tables: r.upstreamTables(place),
		NegotiationTimeout: r.scenario.AblationSettings().ServerDeadline,
	}
	core, err := upstream.NewServer(cfg, storage)
	must(err)
	return &upstreamServer{run: r, place: place, core: core, tokens: newAcceptors(r, place)}
}

// upstreamTables is the table as a server knows it: of a replica, what it has.
func (r *run) upstreamTables(place *nodePlace) []upstream.Table {
	table := upstream.Table{Name: tableName, AppID: appID}
	for i := range r.placements {
		p := &r.placements[i]
		known := upstream.Partition{Ballot: p.ballot, Primary: p.primary, Secondaries: p.secondaries}
		if !place.meta {
			known = upstream.Partition{Ballot: p.ballot}
			switch p.heldBy(place.addr).Role {
			case replica.RolePrimary:
				known.Primary = place.addr
			case replica.RoleSecondary:
				known.Secondaries = []netip.AddrPort{place.addr}
			}
		}
		table.Partitions = append(table.Partitions, known)
	}
	return []upstream.Table{table}
}

// must stops at a configuration that a validated scenario cannot make.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// tokenDelay is how long a mechanism takes to make a token.
func (r *run) tokenDelay(io *world.IO) time.Duration {
	return between(io.Rand(), 10*time.Microsecond, 200*time.Microsecond)
}
