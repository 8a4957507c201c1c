------------------------------- MODULE Paxos -------------------------------
(* Paxos for a single decree, the same as the Go package model/check/paxos:    *)
(* messages are never lost and may be received at any time, or never.          *)
EXTENDS Naturals, FiniteSets

CONSTANTS A, B, V     \* numbers of acceptors, ballots and values

VARIABLES
  promised,   \* the highest ballot that each acceptor has heard of
  voted,      \* ballot and value that each acceptor has accepted, 0 for nothing
  sent        \* messages

vars == <<promised, voted, sent>>
Acceptors == 1..A
Ballots == 1..B
Values == 1..V
Quorums == {q \in SUBSET Acceptors : 2 * Cardinality(q) > A}
Nothing == [ballot |-> 0, value |-> 0]

Init ==
  /\ promised = [a \in Acceptors |-> 0]
  /\ voted = [a \in Acceptors |-> Nothing]
  /\ sent = {}

Prepare(b) ==
  /\ sent' = sent \cup {[type |-> "prepare", ballot |-> b]}
  /\ UNCHANGED <<promised, voted>>

Promise(a, b) ==
  /\ [type |-> "prepare", ballot |-> b] \in sent
  /\ b > promised[a]
  /\ promised' = [promised EXCEPT ![a] = b]
  /\ sent' = sent \cup {[type |-> "promise", ballot |-> b, from |-> a, vote |-> voted[a]]}
  /\ UNCHANGED voted

Propose(b, v) ==
  /\ ~ \E m \in sent : m.type = "propose" /\ m.ballot = b
  /\ \E q \in Quorums :
       LET told == {m \in sent : m.type = "promise" /\ m.ballot = b /\ m.from \in q}
           votes == {m.vote : m \in told} \ {Nothing}
       IN /\ {m.from : m \in told} = q
          /\ \/ votes = {}
             \/ \E w \in votes : w.value = v /\ \A x \in votes : x.ballot <= w.ballot
  /\ sent' = sent \cup {[type |-> "propose", ballot |-> b, value |-> v]}
  /\ UNCHANGED <<promised, voted>>

Accept(a, b) ==
  /\ b >= promised[a]
  /\ \E m \in sent :
       /\ m.type = "propose" /\ m.ballot = b
       /\ voted' = [voted EXCEPT ![a] = [ballot |-> b, value |-> m.value]]
       /\ sent' = sent \cup {[type |-> "accept", ballot |-> b, from |-> a, value |-> m.value]}
  /\ promised' = [promised EXCEPT ![a] = b]

Next == \E b \in Ballots :
  \/ Prepare(b)
  \/ \E a \in Acceptors : Promise(a, b) \/ Accept(a, b)
  \/ \E v \in Values : Propose(b, v)

Spec == Init /\ [][Next]_vars

Chosen(v) == \E b \in Ballots, q \in Quorums :
  \A a \in q : [type |-> "accept", ballot |-> b, from |-> a, value |-> v] \in sent
OneValue == \A v, w \in Values : Chosen(v) /\ Chosen(w) => v = w
=============================================================================
