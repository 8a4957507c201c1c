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

// firstBallot of every partition: partitions of these scenarios do not move.
const firstBallot = 1

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
		cfg.Meta = &meta.Config{Self: place.addr, Leader: r.leader, Tables: r.referenceTables(), HPFields: r.scenario.HPFields}
	} else {
		cfg.Replica = &replica.Config{Server: place.name, Partitions: r.partitionsOf(place), Storage: place.disk.referenceStorage()}
	}
	must(cfg.Validate())
	return &referenceServer{run: r, place: place, core: node.New(cfg), tokens: newAcceptors(r, place)}
}

func (r *run) referenceTables() []meta.Table {
	table := meta.Table{Name: tableName, AppID: appID}
	for i := range r.scenario.Partitions {
		table.Partitions = append(table.Partitions, protocol.PartitionConfig{Ballot: firstBallot, MaxReplicaCount: 1, Primary: r.primary(i)})
	}
	return []meta.Table{table}
}

func (r *run) partitionsOf(place *nodePlace) []replica.Partition {
	var list []replica.Partition
	for i := range r.scenario.Partitions {
		if r.primary(i) == place.addr {
			list = append(list, replica.Partition{PID: protocol.GPID{AppID: appID, Index: int32(i)}, Role: replica.RolePrimary})
		}
	}
	return list
}

func (r *run) newUpstreamServer(place *nodePlace) *upstreamServer {
	mode, auth := upstream.ModeFin, upstream.AuthMandatory
	if r.scenario.Server == ServerHang {
		mode = upstream.ModeHang
	}
	if r.scenario.Auth == AuthOptional {
		auth = upstream.AuthOptional
	}
	table := upstream.Table{Name: tableName, AppID: appID}
	for i := range r.scenario.Partitions {
		table.Partitions = append(table.Partitions, upstream.Partition{Ballot: firstBallot, Primary: r.primary(i)})
	}
	var storage upstream.Storage = upstream.NewMemory() // of a meta: unused
	if place.disk != nil {
		storage = place.disk.upstreamStorage()
	}
	cfg := upstream.ServerConfig{
		Mode: mode, Auth: auth, Mechanism: r.mechanismName(), HPFields: r.scenario.HPFields,
		Self: place.addr, Meta: place.meta, Leader: r.leader, Tables: []upstream.Table{table},
		NegotiationTimeout: r.scenario.AblationSettings().ServerDeadline,
	}
	core, err := upstream.NewServer(cfg, storage)
	must(err)
	return &upstreamServer{run: r, place: place, core: core, tokens: newAcceptors(r, place)}
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
