// Odd servers: for a while every server answers otherwise than it should, as one of another
// version, one with a broken disk, or a machine in the middle would. The frames that its core
// writes are rewritten on their way out, whichever core it is.

package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// Odd is what servers do in place of what they should, from an instant to another. A
// connection that was left without an answer stays so.
type Odd struct {
	Kind        string // of OddNames
	From, Until time.Duration
}

// Kinds of oddity.
const (
	OddNone             = "none"
	OddMute             = "mute"
	OddNoAuthentication = "no-authentication"
	OddEarlySuccess     = "early-success"
	OddDiskError        = "disk-error"
	OddMetaError        = "meta-error"
	OddInvalidState     = "invalid-state"
	OddBadIndex         = "bad-index"
	OddNewerBallot      = "newer-ballot"
	OddEachOther        = "each-other"
	OddGarbage          = "garbage"
)

// OddNames are the kinds, in the order in which help texts list them.
var OddNames = []string{
	OddNone, OddMute, OddNoAuthentication, OddEarlySuccess, OddDiskError, OddMetaError, OddBadIndex, OddInvalidState, OddNewerBallot, OddEachOther, OddGarbage,
}

// OddSays describes a kind in a sentence.
func OddSays(kind string) string { return oddSays[kind] }

var oddSays = map[string]string{
	OddNone:             "servers answer as they should",
	OddMute:             "no negotiation message is answered, then or later on its connection",
	OddNoAuthentication: "every negotiation message is answered with SASL_AUTH_DISABLE",
	OddEarlySuccess:     "the first token is answered with success",
	OddDiskError:        "replicas refuse every request with ERR_DISK_IO_ERROR, a name that upstream's clients do not have",
	OddMetaError:        "metas answer a query with ERR_DISK_IO_ERROR in the result",
	OddBadIndex:         "metas answer a query with a partition beyond those that the table has",
	OddInvalidState:     "replicas refuse every read with ERR_INVALID_STATE",
	OddNewerBallot:      "metas answer with ballots that nobody has heard of later",
	OddEachOther:        "each meta takes another one for the leader",
	OddGarbage:          "what a replica answers is no frame",
}

func (o *Odd) set() bool { return o.Kind != OddNone }

func (o *Odd) validate() error {
	if err := oneOf("odd", o.Kind, OddNames); err != nil {
		return err
	}
	if !o.set() {
		return nil
	}
	if o.From < 0 || o.Until <= o.From || o.Until > maxDuration {
		return usagef("odd-during is %v..%v: it must be in order and at most %v", o.From, o.Until, maxDuration)
	}
	return nil
}

// oddGarbage begins with a length that no frame has.
const oddGarbage = "\xff\xff\xff\xff and more that is no frame"

// oddity rewrites what servers write. The zero value rewrites nothing.
type oddity struct {
	run       *run
	muted     map[uint64]bool // connections, by their number in traces
	responses *protocol.ResponseDecoder
	query     protocol.QueryConfig
	out, body []byte // scratch
}

// schedule: what servers do while they are odd may cost anybody something, and leave
// connections without a word.
func (o *oddity) schedule() {
	r, odd := o.run, &o.run.scenario.Odd
	r.judge.silent = true
	change := func(state string, by int) func() {
		return func() {
			for _, p := range r.places {
				r.hosts[p.name].Trace(trace.Event{Kind: trace.KindFault, State: state, Note: "odd " + odd.Kind})
				r.disturbed[p.name] += by
				r.observer.disturb(p.name)
			}
		}
	}
	r.world.At(odd.From, change(faultBegins, 1))
	r.world.At(odd.Until, change(faultEnds, -1))
}

// lasts is whether servers are odd now.
func (o *oddity) lasts() bool {
	odd, now := &o.run.scenario.Odd, o.run.world.Now().Sub(o.run.judge.epoch)
	return odd.set() && now >= odd.From && now < odd.Until
}

// rewrite returns what leaves a node in place of whole frames that its core has written on a
// connection; nothing where that is empty. It is valid until the next call.
func (o *oddity) rewrite(place *nodePlace, conn uint64, data []byte) []byte {
	if o.muted[conn] {
		return nil
	}
	if !o.lasts() {
		return data
	}
	if o.responses == nil {
		o.responses = protocol.NewResponseDecoder(protocol.DefaultLimits())
		o.muted = make(map[uint64]bool)
	}
	o.responses.Reset()
	must(o.responses.Write(data))
	o.out = o.out[:0]
	var r protocol.Response
	for {
		ok, err := o.responses.Next(&r)
		must(err)
		if !ok || o.muted[conn] {
			return o.out
		}
		o.frame(place, conn, &r)
	}
}

// frame appends what leaves in place of one answer.
func (o *oddity) frame(place *nodePlace, conn uint64, r *protocol.Response) {
	switch kind := o.run.scenario.Odd.Kind; {
	case r.RPC == protocol.RPCNegotiation:
		o.negotiation(kind, conn, r)
	case place.meta && r.RPC == protocol.RPCQueryConfig && r.Code == protocol.CodeOK:
		o.answer(kind, place, r)
	case place.meta:
	case kind == OddDiskError:
		r.Code, r.Body = protocol.CodeDiskIOError, nil
	case kind == OddInvalidState && r.RPC.IsRead():
		r.Code, r.Body = protocol.CodeInvalidState, nil
	case kind == OddGarbage:
		o.run.observer.garbage(conn)
		o.out = append(o.out, oddGarbage...)
		return
	}
	if !o.muted[conn] {
		o.out = protocol.AppendResponse(o.out, r)
	}
}

func (o *oddity) negotiation(kind string, conn uint64, r *protocol.Response) {
	status, _, err := protocol.ParseNegotiationResult(r.Body)
	if err != nil {
		return
	}
	switch {
	case kind == OddMute:
		o.muted[conn] = true
		return
	case kind == OddNoAuthentication:
		status = protocol.SASLAuthDisable
	case kind == OddEarlySuccess && status == protocol.SASLChallenge:
		status = protocol.SASLSucc
	default:
		return
	}
	o.run.observer.forge(conn)
	o.body = protocol.AppendNegotiationResult(o.body[:0], status, nil)
	r.Body = o.body
}

// answer changes a meta's answer to a query.
func (o *oddity) answer(kind string, place *nodePlace, r *protocol.Response) {
	q := &o.query
	must(protocol.ParseQueryConfigResult(r.Body, q))
	switch kind {
	case OddMetaError:
		*q = protocol.QueryConfig{Err: protocol.CodeDiskIOError}
	case OddBadIndex:
		if q.Err == protocol.CodeOK {
			q.Partitions[len(q.Partitions)-1].PID.Index = q.Count
		}
	case OddEachOther:
		*q = protocol.QueryConfig{Err: protocol.CodeForwardToOthers, Partitions: []protocol.PartitionConfig{{Primary: o.next(place)}}}
	case OddNewerBallot:
		for i := range q.Partitions {
			if q.Err == protocol.CodeOK {
				q.Partitions[i].Ballot++
			}
		}
	default:
		return
	}
	o.body = protocol.AppendQueryConfigResult(o.body[:0], q, o.run.scenario.HPFields)
	r.Body = o.body
}

// next is the meta after a meta.
func (o *oddity) next(place *nodePlace) netip.AddrPort {
	metas := o.run.metaAddrs()
	return metas[(slices.Index(metas, place.addr)+1)%len(metas)]
}

// serverWrites is how a node's adapter writes whole frames of its core.
func (r *run) serverWrites(place *nodePlace, io *world.IO, conn protocol.ConnID, data []byte) {
	id := io.Global(conn)
	if r.scenario.Odd.set() {
		if data = r.odd.rewrite(place, id, data); len(data) == 0 {
			return
		}
	}
	r.observer.serverWrote(r.world.Now(), id, data, io.Stamp)
	io.Write(conn, data)
}
