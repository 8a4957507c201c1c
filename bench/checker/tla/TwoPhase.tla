------------------------------ MODULE TwoPhase ------------------------------
(* Two-phase commit, the same as the Go package model/check/twophase: resource *)
(* managers, a transaction manager, and messages that are never lost.          *)
EXTENDS Naturals

CONSTANT N      \* resource managers

VARIABLES
  decision,     \* of each manager
  decided,      \* of the transaction manager
  heard,        \* managers of which it has heard that they are prepared
  sent          \* messages: a manager that is prepared, or what was decided

vars == <<decision, decided, heard, sent>>
RM == 1..N

Init ==
  /\ decision = [r \in RM |-> "working"]
  /\ decided = "nothing"
  /\ heard = {}
  /\ sent = {}

DecideCommit ==
  /\ decided = "nothing" /\ heard = RM
  /\ decided' = "commit" /\ sent' = sent \cup {[type |-> "commit"]}
  /\ UNCHANGED <<decision, heard>>

DecideAbort ==
  /\ decided = "nothing"
  /\ decided' = "abort" /\ sent' = sent \cup {[type |-> "abort"]}
  /\ UNCHANGED <<decision, heard>>

Hear(r) ==
  /\ decided = "nothing" /\ [type |-> "prepared", of |-> r] \in sent
  /\ heard' = heard \cup {r}
  /\ UNCHANGED <<decision, decided, sent>>

Prepare(r) ==
  /\ decision[r] = "working"
  /\ decision' = [decision EXCEPT ![r] = "prepared"] /\ sent' = sent \cup {[type |-> "prepared", of |-> r]}
  /\ UNCHANGED <<decided, heard>>

ChooseAbort(r) ==
  /\ decision[r] = "working"
  /\ decision' = [decision EXCEPT ![r] = "aborted"]
  /\ UNCHANGED <<decided, heard, sent>>

ObeyCommit(r) ==
  /\ [type |-> "commit"] \in sent
  /\ decision' = [decision EXCEPT ![r] = "committed"]
  /\ UNCHANGED <<decided, heard, sent>>

ObeyAbort(r) ==
  /\ [type |-> "abort"] \in sent
  /\ decision' = [decision EXCEPT ![r] = "aborted"]
  /\ UNCHANGED <<decided, heard, sent>>

Next ==
  \/ DecideCommit \/ DecideAbort
  \/ \E r \in RM : Hear(r) \/ Prepare(r) \/ ChooseAbort(r) \/ ObeyCommit(r) \/ ObeyAbort(r)

Spec == Init /\ [][Next]_vars

Consistent == ~ \E r, q \in RM : decision[r] = "committed" /\ decision[q] = "aborted"
=============================================================================
