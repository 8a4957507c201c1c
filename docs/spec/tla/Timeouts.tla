------------------------------ MODULE Timeouts ------------------------------
(***************************************************************************)
(* How the deadlines of client and server fit together. The twin of the Go *)
(* package model/timeouts: for every assignment of the constants both have *)
(* the same number of distinct states and the same verdicts. Clauses are   *)
(* numbered as there: T1..T9 client, T10..T17 server, T20..T22 time,       *)
(* T30..T39 properties.                                                    *)
(*                                                                         *)
(* After the last restart one session has one query, which it tries again  *)
(* until it is answered. One tick is one second. Messages take no time;    *)
(* the server takes D seconds for each negotiation message. Whatever is    *)
(* due at an instant happens, in every order, before time goes on. Timers  *)
(* are countdowns, so that no clock has to be bounded.                     *)
(***************************************************************************)
EXTENDS Integers

CONSTANTS             \* durations in seconds
  TNeg,        \* client's negotiation timer
  PerMessage,  \* BOOLEAN: it begins anew with every negotiation message
  TQ,          \* timer of one try of the query
  Win,         \* reset window: a timeout so long after the first unanswered one
               \* closes the session
  TSrv,        \* server's own limit for a whole negotiation; 0 for none
  D,           \* server's time to answer one negotiation message
  R,           \* request/response pairs of one negotiation
  SynDelay,    \* until a connection is up
  Backoff,     \* before a query is tried again that was reset or refused
  Away,        \* that a query which timed out spends at another meta: 0 one meta,
               \* TQ a second that is mute as well
  NegFirst,    \* BOOLEAN: of timers due at one instant the negotiation's goes first
  Client,      \* "session": flag on the session, never reset (up to 2.5.0)
               \* "conn"   : authentication is a state of the connection (reference)
  ServerMode,  \* "fin" | "hang" | "reference"
  Mandatory,   \* BOOLEAN: authentication is mandatory
  Cap          \* time is counted up to here; 0: not at all

ASSUME Client \in {"session", "conn"}
ASSUME ServerMode \in {"fin", "hang", "reference"}

OFF    == -1     \* a countdown that is not running
AUTHED == R + 1
DEAD   == R + 2

VARIABLES
  link,        \* "none" | "connecting" | "connected": the session's own idea
  linkT,       \* until the connection is up
  flag,        \* what lets the query pass
  query,       \* "failed", to be tried again; queued | parked | written; "done"
  queryT,      \* failed: until the next try; waiting: until its timer fires
  neg, negT,   \* 0 none; 1..R waits for answer neg; AUTHED. Until its timer fires
  sv,          \* server's end: 0 none; 1..R works on message sv; AUTHED; DEAD
  svT, limT,   \* until it answers; until it gives up
  age,         \* of the connection
  win,         \* OFF, or seconds since the first unanswered timeout, at most Win
  last,        \* how the latest negotiation failed, at which age of its connection
  now          \* since the restart, at most Cap

ends == <<link, linkT, sv, svT, limT, age>>
vars == <<ends, flag, query, queryT, neg, negT, win, last, now>>

Init ==
  /\ link = "none" /\ linkT = OFF /\ flag = (Client = "session")
  /\ query = "failed" /\ queryT = 0 /\ neg = 0 /\ negT = OFF
  /\ sv = 0 /\ svT = OFF /\ limT = OFF /\ age = 0
  /\ win = OFF /\ last = <<"none", 0>> /\ now = 0

Waits       == query \in {"queued", "parked", "written"}
Negotiating == neg \in 1..R
Opened(w)   == IF w = OFF THEN 0 ELSE w    \* the window after a timeout

----------------------------------------------------------------------------
\* T8, T9: the connection is gone. by: what a negotiation under way is told. atOnce:
\* the query was the cause and is tried again at once. w: the reset window.
Gone(by, atOnce, w) ==
  /\ link' = "none" /\ linkT' = OFF /\ age' = 0
  /\ neg' = 0 /\ negT' = OFF
  /\ sv' = 0 /\ svT' = OFF /\ limT' = OFF
  /\ flag' = (flag /\ Client = "session")
  /\ last' = IF Negotiating THEN <<by, age>> ELSE last
  /\ query'  = IF atOnce \/ Waits THEN "failed" ELSE query
  /\ queryT' = IF atOnce THEN 0 ELSE IF Waits THEN Backoff ELSE queryT
  /\ win' = w
  /\ UNCHANGED now

Answered == query' = "done" /\ queryT' = OFF /\ win' = OFF                      \* T4
Refused  == query' = "failed" /\ queryT' = Backoff /\ win' = OFF                \* T14
Die      == sv' = DEAD /\ svT' = OFF /\ limT' = OFF                             \* T13

----------------------------------------------------------------------------
\* The client

NegotiationDue == Negotiating /\ negT = 0
After          == NegFirst /\ NegotiationDue    \* the negotiation's timer goes first

SendDue == query = "failed" /\ queryT = 0
Send ==
  /\ SendDue /\ ~After
  /\ \/ /\ link # "connected"                                                   \* T1
        /\ query' = "queued" /\ queryT' = TQ /\ link' = "connecting"
        /\ linkT' = IF link = "none" THEN SynDelay ELSE linkT
        /\ UNCHANGED <<flag, neg, negT, sv, svT, limT, age, win, last, now>>
     \/ /\ link = "connected" /\ ~flag                                          \* T2
        /\ query' = "parked" /\ queryT' = TQ
        /\ UNCHANGED <<ends, flag, neg, negT, win, last, now>>
     \/ /\ link = "connected" /\ flag /\ sv = DEAD                              \* T3
        /\ query' = "written" /\ queryT' = TQ
        /\ UNCHANGED <<ends, flag, neg, negT, win, last, now>>
     \/ /\ link = "connected" /\ flag /\ sv # DEAD /\ (sv = AUTHED \/ ~Mandatory)
        /\ Answered
        /\ UNCHANGED <<ends, flag, neg, negT, last, now>>
     \/ /\ link = "connected" /\ flag /\ sv \in 1..R /\ Mandatory               \* T11
        /\ \/ ServerMode = "fin" /\ Gone("RESET", TRUE, OFF)                    \* T12
           \/ /\ ServerMode = "hang" /\ Die
              /\ query' = "written" /\ queryT' = TQ
              /\ UNCHANGED <<link, linkT, age, flag, neg, negT, win, last, now>>
           \/ /\ ServerMode = "reference" /\ Refused
              /\ UNCHANGED <<ends, flag, neg, negT, last, now>>

Up ==                                                                           \* T5
  /\ link' = "connected" /\ linkT' = OFF /\ age' = 0
  /\ neg' = 1 /\ negT' = TNeg
Accept == sv' = 1 /\ svT' = D /\ limT' = IF TSrv = 0 THEN OFF ELSE TSrv         \* T10

EstablishDue == link = "connecting" /\ linkT = 0
Establish ==
  /\ EstablishDue
  /\ \/ /\ query # "queued"
        /\ Up /\ Accept /\ UNCHANGED <<query, queryT, win, last>>
     \/ /\ query = "queued" /\ ~flag
        /\ Up /\ Accept /\ query' = "parked" /\ UNCHANGED <<queryT, win, last>>
     \/ /\ query = "queued" /\ flag /\ ~Mandatory
        /\ Up /\ Accept /\ Answered /\ UNCHANGED last
     \/ /\ query = "queued" /\ flag /\ Mandatory
        /\ \/ /\ ServerMode = "fin"                                             \* T12
              /\ link' = "none" /\ linkT' = OFF
              /\ query' = "failed" /\ queryT' = Backoff /\ win' = OFF
              /\ last' = <<"RESET", 0>>
              /\ UNCHANGED <<neg, negT, sv, svT, limT, age>>
           \/ /\ ServerMode = "hang"
              /\ Up /\ Die /\ query' = "written" /\ UNCHANGED <<queryT, win, last>>
           \/ /\ ServerMode = "reference"
              /\ Up /\ Accept /\ Refused /\ UNCHANGED last
  /\ UNCHANGED <<flag, now>>

QueryTimeoutDue == Waits /\ queryT = 0
QueryTimeout ==                                                                 \* T6
  /\ QueryTimeoutDue /\ ~After
  /\ \/ win = Win /\ link = "connected" /\ Gone("RESET", TRUE, OFF)
     \/ /\ win = Win /\ link # "connected"
        /\ query' = "failed" /\ queryT' = 0 /\ win' = OFF
        /\ UNCHANGED <<ends, flag, neg, negT, last, now>>
     \/ /\ win # Win
        /\ query' = "failed" /\ queryT' = Away /\ win' = Opened(win)
        /\ UNCHANGED <<ends, flag, neg, negT, last, now>>

NegotiationTimeout ==                                                           \* T7
  /\ NegotiationDue
  /\ Gone(IF win = Win THEN "RESET" ELSE "TIMEOUT", FALSE,
          IF Waits \/ win = Win THEN OFF ELSE Opened(win))

----------------------------------------------------------------------------
\* The server

AnswerDue == svT = 0
Answer ==                                                                       \* T15
  /\ AnswerDue /\ win' = OFF
  /\ \/ /\ neg < R
        /\ neg' = neg + 1 /\ negT' = IF PerMessage THEN TNeg ELSE negT
        /\ sv' = sv + 1 /\ svT' = D
        /\ UNCHANGED <<limT, flag, query, queryT>>
     \/ /\ neg = R                                                              \* T16
        /\ neg' = AUTHED /\ negT' = OFF /\ flag' = TRUE
        /\ sv' = AUTHED /\ svT' = OFF /\ limT' = OFF
        /\ query'  = IF query = "parked" THEN "done" ELSE query
        /\ queryT' = IF query = "parked" THEN OFF ELSE queryT
  /\ UNCHANGED <<link, linkT, age, last, now>>

GiveUpDue == limT = 0 /\ sv \in 1..R
GiveUp ==                                                                       \* T17
  /\ GiveUpDue
  /\ IF ServerMode = "hang"
     THEN Die /\ UNCHANGED <<link, linkT, age, flag, query, queryT, neg, negT, win, last, now>>
     ELSE Gone("RESET", FALSE, OFF)

----------------------------------------------------------------------------
\* Time

Due == \/ SendDue \/ EstablishDue \/ AnswerDue                                  \* T20
       \/ QueryTimeoutDue \/ NegotiationDue \/ GiveUpDue

Down(t) == IF t > 0 THEN t - 1 ELSE t
Tick ==                                                                         \* T21
  /\ ~Due /\ query # "done"
  /\ linkT' = Down(linkT) /\ queryT' = Down(queryT) /\ negT' = Down(negT)
  /\ svT' = Down(svT) /\ limT' = Down(limT)
  /\ age' = IF link = "connected" THEN age + 1 ELSE age
  /\ win' = IF win \in {OFF, Win} THEN win ELSE win + 1
  /\ now' = IF now < Cap THEN now + 1 ELSE now
  /\ UNCHANGED <<link, flag, query, neg, sv, last>>

Next == Send \/ Establish \/ QueryTimeout \/ NegotiationTimeout \/ Answer \/ GiveUp \/ Tick
Spec == Init /\ [][Next]_vars /\ WF_vars(Next)                                  \* T22

----------------------------------------------------------------------------
TypeOK ==
  /\ link \in {"none", "connecting", "connected"} /\ flag \in BOOLEAN
  /\ query \in {"failed", "queued", "parked", "written", "done"}
  /\ neg \in 0..AUTHED /\ sv \in 0..DEAD /\ win \in OFF..Win /\ now \in 0..Cap
  /\ (link = "connecting") <=> (linkT # OFF)
  /\ (query = "done") <=> (queryT = OFF)
  /\ Negotiating <=> (negT # OFF)
  /\ (svT # OFF) => (sv = neg /\ Negotiating)
  /\ (limT # OFF) => sv \in 1..R
  /\ (link = "connected") <=> (sv # 0)

Converges == <>(query = "done")                                                 \* T30
NonZeno   == []<>(~Due)                                                         \* T31
DoneByCap == (Cap > 0 /\ now = Cap /\ ~Due) => query = "done"                   \* T32

NoTimeout              == last[1] # "TIMEOUT"                                   \* T33
NoReset                == last[1] # "RESET"                                     \* T34
NoTimeoutAt10          == last # <<"TIMEOUT", 10>>                              \* T35
NoResetAt5             == last # <<"RESET", 5>>                                 \* T36
NoResetAt0             == last # <<"RESET", 0>>                                 \* T37
OnlyReportedSignatures == last \in {<<"none", 0>>, <<"TIMEOUT", 10>>, <<"RESET", 5>>}   \* T38
\* T39 holds exactly where this is violated.
NeverFinishes          == query # "done"
=============================================================================
