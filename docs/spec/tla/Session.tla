------------------------------ MODULE Session ------------------------------
(***************************************************************************)
(* How a client holds its session to one server address. The twin of the   *)
(* Go package model/session: for every assignment of the constants both    *)
(* have the same number of distinct states and the same verdicts. Clauses  *)
(* are numbered as there: S1..S19, S45, S46 client, S20..S25 network,      *)
(* S30..S41 server, P1..P8 properties, S50..S58 defects.                   *)
(*                                                                         *)
(* Time is abstract: a timer fires when what it waits for can no longer    *)
(* come (it is due, and fair), or early, which uses up a budget. Bounds    *)
(* are guards of actions, never constraints on states.                     *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Metas,       \* 1, or 2: Sessions.tla has this module twice
  NReq,        \* requests 1..NReq
  K,           \* connection slots
  NPorts,      \* local ports 1..NPorts
  R,           \* request/response pairs of one negotiation
  W,           \* unanswered timeouts that make the client close its session
  Crashes,     \* budget: server crashes
  Losses,      \* budget: FINs that never arrive
  Earlies,     \* budget: timers that fire although the answer was on its way
  Client,      \* "session": flag on the session, never reset (up to 2.5.0)
               \* "reset"  : flag on the session, reset after the close
               \* "conn"   : authentication is a state of the connection (reference)
  Rebuild,     \* remedy for "session": "no" | "async" | "sync"
  ServerMode,  \* "fin" | "hang" | "reference"
  Mandatory,   \* BOOLEAN: authentication is mandatory
  PortReuse,   \* BOOLEAN: the client may dial from a port the server still holds
  OldConn,     \* such a dial: "tcp" | "glued" | "overtake" | "sticky"
  GiveUp,      \* BOOLEAN: the server has a negotiation timer of its own
  ByRemoval,   \* BOOLEAN: a reply counts only if its request still waits for one
  Cyclic,      \* BOOLEAN: the user submits each request again and again
  Odd,         \* BOOLEAN: the server may answer with an error that the client does not know
  Rogue,       \* BOOLEAN: the server may answer "no authentication here"
  Defects      \* set of defects of the reference client that are switched on

ASSUME Metas \in {1, 2}
ASSUME Client \in {"session", "reset", "conn"}
ASSUME Rebuild \in {"no", "async", "sync"}
ASSUME ServerMode \in {"fin", "hang", "reference"}
ASSUME OldConn \in {"tcp", "glued", "overtake", "sticky"}
ASSUME Client # "session" => Rebuild = "no"
ASSUME Client # "conn" => Defects = {}

OtherClose == "close-event-of-another-connection" \in Defects    \* S50
LateDial   == "negotiate-before-state-check" \in Defects         \* S51
LateClose  == "failure-closes-newer-connection" \in Defects      \* S52
KeepParked == "parked-requests-never-purged" \in Defects         \* S53
DyingRetry == "retry-on-dying-session" \in Defects               \* S54
Downgrade  == "downgrade" \in Defects                            \* S55
Deaf       == "zombie-after-decode-error" \in Defects            \* S56
LostCall   == "lost-callback-on-unknown-error" \in Defects       \* S57
NotFailed  == "pending-not-failed-on-eof" \in Defects            \* S58

VARIABLES
  up, crashes, losses, earlies,   \* the server accepts; budgets left
  link,    \* "none" | "connecting" | "connected": the session's own idea
  cur,     \* slot of the session's connection, 0 for none or a dead one
  flag,    \* what lets requests pass
  neg,     \* 0 none; 1..R waits for answer neg; R+1 succeeded
  queue,   \* requests that wait for a connection, in order
  req,     \* idle | queued | parked | written | failed | forgotten (S57), and over: done | unknown | expired
  told,    \* completions of the submission in hand, as told to the user, 0..2
  win,     \* unanswered timeouts so far
  closing, \* "no" | "shut" | "notified": close handler of the older clients
  todo,    \* "no" | "reset" | "rebuild" | "close" (S52): what another thread will still do
  cl,      \* per slot, client's end: "none" | "dialing" | "open"; with defects "closed" | "late" | "orphan"
  sv,      \* per slot, server's end: 0 gone; 1..R waits for message sv; AUTHED; DEAD
  port,    \* per slot, local port; 0 where neither end is left
  toSv, toCl,  \* per slot, messages in order
  foreign,     \* something of one connection has changed the state of a later one
  kept,        \* entries of parked requests that are parked no more, at most NReq+1
  zombie       \* the session reads nothing from its connection any more

client == <<link, cur, flag, neg, queue, req, told, win, closing, todo>>
net    == <<cl, sv, port, toSv, toCl>>
budget == <<up, crashes, losses, earlies>>
extra  == <<foreign, kept, zombie>>
vars   == <<budget, client, net, extra>>

Reqs  == 1..NReq
Slots == 1..K
Ports == 1..NPorts

FIN        == 0
N(i)       == 100 + i
Refusal(r) == 50 + r
OddTo(r)   == 60 + r
DISABLED   == 90
IsReq(m)   == m \in Reqs
AUTHED     == R + 1
DEAD       == R + 2
Ours       == Client = "conn"

Has(s, m) == \E i \in DOMAIN s : s[i] = m
RECURSIVE Asc(_)
Asc(S) == IF S = {} THEN <<>>
          ELSE LET m == CHOOSE x \in S : \A y \in S : x <= y IN <<m>> \o Asc(S \ {m})

Init ==
  /\ up = TRUE /\ crashes = Crashes /\ losses = Losses /\ earlies = Earlies
  /\ link = "none" /\ cur = 0 /\ flag = FALSE /\ neg = 0 /\ queue = <<>>
  /\ req = [r \in Reqs |-> "idle"] /\ told = [r \in Reqs |-> 0]
  /\ win = 0 /\ closing = "no" /\ todo = "no"
  /\ cl = [c \in Slots |-> "none"] /\ sv = [c \in Slots |-> 0]
  /\ port = [c \in Slots |-> 0]
  /\ toSv = [c \in Slots |-> <<>>] /\ toCl = [c \in Slots |-> <<>>]
  /\ foreign = FALSE /\ kept = 0 /\ zombie = FALSE

Over(q)  == q \in {"done", "unknown", "expired"}
Waits(q) == q \in {"queued", "parked", "written"}
Waiting  == {r \in Reqs : Waits(req[r])}
FailAll  == [r \in Reqs |-> IF r \in Waiting THEN "failed" ELSE req[r]]
Once(n)  == IF n < 2 THEN n + 1 ELSE 2

\* A slot without ends forgets its port. Last conjunct of whatever ends an end.
ForgetPorts == port' = [c \in Slots |-> IF cl'[c] = "none" /\ sv'[c] = 0 THEN 0 ELSE port[c]]

----------------------------------------------------------------------------
\* S24: what the client writes. A server end that is gone answers with a reset if its
\* host is up. rest: toCl[c] as already shortened by the caller.
Write(c, rest, ms) ==
  /\ toSv' = IF sv[c] # 0 THEN [toSv EXCEPT ![c] = @ \o ms] ELSE toSv
  /\ toCl' = [toCl EXCEPT ![c] = IF sv[c] = 0 /\ up /\ ms # <<>> /\ ~Has(rest, FIN)
                                 THEN Append(rest, FIN) ELSE rest]

----------------------------------------------------------------------------
\* Requests

Send(r) ==
  \/ /\ link # "connected"                              \* S3
     /\ req' = [req EXCEPT ![r] = "queued"]
     /\ queue' = Append(queue, r) /\ link' = "connecting"
     /\ UNCHANGED <<toSv, toCl>>
  \/ /\ link = "connected" /\ ~flag                     \* S4
     /\ req' = [req EXCEPT ![r] = "parked"]
     /\ UNCHANGED <<link, queue, toSv, toCl>>
  \/ /\ link = "connected" /\ flag /\ cur # 0           \* S5
     /\ req' = [req EXCEPT ![r] = "written"]
     /\ Write(cur, toCl[cur], <<r>>)
     /\ UNCHANGED <<link, queue>>
  \/ /\ link = "connected" /\ flag /\ cur = 0           \* S6
     /\ req' = [req EXCEPT ![r] = "failed"]
     /\ UNCHANGED <<link, queue, toSv, toCl>>

SendFrame == UNCHANGED <<budget, cur, flag, neg, win, closing, todo, cl, sv, port>>

Submit(r) ==                                            \* S1
  /\ req[r] = "idle" \/ (Cyclic /\ Over(req[r]))
  /\ Send(r) /\ told' = [told EXCEPT ![r] = 0] /\ SendFrame
Retry(r) == req[r] = "failed" /\ Send(r) /\ UNCHANGED told /\ SendFrame    \* S2

----------------------------------------------------------------------------
\* Connecting

Dial ==                                                 \* S7, S20
  /\ link = "connecting" /\ cur = 0
  /\ LET free == {c \in Slots : cl[c] = "none" /\ sv[c] = 0}
         c    == CHOOSE x \in free : \A y \in free : x <= y
     IN /\ free # {}
        /\ \E p \in Ports :
             /\ \A d \in Slots : cl[d] = "none" \/ port[d] # p
             /\ PortReuse \/ ~\E d \in Slots : sv[d] # 0 /\ port[d] = p
             /\ port' = [port EXCEPT ![c] = p]
        /\ cur' = c /\ cl' = [cl EXCEPT ![c] = "dialing"]
  /\ UNCHANGED <<budget, link, flag, neg, queue, req, told, win, closing, todo, sv, toSv, toCl>>

Olds(c) == {d \in Slots : d # c /\ sv[d] # 0 /\ port[d] = port[c]}

\* S8. s: state in which the server's end begins; gone: slots whose server end it was.
Established(c, s, gone) ==
  /\ cl' = [cl EXCEPT ![c] = "open"]
  /\ sv' = [x \in Slots |-> IF x = c THEN s ELSE IF x \in gone THEN 0 ELSE sv[x]]
  /\ toSv' = [x \in Slots |-> IF x = c THEN (IF flag THEN queue ELSE <<>>) \o <<N(1)>>
                              ELSE IF x \in gone THEN <<>> ELSE toSv[x]]
  /\ req' = [r \in Reqs |-> IF req[r] = "queued" THEN (IF flag THEN "written" ELSE "parked")
                            ELSE req[r]]
  /\ link' = "connected" /\ neg' = 1 /\ queue' = <<>>
  /\ ForgetPorts
  /\ UNCHANGED <<budget, cur, flag, win, closing, todo, told, toCl>>

Accept(c) == cl[c] = "dialing" /\ up /\ Olds(c) = {} /\ Established(c, 1, {})   \* S21

Challenge(c) ==                                         \* S22
  /\ cl[c] = "dialing" /\ up /\ OldConn = "tcp"
  /\ \E d \in Olds(c) : /\ sv' = [sv EXCEPT ![d] = 0]
                        /\ toSv' = [toSv EXCEPT ![d] = <<>>]
  /\ UNCHANGED cl /\ ForgetPorts
  /\ UNCHANGED <<budget, client, toCl>>

Glue(c) ==                                              \* S23
  /\ cl[c] = "dialing" /\ up /\ OldConn # "tcp"
  /\ \E d \in Olds(c) : /\ OldConn = "glued" => ~Has(toSv[d], FIN)
                        /\ Established(c, sv[d], {d})

LinkFor(q) == IF q = <<>> THEN "none" ELSE "connecting"

Refused(c) ==                                           \* S9
  /\ cl[c] = "dialing" /\ ~up
  /\ cl' = [cl EXCEPT ![c] = "none"] /\ UNCHANGED sv /\ ForgetPorts
  /\ cur' = 0
  /\ IF Ours
     THEN /\ link' = LinkFor(queue)
          /\ UNCHANGED <<queue, req, win, todo>>
     ELSE /\ link' = "none" /\ queue' = <<>> /\ req' = FailAll
          /\ win' = IF Waiting # {} THEN 0 ELSE win
          /\ todo' = IF Client = "reset" THEN "reset" ELSE todo
  /\ UNCHANGED <<budget, flag, neg, closing, told, toSv, toCl>>

----------------------------------------------------------------------------
\* The end of a connection

\* q, t, w: requests, completions and window as already changed by the caller. telling:
\* a negotiation under way has yet to be told. f: the flag.
Lost(q, t, w, telling, f) ==
  IF Ours
  THEN LET parked == Asc({r \in Reqs : q[r] = "parked"})          \* S10
       IN /\ cur' = 0 /\ flag' = FALSE /\ neg' = 0 /\ win' = 0
          /\ req' = [r \in Reqs |-> CASE q[r] = "written" /\ ~NotFailed -> "unknown"      \* S58
                                      [] q[r] = "parked"  -> "queued"
                                      [] OTHER            -> q[r]]
          /\ told' = [r \in Reqs |-> IF q[r] = "written" /\ ~NotFailed THEN Once(t[r]) ELSE t[r]]
          /\ queue' = queue \o parked
          /\ IF DyingRetry THEN link' = "connected" /\ closing' = "notified"    \* S54
                           ELSE link' = LinkFor(queue \o parked) /\ UNCHANGED closing
  ELSE /\ cur' = 0 /\ closing' = "shut" /\ flag' = f               \* S11
       /\ req' = q /\ told' = t /\ win' = w
       /\ neg' = IF telling THEN neg ELSE 0
       /\ UNCHANGED <<link, queue>>

CloseOwn(c) ==                                          \* S25
  /\ cl' = [cl EXCEPT ![c] = IF OtherClose THEN "closed" ELSE "none"] /\ UNCHANGED sv
  /\ toCl' = [toCl EXCEPT ![c] = <<>>]
  /\ \/ /\ toSv' = IF sv[c] # 0 THEN [toSv EXCEPT ![c] = Append(@, FIN)] ELSE toSv
        /\ UNCHANGED losses
     \/ /\ sv[c] # 0 /\ losses > 0 /\ losses' = losses - 1
        /\ UNCHANGED toSv
  /\ ForgetPorts

Notify ==                                               \* S11, second step
  /\ closing = "shut" /\ closing' = "notified"
  /\ req' = FailAll /\ neg' = 0 /\ queue' = <<>>
  /\ win' = IF Waiting # {} \/ neg \in 1..R THEN 0 ELSE win
  /\ UNCHANGED <<budget, link, cur, flag, todo, told, net>>

Drop ==                                                 \* S11, third step
  /\ closing = "notified" /\ closing' = "no" /\ link' = LinkFor(queue)
  /\ todo' = IF Client = "reset" THEN "reset" ELSE todo
  /\ UNCHANGED <<budget, cur, flag, neg, queue, req, told, win, net>>

ResetFlag ==                                            \* S12
  /\ todo = "reset" /\ todo' = "no" /\ flag' = FALSE
  /\ UNCHANGED <<budget, link, cur, neg, queue, req, told, win, closing, net>>

RebuildNow ==                                           \* S13
  /\ todo = "rebuild" /\ todo' = "no" /\ closing' = "no" /\ flag' = FALSE
  /\ link' = "none" /\ cur' = 0 /\ neg' = 0
  /\ queue' = <<>> /\ req' = FailAll /\ win' = 0
  /\ IF cur = 0 THEN UNCHANGED <<net, losses>> ELSE CloseOwn(cur)
  /\ UNCHANGED <<up, crashes, earlies, told>>

----------------------------------------------------------------------------
\* Messages to the client

Discard(c) ==                                           \* S56
  /\ cl[c] = "open" /\ c = cur /\ toCl[c] # <<>> /\ zombie
  /\ toCl' = [toCl EXCEPT ![c] = Tail(@)]
  /\ UNCHANGED <<budget, client, cl, sv, port, toSv, foreign, zombie>>

Success(c, rest) ==
  /\ neg' = R + 1 /\ win' = 0 /\ flag' = TRUE
  /\ LET parked == {r \in Reqs : req[r] = "parked"}
     IN /\ req' = [r \in Reqs |-> IF r \in parked THEN "written" ELSE req[r]]
        /\ Write(c, rest, Asc(parked))
  /\ UNCHANGED <<budget, link, cur, queue, told, closing, todo, cl, sv, port>>

OddReply(c, r, rest) ==                                 \* S45
  /\ LET waits == req[r] = "written"
         to    == IF ~Ours THEN "failed" ELSE IF Deaf THEN "written"
                  ELSE IF LostCall THEN "forgotten" ELSE "unknown"     \* S56, S57
     IN /\ req' = IF waits THEN [req EXCEPT ![r] = to] ELSE req
        /\ win' = IF waits /\ to # "written" THEN 0 ELSE win
        /\ told' = IF waits /\ to = "unknown" THEN [told EXCEPT ![r] = Once(@)] ELSE told
        /\ zombie' = (waits /\ Ours /\ Deaf)
  /\ toCl' = [toCl EXCEPT ![c] = rest]
  /\ UNCHANGED <<budget, link, cur, flag, neg, queue, closing, todo, cl, sv, port, toSv>>

Receive(c) ==
  /\ cl[c] = "open" /\ c = cur /\ toCl[c] # <<>> /\ ~zombie /\ UNCHANGED foreign
  /\ IF \E r \in Reqs : Head(toCl[c]) = OddTo(r) THEN TRUE ELSE zombie' = FALSE
  /\ LET m    == Head(toCl[c])
         rest == Tail(toCl[c])
     IN
     \/ /\ m = FIN                                      \* S14
        /\ cl' = [cl EXCEPT ![c] = "none"] /\ UNCHANGED <<sv, toSv>>
        /\ toCl' = [toCl EXCEPT ![c] = <<>>] /\ ForgetPorts
        /\ Lost(req, told, win, TRUE, IF Rebuild = "sync" THEN FALSE ELSE flag)
        /\ todo' = IF Rebuild = "async" THEN "rebuild" ELSE todo
        /\ UNCHANGED budget
     \/ /\ IsReq(m)                                     \* S15
        /\ LET waits == req[m] = "written"
           IN /\ req' = IF waits THEN [req EXCEPT ![m] = "done"] ELSE req
              /\ win' = IF waits THEN 0 ELSE win
              /\ told' = IF waits \/ ~ByRemoval THEN [told EXCEPT ![m] = Once(@)] ELSE told
        /\ toCl' = [toCl EXCEPT ![c] = rest]
        /\ UNCHANGED <<budget, link, cur, flag, neg, queue, closing, todo, cl, sv, port, toSv>>
     \/ /\ m \in {Refusal(r) : r \in Reqs}              \* S16
        /\ LET r == m - 50
               waits == req[r] = "written"
           IN /\ req' = IF waits THEN [req EXCEPT ![r] = "failed"] ELSE req
              /\ win' = IF waits THEN 0 ELSE win
        /\ toCl' = [toCl EXCEPT ![c] = rest]
        /\ UNCHANGED <<budget, link, cur, flag, neg, queue, told, closing, todo, cl, sv, port, toSv>>
     \/ /\ m > 100 /\ neg # m - 100                     \* S17: not waited for
        /\ toCl' = [toCl EXCEPT ![c] = rest]
        /\ UNCHANGED <<budget, client, cl, sv, port, toSv>>
     \/ /\ m > 100 /\ neg = m - 100 /\ neg < R          \* S17: next message
        /\ neg' = neg + 1 /\ win' = 0
        /\ Write(c, rest, <<N(neg + 1)>>)
        /\ UNCHANGED <<budget, link, cur, flag, queue, req, told, closing, todo, cl, sv, port>>
     \/ \E r \in Reqs : m = OddTo(r) /\ OddReply(c, r, rest)
     \/ /\ m = DISABLED /\ neg \notin 1..R
        /\ toCl' = [toCl EXCEPT ![c] = rest]
        /\ UNCHANGED <<budget, client, cl, sv, port, toSv>>
     \/ /\ m = DISABLED /\ neg \in 1..R /\ Ours /\ ~Downgrade      \* S46
        /\ CloseOwn(c) /\ Lost(req, told, win, FALSE, flag)
        /\ UNCHANGED <<up, crashes, earlies, todo>>
     \/ /\ m = DISABLED /\ neg \in 1..R /\ (~Ours \/ Downgrade)    \* S55
        /\ Success(c, rest)
     \/ /\ m > 100 /\ neg = m - 100 /\ neg = R          \* S17: success
        /\ Success(c, rest)

----------------------------------------------------------------------------
\* Timers

Quiet(c) == toSv[c] = <<>> /\ toCl[c] = <<>>

Early == earlies > 0 /\ earlies' = earlies - 1
Due   == UNCHANGED earlies

NegTimeout(early) ==                                    \* S18
  /\ link = "connected" /\ cur # 0 /\ neg \in 1..R
  /\ IF early THEN Early ELSE Due /\ Quiet(cur)
  /\ IF LateClose                                       \* S52
     THEN /\ neg' = 0 /\ todo' = "close"
          /\ UNCHANGED <<losses, link, cur, flag, queue, req, told, win, closing, net>>
     ELSE /\ CloseOwn(cur) /\ Lost(req, told, win, FALSE, flag)
          /\ UNCHANGED todo
  /\ UNCHANGED <<up, crashes>>

Hopeless(r) ==
  \/ req[r] \in {"written", "parked"} /\ link = "connected" /\ cur # 0 /\ Quiet(cur)
  \/ req[r] = "parked" /\ link = "none"
  \/ req[r] = "written" /\ NotFailed /\ ~(link = "connected" /\ cur # 0)   \* S58

ReqTimeout(r, early) ==                                 \* S19
  /\ r \in Waiting
  /\ IF early THEN Early ELSE Due /\ Hopeless(r)
  /\ LET q == [req EXCEPT ![r] = IF ~Ours THEN "failed"                        \* S19a
                                 ELSE IF @ = "written" THEN "unknown" ELSE "expired"]
         t == IF Ours THEN [told EXCEPT ![r] = Once(@)] ELSE told
         counts == ~Ours \/ req[r] = "written"                                 \* S19b
         full   == counts /\ win + 1 >= W
         others == SelectSeq(queue, LAMBDA x : x # r)
     IN IF full /\ link = "connected" /\ cur # 0                               \* S19c
        THEN /\ CloseOwn(cur) /\ Lost(q, t, 0, TRUE, flag)
        ELSE /\ req' = q /\ told' = t /\ queue' = others
             /\ win' = IF full THEN 0 ELSE IF counts THEN win + 1 ELSE win
             /\ UNCHANGED <<losses, link, cur, flag, neg, closing, net>>
  /\ UNCHANGED <<up, crashes, todo>>

----------------------------------------------------------------------------
\* Server

Hears(c) == cl[c] \in {"open", "orphan"}

Offence(c) ==                                           \* S35
  IF ServerMode = "hang"
  THEN /\ sv' = [sv EXCEPT ![c] = DEAD] /\ toSv' = [toSv EXCEPT ![c] = Tail(@)]
       /\ UNCHANGED <<toCl, port>>
  ELSE /\ sv' = [sv EXCEPT ![c] = 0] /\ toSv' = [toSv EXCEPT ![c] = <<>>]
       /\ toCl' = IF Hears(c) THEN [toCl EXCEPT ![c] = Append(@, FIN)] ELSE toCl
       /\ ForgetPorts

Answer(c, m, s) ==
  /\ sv' = [sv EXCEPT ![c] = s] /\ toSv' = [toSv EXCEPT ![c] = Tail(@)]
  /\ toCl' = IF Hears(c) THEN [toCl EXCEPT ![c] = Append(@, m)] ELSE toCl
  /\ UNCHANGED port

Serve(c) ==
  /\ sv[c] # 0 /\ toSv[c] # <<>> /\ UNCHANGED cl
  /\ LET m == Head(toSv[c]) IN
     \/ /\ m = FIN /\ OldConn # "sticky"                \* S30
        /\ sv' = [sv EXCEPT ![c] = 0] /\ toSv' = [toSv EXCEPT ![c] = <<>>]
        /\ UNCHANGED toCl /\ ForgetPorts
     \/ /\ m = FIN /\ OldConn = "sticky"                \* S30
        /\ toSv' = [toSv EXCEPT ![c] = <<>>] /\ UNCHANGED <<sv, toCl, port>>
     \/ /\ m # FIN /\ sv[c] = DEAD                      \* S31
        /\ toSv' = [toSv EXCEPT ![c] = Tail(@)] /\ UNCHANGED <<sv, toCl, port>>
     \/ /\ IsReq(m) /\ sv[c] # DEAD /\ (sv[c] = AUTHED \/ ~Mandatory)   \* S32
        /\ Answer(c, m, sv[c])
     \/ /\ IsReq(m) /\ sv[c] # DEAD /\ sv[c] # AUTHED /\ Mandatory      \* S33, S35
        /\ IF ServerMode = "reference" THEN Answer(c, Refusal(m), sv[c]) ELSE Offence(c)
     \/ /\ m > 100 /\ sv[c] = m - 100                   \* S34
        /\ Answer(c, m, sv[c] + 1)
     \/ /\ m > 100 /\ sv[c] # DEAD /\ sv[c] # m - 100   \* S35
        /\ Offence(c)
  /\ UNCHANGED <<budget, client>>

ServerGivesUp(c) ==                                     \* S36
  /\ GiveUp /\ sv[c] \in 1..R /\ Early
  /\ UNCHANGED cl
  /\ IF ServerMode = "hang"
     THEN /\ sv' = [sv EXCEPT ![c] = DEAD] /\ UNCHANGED <<toSv, toCl, port>>
     ELSE /\ sv' = [sv EXCEPT ![c] = 0] /\ toSv' = [toSv EXCEPT ![c] = <<>>]
          /\ toCl' = IF Hears(c) THEN [toCl EXCEPT ![c] = Append(@, FIN)] ELSE toCl
          /\ ForgetPorts
  /\ UNCHANGED <<up, crashes, losses, client>>

Strange(c) == sv[c] \in 1..AUTHED /\ toSv[c] # <<>> /\ Early

AnswerOddly(c) ==                                       \* S40
  /\ Odd /\ Strange(c) /\ IsReq(Head(toSv[c])) /\ Answer(c, OddTo(Head(toSv[c])), sv[c])
  /\ UNCHANGED <<up, crashes, losses, client, cl>>

AnswerDisabled(c) ==                                    \* S41
  /\ Rogue /\ Strange(c) /\ Head(toSv[c]) > 100 /\ Answer(c, DISABLED, sv[c])
  /\ UNCHANGED <<up, crashes, losses, client, cl>>

Crash(unnoticed) ==                                     \* S37, S38
  /\ up /\ crashes > 0 /\ up' = FALSE /\ crashes' = crashes - 1
  /\ IF unnoticed
     THEN /\ losses > 0 /\ losses' = losses - 1
          /\ \E c \in Slots : cl[c] = "open" /\ sv[c] # 0
          /\ UNCHANGED toCl
     ELSE /\ UNCHANGED losses
          /\ toCl' = [c \in Slots |-> IF Hears(c) /\ ~Has(toCl[c], FIN)
                                      THEN Append(toCl[c], FIN) ELSE toCl[c]]
  /\ sv' = [c \in Slots |-> 0] /\ toSv' = [c \in Slots |-> <<>>]
  /\ UNCHANGED cl /\ ForgetPorts
  /\ UNCHANGED <<earlies, client>>

Start == ~up /\ up' = TRUE /\ UNCHANGED <<crashes, losses, earlies, client, net>>   \* S39

----------------------------------------------------------------------------
\* Defects that need a state or a step of their own.

\* The session's connection is lost, stays open and is nobody's. end: what becomes of slot c.
Confused(c) ==
  IF link = "connected" /\ cur # 0
  THEN /\ cl' = [cl EXCEPT ![c] = "none", ![cur] = "orphan"] /\ foreign' = TRUE
       /\ Lost(req, told, win, FALSE, flag) /\ UNCHANGED todo
  ELSE cl' = [cl EXCEPT ![c] = "none"] /\ UNCHANGED <<client, foreign>>

CloseEvent(c) ==                                        \* S50
  /\ cl[c] = "closed" /\ Confused(c) /\ UNCHANGED sv /\ ForgetPorts
  /\ UNCHANGED <<budget, toSv, toCl>>

OrphanReads(c) ==                                       \* S50, S51
  /\ cl[c] = "orphan" /\ toCl[c] # <<>> /\ UNCHANGED <<budget, sv, toSv>>
  /\ IF Head(toCl[c]) # FIN
     THEN toCl' = [toCl EXCEPT ![c] = Tail(@)] /\ UNCHANGED <<client, cl, port, foreign>>
     ELSE /\ toCl' = [toCl EXCEPT ![c] = <<>>]
          /\ IF OtherClose THEN Confused(c)
             ELSE cl' = [cl EXCEPT ![c] = "none"] /\ UNCHANGED <<client, foreign>>
          /\ ForgetPorts

GiveUpDial ==                                           \* S51
  /\ LateDial /\ link = "connecting" /\ cur # 0 /\ Early
  /\ cl' = [cl EXCEPT ![cur] = "late"] /\ cur' = 0 /\ link' = LinkFor(queue)
  /\ UNCHANGED <<up, crashes, losses, flag, neg, queue, req, told, win, closing, todo, sv, port, toSv, toCl>>

Late(c) ==                                              \* S51
  /\ cl[c] = "late" /\ UNCHANGED <<budget, client>>
  /\ IF ~up
     THEN /\ cl' = [cl EXCEPT ![c] = "none"] /\ UNCHANGED <<sv, toSv, toCl, foreign>> /\ ForgetPorts
     ELSE /\ cl' = [cl EXCEPT ![c] = "orphan"] /\ sv' = [sv EXCEPT ![c] = 1] /\ UNCHANGED port
          /\ IF link = "connected" /\ cur # 0
             THEN foreign' = TRUE /\ Write(cur, toCl[cur], <<N(1)>>)
             ELSE UNCHANGED <<toSv, toCl, foreign>>

CloseCurrent ==                                         \* S52
  /\ todo = "close" /\ todo' = "no"
  /\ IF link = "connected" /\ cur # 0
     THEN /\ CloseOwn(cur) /\ Lost(req, told, win, FALSE, flag)
          /\ foreign' = (foreign \/ neg # 0)
     ELSE UNCHANGED <<losses, link, cur, flag, neg, queue, req, told, win, closing, net, foreign>>
  /\ UNCHANGED <<up, crashes, earlies>>

\* S53: an entry stays for each request that is parked no more, until a negotiation succeeds.
Min(a, b) == IF a < b THEN a ELSE b
KeptNext ==
  kept' = IF ~KeepParked THEN kept
          ELSE IF neg' = AUTHED /\ neg # AUTHED THEN 0
          ELSE Min(NReq + 1, kept + Cardinality({r \in Reqs : req[r] = "parked" /\ req'[r] # "parked"}))
\* A deaf connection is deaf until it is lost.
ZombieNext == zombie' = (zombie /\ cur' = cur)
\* Around an action that says nothing of foreign, kept and zombie.
Plain(A) == A /\ UNCHANGED foreign /\ ZombieNext /\ KeptNext
\* Around one that says what becomes of foreign.
Other(A) == A /\ ZombieNext /\ KeptNext

----------------------------------------------------------------------------
Handshake(c) ==
  \/ Plain(Accept(c) \/ Glue(c) \/ Challenge(c) \/ Refused(c))
  \/ Other(Late(c))
Read(c) == (Receive(c) /\ KeptNext) \/ (Discard(c) /\ KeptNext)

SubmitNext(r)     == Plain(Submit(r))

\* S62, of one session: a query that has ended without an answer leaves, and arrives at the other.
Leave(r)  == /\ req[r] \in {"failed", "unknown", "expired"} /\ req' = [req EXCEPT ![r] = "idle"]
             /\ told' = [told EXCEPT ![r] = 0]
             /\ UNCHANGED <<budget, link, cur, flag, neg, queue, win, closing, todo, net, extra>>
Arrive(r) == Plain(Send(r) /\ told' = [told EXCEPT ![r] = 0] /\ SendFrame)

RetryNext(r)      == Plain(Retry(r))
ReqTimeoutNext(r, e) == Plain(ReqTimeout(r, e))
NegTimeoutNext(e) == Plain(NegTimeout(e))
ServeNext(c)      == Plain(Serve(c))

\* Whatever is no attempt to send a request.
OtherNext ==
  \/ \E r \in Reqs, e \in BOOLEAN : ReqTimeoutNext(r, e)
  \/ \E e \in BOOLEAN : NegTimeoutNext(e)
  \/ Plain(Dial) \/ Plain(Notify) \/ Plain(Drop) \/ Plain(ResetFlag) \/ Plain(RebuildNow) \/ Plain(Start)
  \/ \E l \in BOOLEAN : Plain(Crash(l))
  \/ \E c \in Slots : Handshake(c) \/ Read(c) \/ ServeNext(c) \/ Plain(ServerGivesUp(c))
  \/ \E c \in Slots : Plain(AnswerOddly(c)) \/ Plain(AnswerDisabled(c))
  \/ \E c \in Slots : Other(CloseEvent(c)) \/ Other(OrphanReads(c))
  \/ Plain(GiveUpDial) \/ Other(CloseCurrent)

Next == OtherNext \/ \E r \in Reqs : SubmitNext(r) \/ RetryNext(r)

\* Weakly fair is whatever a machine does by itself; not what the environment chooses:
\* Submit, Crash, losses, early timers, ServerGivesUp, strange answers, GiveUpDial.
Steps == /\ WF_vars(Plain(Start)) /\ WF_vars(Plain(Dial)) /\ WF_vars(Plain(Notify)) /\ WF_vars(Plain(Drop))
         /\ WF_vars(Plain(ResetFlag)) /\ WF_vars(Plain(RebuildNow)) /\ WF_vars(Other(CloseCurrent))
         /\ \A c \in Slots : WF_vars(Other(CloseEvent(c))) /\ WF_vars(Other(OrphanReads(c)))
OtherFairness ==
  /\ Steps /\ WF_vars(NegTimeoutNext(FALSE))
  /\ \A r \in Reqs : WF_vars(ReqTimeoutNext(r, FALSE))
  /\ \A c \in Slots : WF_vars(Handshake(c)) /\ WF_vars(Read(c)) /\ WF_vars(ServeNext(c))
Fairness == OtherFairness /\ \A r \in Reqs : WF_vars(RetryNext(r))

Spec == Init /\ [][Next]_vars /\ Fairness

\* Wrong fairness, on purpose: docs/fairness.md says what each hides or invents.
SpecNoFair == Init /\ [][Next]_vars
SpecWFNext == Init /\ [][Next]_vars /\ WF_vars(Next)
SpecNoTimers ==
  /\ Init /\ [][Next]_vars /\ Steps
  /\ \A r \in Reqs : WF_vars(RetryNext(r))
  /\ \A c \in Slots : WF_vars(Handshake(c)) /\ WF_vars(Read(c)) /\ WF_vars(ServeNext(c))
SpecMerged ==
  /\ Init /\ [][Next]_vars /\ Steps /\ WF_vars(NegTimeoutNext(FALSE))
  /\ WF_vars(\E r \in Reqs : RetryNext(r)) /\ WF_vars(\E r \in Reqs : ReqTimeoutNext(r, FALSE))
  /\ WF_vars(\E c \in Slots : Handshake(c) \/ Read(c) \/ ServeNext(c))

----------------------------------------------------------------------------
TypeOK ==
  /\ up \in BOOLEAN /\ link \in {"none", "connecting", "connected"} /\ cur \in 0..K
  /\ flag \in BOOLEAN /\ neg \in 0..R+1 /\ win \in 0..W-1
  /\ closing \in {"no", "shut", "notified"} /\ todo \in {"no", "reset", "rebuild", "close"}
  /\ \A r \in Reqs : /\ Over(req[r]) \/ Waits(req[r]) \/ req[r] \in {"idle", "failed", "forgotten"}
                     /\ told[r] \in 0..2
  /\ \A c \in Slots : /\ cl[c] \in {"none", "dialing", "open", "late", "orphan", "closed"} /\ sv[c] \in 0..DEAD
                      /\ port[c] \in 0..NPorts
                      /\ (cl[c] = "none" /\ sv[c] = 0) => (port[c] = 0 /\ Quiet(c))
                      /\ (~Hears(c) => toCl[c] = <<>>) /\ (sv[c] = 0 => toSv[c] = <<>>)
  /\ \A r \in Reqs : (req[r] = "queued") <=> Has(queue, r)
  /\ link = "connecting" => closing = "no"
  /\ closing # "no" => (link = "connected" /\ cur = 0)
  /\ foreign \in BOOLEAN /\ kept \in 0..NReq+1 /\ zombie \in BOOLEAN
  /\ Ours => (todo \in {"no", "close"} /\ (closing = "no" <=> ~(link = "connected" /\ cur = 0)))
  /\ Defects = {} => (kept = 0 /\ ~foreign /\ ~zombie /\ \A c \in Slots : cl[c] \in {"none", "dialing", "open"})

AuthBeforeRequest ==                                    \* P1
  \A c \in Slots : (\E i \in DOMAIN toSv[c] : IsReq(toSv[c][i]) /\ cl[c] = "open")
                   => (c = cur /\ neg = R + 1)
FreshSession == ~foreign /\ ((link = "connected" /\ cur # 0) => (flag <=> neg = R + 1))   \* P2
SingleConnection ==                                     \* P3
  \A c, d \in Slots : (cl[c] \notin {"none", "closed"} /\ cl[d] \notin {"none", "closed"}) => c = d
CompleteOnce == \A r \in Reqs : told[r] <= 1 /\ (Over(req[r]) => told[r] = 1)       \* P4

Bounded == kept + Cardinality(Waiting) <= NReq          \* P7
NoDowngrade == (link = "connected" /\ cur # 0 /\ neg = R + 1) => sv[cur] \in {0, AUTHED, DEAD}   \* P8

Needed == \E r \in Reqs : req[r] \notin {"idle", "forgotten"} /\ ~Over(req[r])
Ready  == link = "connected" /\ cur # 0 /\ neg = R + 1 /\ flag
ReconnectConverges == <>[](Needed => Ready)             \* P5

Settled == /\ up /\ crashes = 0 /\ losses = 0 /\ earlies = 0
           /\ (cur # 0 /\ cl[cur] = "open") =>
                (sv[cur] \in 1..AUTHED /\ \A r \in Reqs : ~Has(toCl[cur], OddTo(r)))
RequestsDrain ==                                        \* P6a, P6b
  \A r \in Reqs :
    /\ (req[r] # "idle") ~> Over(req[r])
    /\ (Settled /\ req[r] # "idle" /\ ~Over(req[r])) ~> (req[r] = "done")
=============================================================================
