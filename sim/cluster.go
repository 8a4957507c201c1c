// The simulated cluster's make-up: which core runs on which host, and the storage that
// outlives it.

package sim

import (
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

// storage is what a replica's host keeps over restarts, for either kind of server.
type storage struct {
	reference replica.Storage
	upstream  *upstream.Memory
}

func newStorage() storage {
	return storage{reference: replica.NewMemory(), upstream: upstream.NewMemory()}
}

func (r *run) newClientCore(p *clientProcess) clientCore {
	if r.scenario.Client == ClientReference {
		return newReferenceClient(p)
	}
	return newUpstreamClient(p)
}

func (r *run) newServer(place *nodePlace) world.Process {
	if r.scenario.Server == ServerReference {
		return r.newReferenceServer(place)
	}
	return r.newUpstreamServer(place)
}

func (r *run) newReferenceServer(place *nodePlace) *referenceServer {
	early, err := node.ParseEarlyRequest(r.scenario.EarlyRequest)
	must(err)
	cfg := node.Config{
		Self: place.addr, Auth: node.Auth{Enabled: true, Mandatory: r.scenario.mandatory()},
		Mechanism: r.mechanismName(), Early: early,
	}
	if place.meta {
		cfg.Meta = &meta.Config{Self: place.addr, Leader: r.leader(), Tables: r.referenceTables(), HPFields: r.scenario.HPFields}
	} else {
		cfg.Replica = &replica.Config{Server: place.name, Partitions: r.partitionsOf(place), Storage: place.storage.reference}
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
	core, err := upstream.NewServer(upstream.ServerConfig{
		Mode: mode, Auth: auth, Mechanism: r.mechanismName(), HPFields: r.scenario.HPFields,
		Self: place.addr, Meta: place.meta, Leader: r.leader(), Tables: []upstream.Table{table},
	}, place.storage.upstream)
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
