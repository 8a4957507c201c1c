// RPC codes: what a request asks for, by the name that travels.
// Names: upstream idl/*.thrift and src/common/replication.codes.h.

package protocol

// RPC names a request. Its number is ours and never travels; the name does.
type RPC uint16

// RPC codes. RPCUnknown stands for every name that this package does not know.
const (
	RPCUnknown     RPC = iota
	RPCNegotiation     // to any node, before anything else

	// To a meta server.
	RPCQueryConfig
	RPCCreateApp
	RPCDropApp
	RPCRecallApp
	RPCListApps
	RPCListNodes
	RPCClusterInfo
	RPCUpdateAppEnv
	RPCControlMeta
	RPCProposeBalancer

	// To a replica server: reads.
	RPCGet
	RPCTTL
	RPCMultiGet
	RPCBatchGet
	RPCSortKeyCount
	RPCGetScanner
	RPCScan
	RPCClearScanner // one-way: answering it breaks upstream's Go client

	// To a replica server: writes.
	RPCPut
	RPCRemove
	RPCMultiPut
	RPCMultiRemove
	RPCIncr
	RPCCheckAndSet
	RPCCheckAndMutate

	// To either: a remote command.
	RPCCli

	rpcCount
)

// NumRPC is one more than the largest RPC: the length of a table indexed by RPC.
const NumRPC = int(rpcCount)

// AckSuffix turns the name of a request into the name of its answer.
const AckSuffix = "_ACK"

type rpcTraits uint8

const (
	rpcRead      rpcTraits = 1 << iota // reads a partition
	rpcWrite                           // may change a partition
	rpcMeta                            // a meta server answers it
	rpcRetryable                       // running it twice is as good as running it once
	rpcOneWay                          // never answered
)

type rpcEntry struct {
	name   string
	ack    string
	traits rpcTraits
}

// rpcTable is indexed by RPC; nothing writes it.
var rpcTable = [rpcCount]rpcEntry{
	RPCUnknown:         {name: "RPC_UNKNOWN"},
	RPCNegotiation:     entry("RPC_NEGOTIATION", 0),
	RPCQueryConfig:     entry("RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", rpcMeta|rpcRetryable),
	RPCCreateApp:       entry("RPC_CM_CREATE_APP", rpcMeta),
	RPCDropApp:         entry("RPC_CM_DROP_APP", rpcMeta),
	RPCRecallApp:       entry("RPC_CM_RECALL_APP", rpcMeta),
	RPCListApps:        entry("RPC_CM_LIST_APPS", rpcMeta|rpcRetryable),
	RPCListNodes:       entry("RPC_CM_LIST_NODES", rpcMeta|rpcRetryable),
	RPCClusterInfo:     entry("RPC_CM_CLUSTER_INFO", rpcMeta|rpcRetryable),
	RPCUpdateAppEnv:    entry("RPC_CM_UPDATE_APP_ENV", rpcMeta),
	RPCControlMeta:     entry("RPC_CM_CONTROL_META", rpcMeta),
	RPCProposeBalancer: entry("RPC_CM_PROPOSE_BALANCER", rpcMeta),
	RPCGet:             entry("RPC_RRDB_RRDB_GET", rpcRead|rpcRetryable),
	RPCTTL:             entry("RPC_RRDB_RRDB_TTL", rpcRead|rpcRetryable),
	RPCMultiGet:        entry("RPC_RRDB_RRDB_MULTI_GET", rpcRead|rpcRetryable),
	RPCBatchGet:        entry("RPC_RRDB_RRDB_BATCH_GET", rpcRead|rpcRetryable),
	RPCSortKeyCount:    entry("RPC_RRDB_RRDB_SORTKEY_COUNT", rpcRead|rpcRetryable),
	RPCGetScanner:      entry("RPC_RRDB_RRDB_GET_SCANNER", rpcRead|rpcRetryable),
	RPCScan:            entry("RPC_RRDB_RRDB_SCAN", rpcRead), // consumes its context
	RPCClearScanner:    entry("RPC_RRDB_RRDB_CLEAR_SCANNER", rpcRead|rpcOneWay),
	RPCPut:             entry("RPC_RRDB_RRDB_PUT", rpcWrite),
	RPCRemove:          entry("RPC_RRDB_RRDB_REMOVE", rpcWrite),
	RPCMultiPut:        entry("RPC_RRDB_RRDB_MULTI_PUT", rpcWrite),
	RPCMultiRemove:     entry("RPC_RRDB_RRDB_MULTI_REMOVE", rpcWrite),
	RPCIncr:            entry("RPC_RRDB_RRDB_INCR", rpcWrite),
	RPCCheckAndSet:     entry("RPC_RRDB_RRDB_CHECK_AND_SET", rpcWrite),
	RPCCheckAndMutate:  entry("RPC_RRDB_RRDB_CHECK_AND_MUTATE", rpcWrite),
	RPCCli:             entry("RPC_CLI_CLI_CALL", 0),
}

func entry(name string, traits rpcTraits) rpcEntry {
	return rpcEntry{name: name, ack: name + AckSuffix, traits: traits}
}

// rpcByLength has the codes by the length of their names, which few share: faster than a
// map, and every frame asks. Nothing writes it.
var rpcByLength = func() (by [64][]RPC) {
	for i := RPCUnknown + 1; i < rpcCount; i++ {
		n := len(rpcTable[i].name)
		by[n] = append(by[n], i)
	}
	return by
}()

// LookupRPC returns the code of a request's name on the wire, RPCUnknown if there is
// none. It does not allocate.
func LookupRPC(name []byte) RPC { return lookupRPC(name) }

// RPCByName is LookupRPC of a string.
func RPCByName(name string) RPC { return lookupRPC(name) }

func lookupRPC[T []byte | string](name T) RPC {
	if len(name) < len(rpcByLength) {
		for _, r := range rpcByLength[len(name)] {
			if rpcTable[r].name == string(name) {
				return r
			}
		}
	}
	return RPCUnknown
}

// LookupAck returns the code of the request that an answer's name on the wire belongs
// to, RPCUnknown if there is none. It does not allocate.
func LookupAck(name []byte) RPC {
	n := len(name) - len(AckSuffix)
	if n <= 0 || string(name[n:]) != AckSuffix {
		return RPCUnknown
	}
	return LookupRPC(name[:n])
}

func (r RPC) entry() rpcEntry {
	if r >= rpcCount {
		r = RPCUnknown
	}
	return rpcTable[r]
}

// String returns the name on the wire.
func (r RPC) String() string { return r.entry().name }

// AckName returns the name of the answer on the wire; of RPCUnknown there is none.
func (r RPC) AckName() string { return r.entry().ack }

// IsRead says that a replica server answers it without changing anything that another
// client can see.
func (r RPC) IsRead() bool { return r.entry().traits&rpcRead != 0 }

// IsWrite says that it may change a partition: without an answer its effect is unknown.
func (r RPC) IsWrite() bool { return r.entry().traits&rpcWrite != 0 }

// IsMeta says that a meta server answers it.
func (r RPC) IsMeta() bool { return r.entry().traits&rpcMeta != 0 }

// Retryable says that an attempt that may have run, or may still run, does no harm
// beside another: it may be sent again.
func (r RPC) Retryable() bool { return r.entry().traits&rpcRetryable != 0 }

// IsOneWay says that it is never answered.
func (r RPC) IsOneWay() bool { return r.entry().traits&rpcOneWay != 0 }
