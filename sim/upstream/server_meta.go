// What a meta server answers to the query for a table's partitions: the leader answers,
// another one names the leader. Upstream: src/meta/meta_service.cpp.

package upstream

import (
	"net/netip"
	"slices"

	"github.com/a8011091/pegasus-reference/protocol"
)

// queryConfig fills s.body.
func (s *Server) queryConfig() protocol.ErrorCode {
	if err := protocol.ParseQueryConfigArgs(s.req.Body, &s.args); err != nil {
		return protocol.CodeInvalidData
	}
	q := &s.qcfg
	*q = protocol.QueryConfig{Partitions: q.Partitions[:0]}
	if s.cfg.Leader != s.cfg.Self {
		s.redirect(q)
	} else {
		s.partitions(q)
	}
	s.body = protocol.AppendQueryConfigResult(s.body[:0], q, s.cfg.HPFields)
	return protocol.CodeOK
}

func (s *Server) redirect(q *protocol.QueryConfig) {
	q.Err = protocol.CodeForwardToOthers
	if s.cfg.Leader.IsValid() {
		q.Partitions = append(q.Partitions, protocol.PartitionConfig{Primary: s.cfg.Leader})
	}
}

// partitions answers for the asked indices, passing over unknown ones, or for all.
func (s *Server) partitions(q *protocol.QueryConfig) {
	t := s.tableByName(string(s.args.Table))
	if t == nil {
		q.Err = protocol.CodeObjectNotFound
		return
	}
	q.Err, q.AppID, q.Count, q.Stateful = protocol.CodeOK, t.AppID, int32(len(t.Partitions)), true
	for i, p := range t.Partitions {
		if len(s.args.Indices) > 0 && !slices.Contains(s.args.Indices, int32(i)) {
			continue
		}
		q.Partitions = append(q.Partitions, protocol.PartitionConfig{
			PID:             protocol.GPID{AppID: t.AppID, Index: int32(i)},
			Ballot:          p.Ballot,
			MaxReplicaCount: int32(1 + len(p.Secondaries)),
			Primary:         p.Primary,
			Secondaries:     p.Secondaries,
		})
	}
}

func (s *Server) tableByName(name string) *Table {
	for i := range s.cfg.Tables {
		if s.cfg.Tables[i].Name == name {
			return &s.cfg.Tables[i]
		}
	}
	return nil
}

// partition finds what this server serves of a partition; primary says as what.
func (s *Server) partition(app, index int32) (here, primary bool) {
	for i := range s.cfg.Tables {
		t := &s.cfg.Tables[i]
		if t.AppID != app || index < 0 || int(index) >= len(t.Partitions) {
			continue
		}
		p := &t.Partitions[index]
		if p.Primary == s.cfg.Self {
			return true, true
		}
		return slices.ContainsFunc(p.Secondaries, func(a netip.AddrPort) bool { return a == s.cfg.Self }), false
	}
	return false, false
}
