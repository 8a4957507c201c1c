------------------------------ MODULE Sessions -----------------------------
(***************************************************************************)
(* A client that holds one session to each of two metas, and the queries   *)
(* that move between them: clauses S60 to S62 and P6c. The twin of         *)
(* model/session with Metas = 2, where Session.tla is the one for 1. Each  *)
(* session has a server, a network and budgets of its own.                 *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
  Metas, NReq, K, NPorts, R, W, Crashes, Losses, Earlies, Client, Rebuild, ServerMode, Mandatory,
  PortReuse, OldConn, GiveUp, ByRemoval, Cyclic, Odd, Rogue, Defects      \* as in Session.tla

ASSUME Metas = 2

VARIABLES        \* as in Session.tla, of meta 1 and of meta 2
  up1, crashes1, losses1, earlies1, link1, cur1, flag1, neg1, queue1, req1, told1,
  win1, closing1, todo1, cl1, sv1, port1, toSv1, toCl1, foreign1, kept1, zombie1,
  up2, crashes2, losses2, earlies2, link2, cur2, flag2, neg2, queue2, req2, told2,
  win2, closing2, todo2, cl2, sv2, port2, toSv2, toCl2, foreign2, kept2, zombie2

vars1 == <<
  up1, crashes1, losses1, earlies1, link1, cur1, flag1, neg1, queue1, req1, told1,
  win1, closing1, todo1, cl1, sv1, port1, toSv1, toCl1, foreign1, kept1, zombie1 >>
vars2 == <<
  up2, crashes2, losses2, earlies2, link2, cur2, flag2, neg2, queue2, req2, told2,
  win2, closing2, todo2, cl2, sv2, port2, toSv2, toCl2, foreign2, kept2, zombie2 >>
vars  == <<vars1, vars2>>

M1 == INSTANCE Session WITH
  up <- up1, crashes <- crashes1, losses <- losses1, earlies <- earlies1, link <- link1,
  cur <- cur1, flag <- flag1, neg <- neg1, queue <- queue1, req <- req1, told <- told1,
  win <- win1, closing <- closing1, todo <- todo1, cl <- cl1, sv <- sv1, port <- port1,
  toSv <- toSv1, toCl <- toCl1, foreign <- foreign1, kept <- kept1, zombie <- zombie1
M2 == INSTANCE Session WITH
  up <- up2, crashes <- crashes2, losses <- losses2, earlies <- earlies2, link <- link2,
  cur <- cur2, flag <- flag2, neg <- neg2, queue <- queue2, req <- req2, told <- told2,
  win <- win2, closing <- closing2, todo <- todo2, cl <- cl2, sv <- sv2, port <- port2,
  toSv <- toSv2, toCl <- toCl2, foreign <- foreign2, kept <- kept2, zombie <- zombie2

Reqs == 1..NReq

Init == M1!Init /\ M2!Init

\* S60: a step is one session's and leaves the other as it is.
At1(A) == A /\ UNCHANGED vars2
At2(A) == A /\ UNCHANGED vars1

Submit(r) ==                                            \* S61
  \/ req2[r] = "idle" /\ req1[r] \in {"idle", "done"} /\ At1(M1!SubmitNext(r))
  \/ req1[r] = "idle" /\ req2[r] = "done" /\ At2(M2!SubmitNext(r))

Move(r) ==                                              \* S62
  \/ M1!Leave(r) /\ M2!Arrive(r)
  \/ M2!Leave(r) /\ M1!Arrive(r)

Next ==
  \/ \E r \in Reqs : Submit(r) \/ Move(r)
  \/ At1(M1!OtherNext) \/ At2(M2!OtherNext)

Fairness == M1!OtherFairness /\ M2!OtherFairness /\ \A r \in Reqs : WF_vars(Move(r))

Spec == Init /\ [][Next]_vars /\ Fairness

----------------------------------------------------------------------------
\* A request is at one meta at a time.
TypeOK ==
  /\ M1!TypeOK /\ M2!TypeOK
  /\ \A r \in Reqs : req1[r] = "idle" \/ req2[r] = "idle"

AuthBeforeRequest == M1!AuthBeforeRequest /\ M2!AuthBeforeRequest
FreshSession      == M1!FreshSession /\ M2!FreshSession
SingleConnection  == M1!SingleConnection /\ M2!SingleConnection
CompleteOnce      == M1!CompleteOnce /\ M2!CompleteOnce
Bounded           == M1!Bounded /\ M2!Bounded
NoDowngrade       == M1!NoDowngrade /\ M2!NoDowngrade

ReconnectConverges == M1!ReconnectConverges /\ M2!ReconnectConverges
RequestsDrain ==                                        \* P6c
  \A r \in Reqs : (req1[r] # "idle" \/ req2[r] # "idle") ~> (req1[r] = "done" \/ req2[r] = "done")
=============================================================================
