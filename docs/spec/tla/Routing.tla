------------------------------ MODULE Routing ------------------------------
(***************************************************************************)
(* How a client finds the leader among several metas, keeps its table, and *)
(* gives each request to the primary of its partition. The twin of the Go  *)
(* package model/routing: for every assignment of the constants both have  *)
(* the same number of distinct states and the same verdicts. Clauses are   *)
(* numbered as there: R1..R15 client, R20..R29 metas and nodes, Q1..Q17    *)
(* properties.                                                             *)
(*                                                                         *)
(* Time is abstract; faults use up budgets. Bounds are guards of actions,  *)
(* never constraints on states.                                            *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Metas,       \* metas 1..Metas; meta 1 leads at first
  Known,       \* metas 1..Known are configured; others are learned from redirects
  Nodes,       \* replica nodes 1..Nodes
  Parts,       \* partitions; the primary of each is node 1 at first
  NReq,        \* requests 1..NReq; request r is of partition 1 + (r-1) mod Parts
  Moves,       \* budget: new primaries
  Elections,   \* budget: new leaders
  Splits,      \* budget: a meta comes to believe in a leader that is none
  Crashes,     \* budget: crashes of metas and nodes
  Earlies,     \* budget: timers that fire although the answer was on its way
  Odd,         \* BOOLEAN: a meta may answer with an error that the client does not know
  Learn,       \* BOOLEAN: every meta hears of the leader in the end
  Cyclic,      \* BOOLEAN: the user submits each request again and again
  Defects      \* set of defects of the client that are switched on

PingPong == "forward-ping-pong" \in Defects
StaleTry == "retry-to-stale-primary" \in Defects
AnyBallot == "older-ballot-accepted" \in Defects
LostCall == "lost-callback-on-unknown-error" \in Defects

ASSUME Known \in 1..Metas
ASSUME Defects \subseteq {"forward-ping-pong", "retry-to-stale-primary",
                          "older-ballot-accepted", "lost-callback-on-unknown-error"}

VARIABLES
  moves, elections, splits, crashes, earlies,   \* budgets left
  leader,    \* the truth
  history,   \* per partition, its primaries in the order of ballots
  metaUp, nodeUp,
  hint,      \* per meta, whom it takes for the leader; 0 for nobody
  frozen,    \* per meta and partition, the ballot that one answers with which was deposed
             \* and does not know it; 0 for the others
  known,     \* metas that the client knows
  ballots,   \* the client's table; 0 for what is not known
  stale,     \* it is to be looked up again
  tried,     \* metas asked in this round
  again,     \* those of them whose connection is a new one since they were asked
  hops,      \* redirects followed in this round; stops at Metas
  query,     \* the only one at a time
  req,       \* per request, its step and the node that has it
  told,      \* completions of the submission in hand, 0..2
  regressed  \* a configuration was replaced by one with a lower ballot

budget == <<moves, elections, splits, crashes, earlies>>
truth  == <<leader, history>>
hosts  == <<metaUp, nodeUp>>
belief == <<hint, frozen>>
table  == <<known, ballots, stale, tried, again, hops, query, regressed>>
reqs   == <<req, told>>
vars   == <<budget, truth, hosts, belief, table, reqs>>

M == 1..Metas
N == 1..Nodes
P == 1..Parts
Reqs == 1..NReq
Part(r) == 1 + ((r - 1) % Parts)

Zero == [p \in P |-> 0]
NoQuery == [stage |-> "none", meta |-> 0, answer |-> "none", to |-> 0, ballots |-> Zero]
At(step, node) == [step |-> step, node |-> node]

Over     == {"done", "unknown", "expired"}
UnderWay == {"unrouted", "waiting", "written", "served", "refused", "lost"}

Current        == [p \in P |-> Len(history[p])]
TruePrimary(p) == history[p][Len(history[p])]
\* The primary of p as the table b has it, 0 if it does not.
Primary(b, p)  == IF b[p] = 0 THEN 0 ELSE history[p][b[p]]
Leads(n)       == hint[n] = n

Init ==
  /\ moves = Moves /\ elections = Elections /\ splits = Splits /\ crashes = Crashes /\ earlies = Earlies
  /\ leader = 1 /\ history = [p \in P |-> <<1>>]
  /\ metaUp = M /\ nodeUp = N
  /\ hint = [n \in M |-> 1] /\ frozen = [n \in M |-> Zero]
  /\ known = 1..Known /\ ballots = Zero /\ stale = FALSE /\ tried = {} /\ again = {} /\ hops = 0
  /\ query = NoQuery /\ regressed = FALSE
  /\ req = [r \in Reqs |-> At("idle", 0)] /\ told = [r \in Reqs |-> 0]

----------------------------------------------------------------------------
\* Requests

End(r, how) ==
  /\ req' = [req EXCEPT ![r] = At(how, 0)]
  /\ told' = [told EXCEPT ![r] = IF @ < 2 THEN @ + 1 ELSE 2]

Submit(r) ==                                                                    \* R1
  /\ req[r].step = "idle" \/ (Cyclic /\ req[r].step \in Over)
  /\ req' = [req EXCEPT ![r] = At("unrouted", 0)] /\ told' = [told EXCEPT ![r] = 0]
  /\ UNCHANGED <<budget, truth, hosts, belief, table>>

Route(r) ==                                                                     \* R2
  /\ req[r].step = "unrouted" /\ ballots[Part(r)] # 0
  /\ req' = [req EXCEPT ![r] = At("waiting", IF @.node # 0 THEN @.node ELSE Primary(ballots, Part(r)))]
  /\ UNCHANGED <<budget, truth, hosts, belief, table, told>>

WriteTo(r) ==                                                                   \* R3
  /\ req[r].step = "waiting" /\ req[r].node \in nodeUp
  /\ req' = [req EXCEPT ![r].step = "written"]
  /\ UNCHANGED <<budget, truth, hosts, belief, table, told>>

Outdated == stale' = TRUE /\ UNCHANGED <<known, ballots, tried, again, hops, query, regressed>>

NodeDown(r) ==                                                                  \* R4
  /\ req[r].step = "waiting" /\ req[r].node \notin nodeUp /\ ~stale
  /\ Outdated
  /\ UNCHANGED <<budget, truth, hosts, belief, reqs>>

Take(r) ==                                                                      \* R5
  /\ \/ req[r].step = "served" /\ End(r, "done") /\ UNCHANGED table
     \/ /\ req[r].step = "refused"
        /\ req' = [req EXCEPT ![r] = At("unrouted", IF StaleTry THEN @.node ELSE 0)]
        /\ Outdated /\ UNCHANGED told
  /\ UNCHANGED <<budget, truth, hosts, belief>>

Lose(r) ==                                                                      \* R6
  /\ req[r].step = "lost" /\ End(r, "unknown") /\ Outdated
  /\ UNCHANGED <<budget, truth, hosts, belief>>

Early == earlies > 0 /\ earlies' = earlies - 1 /\ UNCHANGED <<moves, elections, splits, crashes>>

RequestTimeoutEarly(r) ==                                                       \* R7
  /\ req[r].step \in UnderWay /\ Early
  /\ End(r, IF req[r].step \in {"unrouted", "waiting"} THEN "expired" ELSE "unknown")
  /\ UNCHANGED <<truth, hosts, belief, table>>

----------------------------------------------------------------------------
\* The query

Needs ==                                                                        \* R10
  stale \/ tried # {} \/ \E r \in Reqs : req[r].step = "unrouted" /\ ballots[Part(r)] = 0

QueryTo(n) == [NoQuery EXCEPT !.stage = IF n \in metaUp THEN "asked" ELSE "cut", !.meta = n]

Ask(n) ==                                                                       \* R11
  /\ query.stage = "none" /\ Needs
  /\ n \in known /\ n \notin tried \ again
  /\ tried' = tried \cup {n} /\ again' = again \ {n} /\ query' = QueryTo(n)
  /\ UNCHANGED <<budget, truth, hosts, belief, known, ballots, stale, hops, regressed, reqs>>

NextRound ==                                                                    \* R12
  /\ query.stage = "none" /\ tried # {} /\ known \subseteq tried
  /\ tried' = {} /\ again' = {} /\ hops' = 0
  /\ UNCHANGED <<budget, truth, hosts, belief, known, ballots, stale, query, regressed, reqs>>

LearnTable ==                                                                   \* R13
  /\ query.answer = "table"
  /\ LET said == query.ballots
         b    == [p \in P |-> IF said[p] < ballots[p] /\ ~AnyBallot THEN ballots[p] ELSE said[p]]
     IN /\ ballots' = b
        /\ regressed' = (regressed \/ \E p \in P : b[p] < ballots[p])
        /\ req' = IF StaleTry THEN req
                  ELSE [r \in Reqs |-> IF req[r].step = "waiting"
                                       THEN At("waiting", Primary(b, Part(r))) ELSE req[r]]
  /\ stale' = FALSE /\ tried' = {} /\ again' = {} /\ hops' = 0 /\ query' = NoQuery
  /\ UNCHANGED <<known, told>>

Redirected ==                                                                   \* R14
  /\ query.answer = "redirect"
  /\ known' = known \cup {query.to}
  /\ IF query.to \in tried /\ ~PingPong
     THEN query' = NoQuery /\ UNCHANGED <<tried, again, hops>>
     ELSE /\ hops' = IF hops < Metas THEN hops + 1 ELSE hops
          /\ tried' = tried \cup {query.to} /\ again' = again \ {query.to} /\ query' = QueryTo(query.to)
  /\ UNCHANGED <<ballots, stale, regressed, reqs>>

NotHelped ==                                                                    \* R15
  /\ query.answer \in {"no-leader", "odd"}
  /\ query' = IF query.answer = "odd" /\ LostCall THEN [NoQuery EXCEPT !.stage = "open", !.meta = query.meta] ELSE NoQuery
  /\ UNCHANGED <<known, ballots, stale, tried, again, hops, regressed, reqs>>

TakeAnswer ==
  /\ query.stage = "answered"
  /\ LearnTable \/ Redirected \/ NotHelped
  /\ UNCHANGED <<budget, truth, hosts, belief>>

QueryGone == query' = NoQuery /\ UNCHANGED <<truth, hosts, belief, known, ballots, stale, tried, again, hops, regressed, reqs>>
QueryFails == query.stage = "cut" /\ QueryGone /\ UNCHANGED budget
QueryTimeoutEarly == query.stage \in {"asked", "answered"} /\ Early /\ QueryGone

----------------------------------------------------------------------------
\* Metas and nodes

Says(answer, to, b) == query' = [query EXCEPT !.stage = "answered", !.answer = answer, !.to = to, !.ballots = b]
AnswerFrame == UNCHANGED <<truth, hosts, belief, known, ballots, stale, tried, again, hops, regressed, reqs>>

Answer ==                                                                       \* R20
  /\ query.stage = "asked"
  /\ LET n == query.meta IN
     IF n = leader THEN Says("table", 0, Current)
     ELSE IF Leads(n) THEN Says("table", 0, frozen[n])
     ELSE IF hint[n] = 0 THEN Says("no-leader", 0, Zero)
     ELSE Says("redirect", hint[n], Zero)
  /\ AnswerFrame /\ UNCHANGED budget

AnswerOddly ==                                                                  \* R21
  /\ Odd /\ query.stage = "asked" /\ Early /\ Says("odd", 0, Zero) /\ AnswerFrame

Serve(r) ==                                                                     \* R22
  /\ req[r].step = "written"
  /\ req' = [req EXCEPT ![r].step = IF TruePrimary(Part(r)) = req[r].node THEN "served" ELSE "refused"]
  /\ UNCHANGED <<budget, truth, hosts, belief, table, told>>

Move(p) ==                                                                      \* R23
  /\ moves > 0 /\ moves' = moves - 1 /\ leader \in metaUp
  /\ \E n \in nodeUp : n # TruePrimary(p) /\ history' = [history EXCEPT ![p] = Append(@, n)]
  /\ UNCHANGED <<elections, splits, crashes, earlies, leader, hosts, belief, table, reqs>>

Elect(n) ==                                                                     \* R24
  /\ elections > 0 /\ elections' = elections - 1
  /\ n # leader /\ n \in metaUp
  /\ frozen' = [frozen EXCEPT ![leader] = IF leader \in metaUp THEN Current ELSE @, ![n] = Zero]
  /\ leader' = n /\ hint' = [hint EXCEPT ![n] = n]
  /\ UNCHANGED <<moves, splits, crashes, earlies, history, hosts, table, reqs>>

Believe(n, l) == hint' = [hint EXCEPT ![n] = l] /\ frozen' = [frozen EXCEPT ![n] = Zero]

StepDown(n) ==                                                                  \* R25
  /\ n # leader /\ Leads(n) /\ Believe(n, leader)
  /\ UNCHANGED <<budget, truth, hosts, table, reqs>>

LearnLeader(n) ==                                                               \* R26
  /\ n \in metaUp /\ n # leader /\ ~Leads(n) /\ hint[n] # leader /\ Believe(n, leader)
  /\ UNCHANGED <<budget, truth, hosts, table, reqs>>

Rumour(n) ==                                                                    \* R27
  /\ splits > 0 /\ splits' = splits - 1
  /\ n \in metaUp /\ n # leader /\ ~Leads(n)
  /\ \E l \in M : l \notin {n, leader, hint[n]} /\ Believe(n, l)
  /\ UNCHANGED <<moves, elections, crashes, earlies, truth, hosts, table, reqs>>

CrashFrame == crashes > 0 /\ crashes' = crashes - 1 /\ UNCHANGED <<moves, elections, splits, earlies, truth>>

CrashMeta(n) ==                                                                 \* R28
  /\ CrashFrame /\ n \in metaUp /\ metaUp' = metaUp \ {n} /\ UNCHANGED nodeUp
  /\ Believe(n, 0)
  /\ query' = IF query.meta = n /\ query.stage \in {"asked", "answered"}
              THEN [NoQuery EXCEPT !.stage = "cut", !.meta = n] ELSE query
  /\ again' = again \ {n}
  /\ UNCHANGED <<known, ballots, stale, tried, hops, regressed, reqs>>

StartMeta(n) ==
  /\ n \notin metaUp /\ metaUp' = metaUp \cup {n} /\ UNCHANGED nodeUp
  /\ IF n = leader THEN Believe(n, n) ELSE UNCHANGED belief
  /\ again' = again \cup ({n} \cap tried)
  /\ UNCHANGED <<budget, truth, known, ballots, stale, tried, hops, query, regressed, reqs>>

CrashNode(n) ==                                                                 \* R29
  /\ CrashFrame /\ n \in nodeUp /\ nodeUp' = nodeUp \ {n} /\ UNCHANGED metaUp
  /\ req' = [r \in Reqs |-> IF req[r].node = n /\ req[r].step \in {"written", "served", "refused"}
                            THEN At("lost", n) ELSE req[r]]
  /\ UNCHANGED <<belief, table, told>>

StartNode(n) ==
  /\ n \notin nodeUp /\ nodeUp' = nodeUp \cup {n} /\ UNCHANGED metaUp
  /\ UNCHANGED <<budget, truth, belief, table, reqs>>

----------------------------------------------------------------------------
Next ==
  \/ \E r \in Reqs : \/ Submit(r) \/ Route(r) \/ WriteTo(r) \/ NodeDown(r) \/ Serve(r)
                     \/ Take(r) \/ Lose(r) \/ RequestTimeoutEarly(r)
  \/ \E n \in M : \/ Ask(n) \/ Elect(n) \/ StepDown(n) \/ LearnLeader(n) \/ Rumour(n)
                  \/ CrashMeta(n) \/ StartMeta(n)
  \/ NextRound \/ Answer \/ AnswerOddly \/ TakeAnswer \/ QueryFails \/ QueryTimeoutEarly
  \/ \E n \in N : CrashNode(n) \/ StartNode(n)
  \/ \E p \in P : Move(p)

\* Weak fairness on every step that a machine takes by itself. Which meta is asked next is
\* nobody's to demand. None on what the environment chooses.
Fairness ==
  /\ \A r \in Reqs : /\ WF_vars(Route(r)) /\ WF_vars(WriteTo(r)) /\ WF_vars(NodeDown(r))
                     /\ WF_vars(Serve(r)) /\ WF_vars(Take(r)) /\ WF_vars(Lose(r))
  /\ WF_vars(\E n \in M : Ask(n)) /\ WF_vars(NextRound)
  /\ WF_vars(Answer) /\ WF_vars(TakeAnswer) /\ WF_vars(QueryFails)
  /\ \A n \in M : WF_vars(StepDown(n)) /\ WF_vars(StartMeta(n)) /\ WF_vars(Learn /\ LearnLeader(n))
  /\ \A n \in N : WF_vars(StartNode(n))

Spec == Init /\ [][Next]_vars /\ Fairness

----------------------------------------------------------------------------
TypeOK ==
  /\ leader \in M /\ metaUp \subseteq M /\ nodeUp \subseteq N /\ known \subseteq M /\ tried \subseteq M
  /\ again \subseteq tried \cap metaUp
  /\ \A n \in M : hint[n] \in 0..Metas /\ (frozen[n] # Zero => (Leads(n) /\ n # leader /\ n \in metaUp))
  /\ \A p \in P : ballots[p] \in 0..Len(history[p])
  /\ stale \in BOOLEAN /\ regressed \in BOOLEAN /\ hops \in 0..Metas
  /\ query.stage \in {"none", "asked", "answered", "cut", "open"}
  /\ (query.stage = "none") <=> (query = NoQuery)
  /\ query.stage # "none" => query.meta \in tried
  /\ \A r \in Reqs : /\ req[r].step \in {"idle"} \cup UnderWay \cup Over
                     /\ req[r].step \in {"waiting", "written", "served", "refused", "lost"} => req[r].node \in N
                     /\ told[r] \in 0..2

BallotMonotonic == ~regressed                                                   \* Q1
Bounded         == hops < Metas                                                 \* Q2
CompleteOnce    == \A r \in Reqs : told[r] <= 1 /\ (req[r].step \in Over => told[r] = 1)    \* Q3

LeaderFound == <>[](~Needs /\ query.stage = "none")                             \* Q4
Settled == moves = 0 /\ elections = 0 /\ splits = 0 /\ crashes = 0 /\ earlies = 0
RequestsDrain ==
  \A r \in Reqs :
    /\ (req[r].step # "idle") ~> (req[r].step \in Over)                         \* Q5a
    /\ (Settled /\ req[r].step \in UnderWay \ {"lost"}) ~> (req[r].step = "done")   \* Q5b

\* Q10 to Q17 hold exactly where these are violated. Where the constants exclude what they
\* ask for, these are false.
CanMove  == Moves > 0 /\ Nodes > 1
CanElect == Elections > 0 /\ Metas > 1
NeverRedirected  == (Known > 1 \/ CanElect) /\ ~(hops > 0)
NeverTwo         == CanElect /\ ~(\E a, b \in M : a # b /\ Leads(a) /\ Leads(b))
NeverDisagree    == (Splits > 0 /\ Metas > 2) /\
                    ~(\E a, b \in M : hint[a] \notin {0, a} /\ hint[b] \notin {0, b} /\ hint[a] # hint[b])
NeverStale       == CanMove /\ ~(\E p \in P : ballots[p] # 0 /\ ballots[p] < Len(history[p]))
NeverRefused     == CanMove /\ ~(\E r \in Reqs : req[r].step = "refused")
NeverOlder       == (CanMove /\ CanElect /\ Known > 1) /\ ~(query.answer = "table" /\ \E p \in P : query.ballots[p] < ballots[p])
NeverAllAnswered == ~(\A r \in Reqs : req[r].step = "done")
NeverAskedAgain  == Crashes > 0 /\ ~(query.stage = "none" /\ again # {})
=============================================================================
