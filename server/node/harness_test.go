// The test's own end of a node: a script language for events, effects as text.

package node

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/protocol/idl"
	"github.com/a8011091/pegasus-reference/protocol/idl/admin"
	"github.com/a8011091/pegasus-reference/server/meta"
	"github.com/a8011091/pegasus-reference/server/replica"
)

var (
	epoch    = time.Unix(1_700_000_000, 0).UTC()
	selfAddr = netip.MustParseAddrPort("10.0.0.1:34601")
	peerAddr = netip.MustParseAddrPort("10.0.0.9:40000")
)

// baseConfig is a node that is both, leads, and is primary of 1.0 and secondary of 1.1.
func baseConfig() Config {
	return Config{
		Self:      selfAddr,
		Mechanism: "PEGASUS-TEST",
		Meta: &meta.Config{Self: selfAddr, Leader: selfAddr, Nodes: []netip.AddrPort{selfAddr}, Tables: []meta.Table{{
			Name: "temp", AppID: 1, Partitions: []protocol.PartitionConfig{
				{Ballot: 1, Primary: selfAddr}, {Ballot: 3, Secondaries: []netip.AddrPort{selfAddr}},
			},
		}}},
		Replica: &replica.Config{Server: selfAddr.String(), Partitions: []replica.Partition{
			{PID: protocol.GPID{AppID: 1}, Role: replica.RolePrimary},
			{PID: protocol.GPID{AppID: 1, Index: 1}, Role: replica.RoleSecondary},
		}},
	}
}

func mandatory(early EarlyRequest) Config {
	cfg := baseConfig()
	cfg.Auth, cfg.Early = Auth{Enabled: true, Mandatory: true}, early
	return cfg
}

// negotiationFrame and the others below make request frames; Seq is given by the caller.
func negotiationFrame(seq int32, status protocol.NegotiationStatus, msg string) []byte {
	return protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1}, RPC: protocol.RPCNegotiation, Seq: seq,
		Body: protocol.AppendNegotiationArgs(nil, status, []byte(msg)),
	})
}

func storedKey(key string) []byte {
	k, err := protocol.AppendKey(nil, []byte(key), []byte("s"))
	if err != nil {
		panic(err)
	}
	return k
}

func requestFrame(seq int32, rpc protocol.RPC, app, part int32, body []byte) []byte {
	return protocol.AppendRequest(nil, &protocol.Request{
		Header: protocol.Header{Version: 1, AppID: app, Partition: part}, RPC: rpc, Seq: seq, Body: body,
	})
}

func getFrame(seq int32, key string) []byte {
	return requestFrame(seq, protocol.RPCGet, 1, 0, protocol.AppendKeyArgs(nil, storedKey(key)))
}

func putFrame(seq int32, key, value string) []byte {
	return requestFrame(seq, protocol.RPCPut, 1, 0, protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: storedKey(key), Value: []byte(value)}))
}

func queryFrame(seq int32, table string) []byte {
	return requestFrame(seq, protocol.RPCQueryConfig, 0, 0, protocol.AppendQueryConfigArgs(nil, table, nil))
}

// script interprets one file of testdata.
type script struct {
	now    time.Time
	core   *Core
	seq    int32
	timers []armed
}

type armed struct {
	id protocol.TimerID
	at time.Time
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/script", func(t *testing.T, path string) {
		s := &script{now: epoch}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := s.run(d)
			require.NoError(t, err, d.Pos)
			return out
		})
	})
}

// run interprets a command:
//
//	node [auth=off|optional|mandatory] [early=..] [hp] [follower] [limit=value]..
//	     [allow=PATTERN,..] [query|read|write|admin=PATTERN,..] [super=USER,..]; "-" is the empty pattern
//	accept C [from=HOST]   close C
//	send C        one request a line, all in one event: see frame; "raw HEX", "cut N" cuts N bytes off the end
//	token C [challenge=..] [done=principal] [failed] [internal]
//	leader ADDR   stop      advance DURATION      stats
func (s *script) run(d *datadriven.TestData) (string, error) {
	switch d.Cmd {
	case "node":
		cfg, err := nodeConfig(d.CmdArgs)
		if pattern := (*PatternError)(nil); errors.As(err, &pattern) {
			return err.Error() + "\n", nil
		}
		if err != nil {
			return "", err
		}
		if err := cfg.Validate(); err != nil {
			return err.Error() + "\n", nil
		}
		s.core, s.seq, s.timers = New(cfg), 0, nil
		return "", nil
	case "accept":
		peer := peerAddr
		if len(d.CmdArgs) > 1 {
			host, err := netip.ParseAddr(strings.Join(d.CmdArgs[1].Vals, ""))
			if err != nil {
				return "", err
			}
			peer = netip.AddrPortFrom(host, peer.Port())
		}
		return s.step(Event{Kind: EventAccepted, Conn: connArg(d), Peer: peer})
	case "close":
		return s.step(Event{Kind: EventClosed, Conn: connArg(d)})
	case "send":
		data, err := s.frames(d.Input)
		if err != nil {
			return "", err
		}
		return s.step(Event{Kind: EventReceived, Conn: connArg(d), Data: data})
	case "token":
		return s.step(tokenEvent(d))
	case "leader":
		addr, err := netip.ParseAddrPort(d.CmdArgs[0].Key)
		if err != nil {
			return "", err
		}
		return s.step(Event{Kind: EventLeader, Peer: addr})
	case "stop":
		return s.step(Event{Kind: EventClose})
	case "advance":
		by, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			return "", err
		}
		return s.advance(by)
	case "stats":
		return fmt.Sprintf("%+v\n", s.core.Stats()), nil
	}
	return "", fmt.Errorf("unknown command %q", d.Cmd)
}

func connArg(d *datadriven.TestData) protocol.ConnID {
	n, err := strconv.ParseUint(d.CmdArgs[0].Key, 10, 64)
	if err != nil {
		panic(err)
	}
	return protocol.ConnID(n)
}

func tokenEvent(d *datadriven.TestData) Event {
	ev := Event{Kind: EventToken, Conn: connArg(d)}
	for _, a := range d.CmdArgs[1:] {
		switch a.Key {
		case "challenge":
			ev.Data = []byte(strings.Join(a.Vals, ""))
		case "done":
			ev.Done, ev.Principal = true, strings.Join(a.Vals, "")
		case "failed":
			ev.Failed = true
		case "internal":
			ev.Failed, ev.Internal = true, true
		}
	}
	return ev
}

func nodeConfig(args []datadriven.CmdArg) (Config, error) {
	cfg := baseConfig()
	for _, a := range args {
		v := strings.Join(a.Vals, "")
		n, _ := strconv.Atoi(v)
		switch a.Key {
		case "auth":
			cfg.Auth = Auth{Enabled: v != "off", Mandatory: v == "mandatory"}
		case "early":
			var err error
			if cfg.Early, err = ParseEarlyRequest(v); err != nil {
				return cfg, err
			}
		case "early-code":
			cfg.EarlyCode = protocol.ErrorCodeByName(v)
		case "allow", "query", "read", "write", "admin":
			list, err := patterns(a.Vals)
			if err != nil {
				return cfg, err
			}
			if i := slices.Index(operationNames[:], a.Key); i >= 0 {
				cfg.Access.May[i] = list
			} else {
				cfg.Access.Allowed = list
			}
		case "super":
			cfg.Access.SuperUsers = strings.Split(v, ",")
		case "changeable":
			cfg.Meta.Changeable = true
		case "hp":
			cfg.Meta.HPFields = true
		case "follower":
			cfg.Meta.Leader = netip.MustParseAddrPort("10.0.0.2:34601")
		case "meta-only":
			cfg.Replica = nil
		case "replica-only":
			cfg.Meta = nil
		case "mechanism":
			cfg.Mechanism = v
		case "MaxConns":
			cfg.Limits.MaxConns = n
		case "MaxHalfOpen":
			cfg.Limits.MaxHalfOpen = n
		case "MaxHeldRequests":
			cfg.Limits.MaxHeldRequests = n
		case "MaxHeldBytes":
			cfg.Limits.MaxHeldBytes = n
		case "MaxFrameBytes":
			cfg.Limits.Frame.MaxFrameBytes = n
		case "MaxConnBytes":
			cfg.Limits.Frame.MaxBufferedBytes = n
		case "MaxBufferedBytes":
			cfg.Limits.MaxBufferedBytes = n
		case "MaxOutputBytes":
			cfg.Limits.MaxOutputBytes = n
		case "MaxTokenBytes":
			cfg.Limits.MaxTokenBytes = n
		case "MaxRounds":
			cfg.Limits.MaxRounds = n
		default:
			return cfg, fmt.Errorf("unknown argument %q", a.Key)
		}
	}
	return cfg, nil
}

func patterns(texts []string) ([]Pattern, error) {
	var list []Pattern
	for text := range strings.SplitSeq(strings.Join(texts, ""), ",") {
		if text == "-" {
			list = append(list, Pattern{})
			continue
		}
		p, err := ParsePattern(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (s *script) step(ev Event) (string, error) {
	var b strings.Builder
	for _, e := range s.core.Step(s.now, ev, nil) {
		switch e.Kind {
		case EffectArmTimer:
			s.timers = append(s.timers, armed{e.Timer, s.now.Add(e.After)})
		case EffectStopTimer:
			s.stop(e.Timer)
		}
		if err := describe(&b, &e); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (s *script) stop(id protocol.TimerID) {
	for i := range s.timers {
		if s.timers[i].id == id {
			s.timers = append(s.timers[:i], s.timers[i+1:]...)
			return
		}
	}
}

// advance fires, in order, what is due.
func (s *script) advance(by time.Duration) (string, error) {
	end, all := s.now.Add(by), ""
	for len(s.timers) > 0 && !s.timers[0].at.After(end) {
		t := s.timers[0]
		s.now, s.timers = t.at, s.timers[1:]
		out, err := s.step(Event{Kind: EventTimer, Timer: t.id})
		if err != nil {
			return "", err
		}
		all += fmt.Sprintf("timer %d\n", t.id) + out
	}
	s.now = end
	return all, nil
}

// frames turns lines into bytes, see frame.
func (s *script) frames(input string) ([]byte, error) {
	var data []byte
	for line := range strings.Lines(input) {
		words := strings.Fields(line)
		switch words[0] {
		case "raw":
			var raw []byte
			if _, err := fmt.Sscanf(strings.Join(words[1:], ""), "%x", &raw); err != nil {
				return nil, err
			}
			data = append(data, raw...)
		case "cut":
			n, err := strconv.Atoi(words[1])
			if err != nil {
				return nil, err
			}
			data = data[:len(data)-n]
		default:
			r, err := s.frame(words)
			if err != nil {
				return nil, err
			}
			data = protocol.AppendRequest(data, r)
		}
	}
	return data, nil
}

// frame makes one request:
//
//	neg STATUS [TOKEN]        get|ttl|remove|put KEY [VALUE] [part=N] [app=N] [expire=N] [backup] [v0]
//	query TABLE [INDEX..]     create|drop TABLE     rpc NAME [app=N]          any of them: [oneway] [garbage]
func (s *script) frame(words []string) (*protocol.Request, error) {
	r := &protocol.Request{Header: protocol.Header{Version: 1}, Seq: s.seq + 1}
	s.seq++
	put := protocol.PutArgs{}
	var args []string
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "part":
			r.Header.Partition = int32(n)
		case "app":
			r.Header.AppID = int32(n)
		case "expire":
			put.ExpireTS = protocol.EpochSeconds(s.now) + int32(n)
		case "backup":
			r.Header.Backup = true
		case "v0":
			r.Header.Version = 0
		case "oneway":
			r.OneWay = true
		case "garbage":
			r.Body = []byte{0xff, 0xff}
		default:
			args = append(args, w)
		}
	}
	body, err := s.body(r, words, args, &put)
	if r.Body == nil {
		r.Body = body
	}
	return r, err
}

func (s *script) body(r *protocol.Request, words, args []string, put *protocol.PutArgs) ([]byte, error) {
	if app := strings.Contains(strings.Join(words, " "), "app="); !app && slices.Contains([]string{"get", "ttl", "put", "remove"}, words[0]) {
		r.Header.AppID = 1
	}
	args = append(args, "", "")
	switch words[0] {
	case "neg":
		r.RPC = protocol.RPCNegotiation
		status, ok := statuses[args[0]]
		if !ok {
			return nil, fmt.Errorf("unknown status %q", args[0])
		}
		return protocol.AppendNegotiationArgs(nil, status, []byte(args[1])), nil
	case "get", "ttl", "remove":
		r.RPC = map[string]protocol.RPC{"get": protocol.RPCGet, "ttl": protocol.RPCTTL, "remove": protocol.RPCRemove}[words[0]]
		return protocol.AppendKeyArgs(nil, storedKey(args[0])), nil
	case "put":
		r.RPC = protocol.RPCPut
		put.Key, put.Value = storedKey(args[0]), []byte(args[1])
		return protocol.AppendPutArgs(nil, put), nil
	case "query":
		r.RPC = protocol.RPCQueryConfig
		var indices []int32
		for _, w := range args[1 : len(args)-2] {
			n, err := strconv.Atoi(w)
			if err != nil {
				return nil, err
			}
			indices = append(indices, int32(n))
		}
		return protocol.AppendQueryConfigArgs(nil, args[0], indices), nil
	case "create":
		r.RPC = protocol.RPCCreateApp
		return idl.Marshal(&admin.AdminClientCreateAppArgs{Req: &admin.CreateAppRequest{AppName: args[0], Options: &admin.CreateAppOptions{
			PartitionCount: 2, ReplicaCount: 1, AppType: "pegasus", IsStateful: true,
		}}})
	case "drop":
		r.RPC = protocol.RPCDropApp
		return idl.Marshal(&admin.AdminClientDropAppArgs{Req: &admin.DropAppRequest{AppName: args[0], Options: &admin.DropAppOptions{}}})
	case "rpc":
		if r.RPC = protocol.RPCByName(args[0]); r.RPC == protocol.RPCUnknown {
			r.Name = args[0]
		}
		return []byte{0}, nil
	}
	return nil, fmt.Errorf("unknown frame %q", words[0])
}

var statuses = map[string]protocol.NegotiationStatus{
	"LIST": protocol.SASLListMechanisms, "LIST_RESP": protocol.SASLListMechanismsResp,
	"SELECT": protocol.SASLSelectMechanisms, "INITIATE": protocol.SASLInitiate,
	"CHALLENGE": protocol.SASLChallenge, "RESPONSE": protocol.SASLChallengeResp,
	"SUCC": protocol.SASLSucc, "DISABLE": protocol.SASLAuthDisable, "FAIL": protocol.SASLAuthFail,
	"INVALID": protocol.SASLInvalid, "77": 77,
}

// describe writes one effect in words.
func describe(b *strings.Builder, e *Effect) error {
	switch e.Kind {
	case EffectWrite:
		fmt.Fprintf(b, "write %d:\n", e.Conn)
		return describeFrames(b, e.Data)
	case EffectClose:
		fmt.Fprintf(b, "close %d: %v\n", e.Conn, e.Cause)
	case EffectArmTimer:
		fmt.Fprintf(b, "arm %d after %v\n", e.Timer, e.After)
	case EffectStopTimer:
		fmt.Fprintf(b, "stop timer %d\n", e.Timer)
	case EffectToken:
		fmt.Fprintf(b, "token %d: begin=%v %q\n", e.Conn, e.Begin, e.Data)
	case EffectExecuted:
		fmt.Fprintf(b, "executed %d: %v -> %v by %q authenticated=%v\n", e.Conn, e.RPC, e.Code, e.Principal, e.Authenticated)
	case EffectTables:
		fmt.Fprintf(b, "tables changed by %d\n", e.Conn)
	case EffectDenied:
		fmt.Fprintf(b, "denied %d: %v -> %v to %q authenticated=%v\n", e.Conn, e.RPC, e.Code, e.Principal, e.Authenticated)
	case EffectConn:
		fmt.Fprintf(b, "conn %d: %v", e.Conn, e.ConnState)
		switch {
		case e.Failure != FailureNone:
			fmt.Fprintf(b, " (%v: %v)", e.Cause, e.Failure)
		case e.Cause != CauseNone:
			fmt.Fprintf(b, " (%v)", e.Cause)
		}
		if e.Principal != "" {
			fmt.Fprintf(b, " as %q", e.Principal)
		}
		b.WriteByte('\n')
	default:
		return fmt.Errorf("effect of kind %d", e.Kind)
	}
	return nil
}

func describeFrames(b *strings.Builder, data []byte) error {
	d := protocol.NewResponseDecoder(protocol.Limits{})
	if err := d.Write(data); err != nil {
		return err
	}
	var r protocol.Response
	for {
		ok, err := d.Next(&r)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		name := r.RPC.AckName()
		if r.RPC == protocol.RPCUnknown {
			name = r.Name
		}
		fmt.Fprintf(b, "  #%d %s %v%s\n", r.Seq, name, r.Code, describeBody(&r))
	}
	if d.Buffered() != 0 {
		return fmt.Errorf("%d bytes written that are no whole frame", d.Buffered())
	}
	return nil
}

func describeBody(r *protocol.Response) string {
	if r.Code != protocol.CodeOK {
		return fmt.Sprintf(" (%d bytes)", len(r.Body))
	}
	var text string
	var err error
	switch r.RPC {
	case protocol.RPCNegotiation:
		var status protocol.NegotiationStatus
		var msg []byte
		status, msg, err = protocol.ParseNegotiationResult(r.Body)
		text = fmt.Sprintf("%v %q", status, msg)
	case protocol.RPCGet:
		var a protocol.ReadResult
		a, err = protocol.ParseReadResult(r.Body)
		text = fmt.Sprintf("%v %q", a.Status, a.Value)
	case protocol.RPCTTL:
		var a protocol.TTLResult
		a, err = protocol.ParseTTLResult(r.Body)
		text = fmt.Sprintf("%v %d", a.Status, a.TTLSeconds)
	case protocol.RPCPut, protocol.RPCRemove:
		var a protocol.UpdateResult
		a, err = protocol.ParseUpdateResult(r.Body)
		text = fmt.Sprintf("%v decree=%d", a.Status, a.Decree)
	case protocol.RPCCreateApp:
		var a admin.AdminClientCreateAppResult
		if err = idl.Unmarshal(r.Body, &a, protocol.Limits{}); err == nil {
			text = fmt.Sprintf("%v app=%d", a.Success.Err, a.Success.Appid)
		}
	case protocol.RPCDropApp:
		var a admin.AdminClientDropAppResult
		if err = idl.Unmarshal(r.Body, &a, protocol.Limits{}); err == nil {
			text = a.Success.Err.String()
		}
	case protocol.RPCQueryConfig:
		var q protocol.QueryConfig
		err = protocol.ParseQueryConfigResult(r.Body, &q)
		text = fmt.Sprintf("%v app=%d count=%d stateful=%v", q.Err, q.AppID, q.Count, q.Stateful)
		for _, p := range q.Partitions {
			text += fmt.Sprintf("\n      %d.%d ballot=%d primary=%v secondaries=%v", p.PID.AppID, p.PID.Index, p.Ballot, p.Primary, p.Secondaries)
		}
	}
	if err != nil {
		return " undecodable: " + err.Error()
	}
	return ": " + text
}
