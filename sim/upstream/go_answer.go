// What arrives at a session of upstream's Go client, and what of it the client cannot
// decode. Upstream: go-client session/codec.go, idl/base/error_code.go.

package upstream

import (
	"github.com/a8011091/pegasus-reference/protocol"
)

// lengthBytes is the length of an answer: a read of its own.
const lengthBytes = 4

// received hands out answers by sequence number. What cannot be decoded ends the reader, and
// nothing else: the session stays ready (G1).
func (c *GoClient) received(s *goSession, data []byte) {
	if !s.reading {
		return
	}
	if err := s.dec.Write(data); err != nil {
		c.zombie(s)
		return
	}
	for s.reading {
		ok, err := s.dec.Next(&c.resp)
		if err != nil || ok && !c.decodable() {
			c.zombie(s)
			return
		}
		if !ok {
			break
		}
		s.readSince = c.now
		c.answered(s)
	}
	if s.reading && s.dec.Buffered() >= lengthBytes && s.dec.Buffered()-len(data) < lengthBytes {
		s.readSince = c.now
	}
}

// decodable says whether the client's decoder takes an answer. An answer to a meta query is
// read into c.qcfg.
func (c *GoClient) decodable() bool {
	if c.resp.Code != protocol.CodeOK {
		return goKnows(c.resp.Code)
	}
	if c.resp.RPC == protocol.RPCQueryConfig {
		return protocol.ParseQueryConfigResult(c.resp.Body, &c.qcfg) == nil
	}
	return goRegistered(c.resp.RPC)
}

func (c *GoClient) zombie(s *goSession) {
	s.reading = false
	c.out = append(c.out, ClientEffect{Kind: ClientZombie, Conn: s.conn, Addr: s.addr})
}

func (c *GoClient) answered(s *goSession) {
	r := s.pending[c.resp.Seq]
	if r == nil {
		return
	}
	delete(s.pending, c.resp.Seq)
	c.ended(r, c.resp.Code, c.resp.Body)
}

// goKnows says whether the Go client has the name of an error. Those that it has not are
// mostly younger than its list; a server's ERR_SESSION_RESET, which Java retries, is one.
func goKnows(code protocol.ErrorCode) bool {
	switch code {
	case protocol.CodeUnknown, protocol.CodeLearnerNotFound, protocol.CodeDirNotEmpty, protocol.CodeFSInternal,
		protocol.CodeIgnoreBadData, protocol.CodeMockInternal, protocol.CodeRetryExhausted, protocol.CodeSyncRangerPoliciesFailed,
		protocol.CodeRangerParseACL, protocol.CodeRangerPoliciesNoNeedUpdate, protocol.CodeRDBCorruption,
		protocol.CodeDiskIOError, protocol.CodeCurlFailed, protocol.CodeDupExist, protocol.CodeHTTPError,
		protocol.CodeNotMatched, protocol.CodeSessionReset:
		return false
	}
	return true
}

// goRegistered says whether the Go client has a decoder for the answer to a request.
func goRegistered(rpc protocol.RPC) bool {
	switch rpc {
	case protocol.RPCUnknown, protocol.RPCNegotiation, protocol.RPCBatchGet, protocol.RPCClearScanner, protocol.RPCCheckAndMutate:
		return false
	}
	return true
}
