// The state: the truth, what metas and nodes make of it, and the client.

package routing

// Stage is how far a query is.
type Stage uint8

// Stages of a query.
const (
	NoQuery  Stage = iota
	Asked          // on its way to a meta
	Answered       // the answer is on its way back
	Cut            // the meta is down, or went down meanwhile: the client will notice
	Open           // the client waits for ever for an answer that it has thrown away
)

// Answer is what a meta says.
type Answer uint8

// Answers.
const (
	NoAnswer  Answer = iota
	Table            // the configuration of every partition
	Redirect         // another meta leads
	NoLeader         // this one does not, and knows none that does
	OddAnswer        // an error that the client does not know
)

// Query is the client's only query at a time.
type Query struct {
	Stage   Stage
	Meta    uint8 // that is asked
	Answer  Answer
	To      uint8           // of a redirect
	Ballots [MaxParts]uint8 // of a table
}

// Step is where a request stands.
type Step uint8

// Steps of a request.
const (
	Idle     Step = iota // not submitted
	Unrouted             // waits for the table, or for another try
	Waiting              // given to the session of a node, not written
	Written              // on its way to that node
	Served               // executed, the answer is on its way
	Refused              // not executed, the refusal is on its way
	Lost                 // written, and the node went down: the client will notice
	Done                 // completed: answered
	Unknown              // completed: written, and the answer will never come
	Expired              // completed: its time was over before it was written
)

// over says whether the user has been told how it ended.
func (t Step) over() bool { return t >= Done }

// underWay says whether it has been submitted and is not over.
func (t Step) underWay() bool { return t > Idle && t < Done }

// Request is one request.
type Request struct {
	Step Step
	Node uint8 // that has it, or with retry-to-stale-primary had it first; 0 for none
}

// State of the system. Metas, nodes, partitions and requests are counted from 1 and
// stored from 0; sets are bits, bit 0 for the first.
type State struct {
	Moves, Elections, Splits, Crashes, Earlies uint8 // budgets left

	Leader  uint8
	History [MaxParts]string // primaries, in the order of ballots

	MetaUp uint8                     // set
	NodeUp uint8                     // set
	Hint   [MaxMetas]uint8           // whom a meta takes for the leader; 0 for nobody
	Frozen [MaxMetas][MaxParts]uint8 // ballots that a meta answers with which leads no longer and does not know it

	Known     uint8           // set of metas that the client knows
	Ballots   [MaxParts]uint8 // the client's table; 0 for what is not known
	Stale     bool            // to be looked up again
	Tried     uint8           // set of metas asked in this round
	Again     uint8           // set of those of Tried whose connection is a new one since they were asked
	Hops      uint8           // redirects followed in this round; stops at Metas
	Query     Query
	Requests  [MaxRequests]Request
	Told      [MaxRequests]uint8 // completions of the submission in hand; two stands for more
	Regressed bool               // a configuration was replaced by one with a lower ballot
}

func in(set, n uint8) bool       { return set&(1<<(n-1)) != 0 }
func with(set, n uint8) uint8    { return set | 1<<(n-1) }
func without(set, n uint8) uint8 { return set &^ (1 << (n - 1)) }

// request returns request r, counted from 1.
func (s *State) request(r uint8) *Request { return &s.Requests[r-1] }

// partition returns which partition request r is of, from 0.
func (m *Model) partition(r uint8) int { return (int(r) - 1) % m.Parts }

// primary returns the primary of partition p as the client knows it, 0 if it does not.
func (s *State) primary(p int) uint8 {
	if s.Ballots[p] == 0 {
		return 0
	}
	return s.History[p][s.Ballots[p]-1]
}

// truePrimary returns the primary of partition p.
func (s *State) truePrimary(p int) uint8 { return s.History[p][len(s.History[p])-1] }

// leads says whether meta n takes itself for the leader.
func (s *State) leads(n uint8) bool { return s.Hint[n-1] == n }

// tell counts a completion of request r.
func (s *State) tell(r uint8) {
	if s.Told[r-1] < 2 {
		s.Told[r-1]++
	}
}

// AppendState appends the canonical form of s. What lies beyond the constants is not used
// and not written.
func (m *Model) AppendState(dst []byte, s State) []byte {
	dst = append(dst, s.Moves, s.Elections, s.Splits, s.Crashes, s.Earlies, s.Leader, s.MetaUp, s.NodeUp,
		s.Known, s.Tried, s.Again, s.Hops, flags(s.Stale, s.Regressed),
		byte(s.Query.Stage), s.Query.Meta, byte(s.Query.Answer), s.Query.To)
	for p := range m.Parts {
		dst = append(dst, s.Ballots[p], s.Query.Ballots[p], byte(len(s.History[p])))
		dst = append(dst, s.History[p]...)
	}
	for n := range m.Metas {
		dst = append(dst, s.Hint[n])
		dst = append(dst, s.Frozen[n][:m.Parts]...)
	}
	for r := range m.NReq {
		dst = append(dst, byte(s.Requests[r].Step), s.Requests[r].Node, s.Told[r])
	}
	return dst
}

func flags(a, b bool) byte {
	var f byte
	if a {
		f |= 1
	}
	if b {
		f |= 2
	}
	return f
}
