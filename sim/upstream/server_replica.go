// The four basic operations on one record, as a replica server answers them. Upstream:
// src/replica/replica.cpp and src/server.

package upstream

import (
	"github.com/a8011091/pegasus-reference/protocol"
)

// maxWriteBytes is the largest request of a write.
const maxWriteBytes = 1 << 20

// serve fills s.body.
func (s *Server) serve() protocol.ErrorCode {
	h := &s.req.Header
	here, primary := s.partition(h.AppID, h.Partition)
	switch {
	case !here:
		return protocol.CodeObjectNotFound
	case s.req.RPC.IsWrite() && len(s.req.Body) > maxWriteBytes:
		return protocol.CodeInvalidData
	case !primary:
		return protocol.CodeInvalidState
	}
	id := protocol.GPID{AppID: h.AppID, Index: h.Partition}
	switch s.req.RPC {
	case protocol.RPCGet, protocol.RPCTTL:
		return s.read(id)
	case protocol.RPCPut:
		return s.put(id)
	case protocol.RPCRemove:
		return s.remove(id)
	}
	return protocol.CodeHandlerNotFound
}

func (s *Server) read(id protocol.GPID) protocol.ErrorCode {
	key, err := protocol.ParseKeyArgs(s.req.Body)
	if err != nil {
		return protocol.CodeInvalidData
	}
	r, ok := s.storage.Get(id, key)
	status := protocol.StatusOK
	if !ok || protocol.Expired(r.ExpireTS, s.now) {
		status, r = protocol.StatusNotFound, Record{}
	}
	if s.req.RPC == protocol.RPCTTL {
		a := protocol.TTLResult{Status: status, AppID: id.AppID, Partition: id.Index}
		if status == protocol.StatusOK {
			a.TTLSeconds = protocol.RemainingTTL(r.ExpireTS, s.now)
		}
		s.body = protocol.AppendTTLResult(s.body[:0], &a)
		return protocol.CodeOK
	}
	a := protocol.ReadResult{Status: status, Value: r.Value, AppID: id.AppID, Partition: id.Index}
	s.body = protocol.AppendReadResult(s.body[:0], &a)
	return protocol.CodeOK
}

func (s *Server) put(id protocol.GPID) protocol.ErrorCode {
	a, err := protocol.ParsePutArgs(s.req.Body)
	if err != nil {
		return protocol.CodeInvalidData
	}
	s.storage.Put(id, a.Key, Record{Value: a.Value, ExpireTS: a.ExpireTS})
	return s.updated(id)
}

func (s *Server) remove(id protocol.GPID) protocol.ErrorCode {
	key, err := protocol.ParseKeyArgs(s.req.Body)
	if err != nil {
		return protocol.CodeInvalidData
	}
	s.storage.Remove(id, key)
	return s.updated(id)
}

func (s *Server) updated(id protocol.GPID) protocol.ErrorCode {
	a := protocol.UpdateResult{AppID: id.AppID, Partition: id.Index, Decree: s.storage.Decree(id)}
	s.body = protocol.AppendUpdateResult(s.body[:0], &a)
	return protocol.CodeOK
}
