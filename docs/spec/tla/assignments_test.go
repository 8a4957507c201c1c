//go:build tlc

// The assignments of the constants that are compared beside those of the switches: listed
// ones, and how others are drawn.

package tla_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

func of(config string, changes ...string) []assignment {
	list := make([]assignment, 0, len(changes))
	for _, c := range changes {
		list = append(list, assignment{config: config, changes: c})
	}
	return list
}

var sessionListed = append(append([]assignment{{config: "plain", changes: "R=2"}}, of("two-metas",
	"Earlies=0",
	"Earlies=0 Client=session",
	"Earlies=0 Client=session ServerMode=hang",
	"Earlies=0 Client=session ServerMode=fin",
	"R=1 Earlies=0 Client=reset ServerMode=hang",
	"",
	"R=1 NReq=2 Earlies=0",
	"R=1 Losses=1 NPorts=2 K=2 Earlies=0",
	"R=1 ByRemoval=false",
	"R=1 Cyclic=false GiveUp=true ServerMode=hang",
	"R=1 Odd=true Rogue=true Defects=zombie-after-decode-error",
	"R=1 Earlies=0 Defects=parked-requests-never-purged+retry-on-dying-session",
)...), of("plain",
	"R=2 Client=session",
	"R=2 Client=reset",
	"R=2 ServerMode=hang",
	"R=2 ServerMode=hang Client=session",
	"R=2 ServerMode=hang Client=reset",
	"R=2 ServerMode=fin",
	"R=2 ServerMode=fin Client=session",
	"R=2 ServerMode=fin Client=reset",
	"R=2 Client=session Rebuild=async ServerMode=hang",
	"R=2 Client=session Rebuild=sync ServerMode=hang",
	"R=2 Client=session ServerMode=hang Mandatory=false",
	"R=2 Losses=1 NPorts=2",
	"R=2 Losses=1 Earlies=1",
	"R=2 Losses=1 Earlies=1 NPorts=2",
	"R=2 Earlies=1 GiveUp=true ServerMode=hang",
	"R=2 Earlies=1 ByRemoval=false",
	"R=2 Losses=1 Earlies=1 PortReuse=true",
	"R=2 Losses=1 Earlies=1 PortReuse=true OldConn=glued",
	"R=2 Losses=1 Earlies=1 PortReuse=true OldConn=sticky ServerMode=hang",
	"R=2 Cyclic=false",
	"R=2 Earlies=1 Odd=true Rogue=true",
	"R=1 NReq=1 Crashes=1 Earlies=1 K=3 NPorts=3 Defects=close-event-of-another-connection",
	"R=2 NReq=1 Crashes=1 Earlies=1 NPorts=2 Defects=negotiate-before-state-check",
	"R=2 Crashes=1 Earlies=1 Defects=failure-closes-newer-connection",
	"R=2 Crashes=1 Earlies=1 Defects=parked-requests-never-purged",
	"R=2 Crashes=1 Defects=retry-on-dying-session",
	"R=2 Crashes=1 Earlies=1 Rogue=true Defects=downgrade",
	"R=2 Crashes=1 Earlies=1 Odd=true Defects=zombie-after-decode-error",
	"R=2 Crashes=1 Earlies=1 Odd=true Defects=lost-callback-on-unknown-error",
	"R=2 Crashes=1 Earlies=1 Losses=1 NPorts=2 Defects=pending-not-failed-on-eof",
)...)

var timeoutsListed = append(
	[]assignment{{config: "default"}, {config: "incident"}, {config: "incident", changes: "Away=0 Cap=0"}},
	append(of("default",
		"TSrv=3",
		"TSrv=3 ServerMode=hang",
		"TSrv=4",
		"Client=session ServerMode=fin Backoff=0 SynDelay=0",
		"Client=session ServerMode=reference Backoff=0",
		"D=4 TNeg=16 Cap=0",
		"D=40 TNeg=200 TSrv=0 Cap=0",
	), of("incident",
		"Cap=0",
		"NegFirst=true Cap=0",
		"Away=0 NegFirst=true Cap=0",
		"TQ=1 Away=0 Win=7 Cap=0",
	)...)...)

var routingListed = of("small",
	"Elections=0 Splits=0",
	"Elections=0 Splits=0 Crashes=1 Earlies=0 Odd=false",
	"Earlies=0 Odd=false Defects=forward-ping-pong",
	"Earlies=0 Odd=false Splits=0 Defects=retry-to-stale-primary",
	"Earlies=0 Odd=false Splits=0 Defects=older-ballot-accepted",
	"Moves=0 Elections=0 Splits=0 Defects=lost-callback-on-unknown-error",
	"Elections=0",
	"Earlies=0 Odd=false",
	"Splits=0",
	"Earlies=0 Odd=false Learn=true",
	"Earlies=0 Odd=false Known=1 Metas=2 Learn=true",
	"Earlies=0 Odd=false Known=1 Metas=2",
	"Splits=0 Metas=2 Known=2 Crashes=1 Earlies=0 Odd=false",
	"Moves=0 Splits=0 Metas=2 Known=2 Crashes=2 Earlies=0 Odd=false",
	"Elections=0 Splits=0 Metas=1 Known=1 Parts=2 NReq=2 Earlies=0 Odd=false",
	"Elections=0 Splits=0 Metas=2 Known=2 Earlies=1 NReq=2 Cyclic=false",
	"Earlies=0 Odd=false Defects=forward-ping-pong+older-ballot-accepted+retry-to-stale-primary",
)

// drawn makes an assignment of NAME, VALUE pairs.
func drawn(config string, pairs ...any) assignment {
	var words []string
	for i := 0; i < len(pairs); i += 2 {
		words = append(words, fmt.Sprintf("%v=%v", pairs[i], pairs[i+1]))
	}
	return assignment{config: config, changes: strings.Join(words, " ")}
}

func pick(random *rand.Rand, values ...string) string { return values[random.IntN(len(values))] }

func drawSession(random *rand.Rand) assignment {
	client := pick(random, "session", "reset", "conn", "conn", "conn")
	defects := "none"
	if client == "conn" && random.IntN(2) > 0 {
		defects = pick(random, sessionDefects...)
		if other := pick(random, sessionDefects...); random.IntN(3) == 0 && other != defects {
			defects += "+" + other
		}
	}
	rebuild := pick(random, "no", "async", "sync")
	if client != "session" {
		rebuild = "no"
	}
	metas, most := 1, 3
	if random.IntN(4) == 0 {
		metas, most = 2, 2 // two sessions have as many states as one, squared
	}
	return drawn("plain", "Metas", metas,
		"NReq", 1+random.IntN(most), "K", 1+random.IntN(most), "NPorts", 1+random.IntN(2), "R", 1+random.IntN(most), "W", 1+random.IntN(3),
		"Crashes", random.IntN(most), "Losses", random.IntN(2), "Earlies", random.IntN(2),
		"Client", client, "Rebuild", rebuild, "ServerMode", pick(random, "fin", "hang", "reference"),
		"OldConn", pick(random, "tcp", "glued", "overtake", "sticky"),
		"Mandatory", random.IntN(3) > 0, "PortReuse", random.IntN(2) > 0, "GiveUp", random.IntN(2) > 0,
		"ByRemoval", random.IntN(3) > 0, "Cyclic", random.IntN(3) > 0,
		"Odd", random.IntN(3) == 0, "Rogue", random.IntN(3) == 0, "Defects", defects)
}

var sessionDefects = []string{
	"close-event-of-another-connection", "negotiate-before-state-check", "failure-closes-newer-connection",
	"parked-requests-never-purged", "retry-on-dying-session", "downgrade", "zombie-after-decode-error",
	"lost-callback-on-unknown-error", "pending-not-failed-on-eof",
}

// drawTimeouts draws deadlines that often meet.
func drawTimeouts(random *rand.Rand) assignment {
	return drawn("incident",
		"TNeg", random.IntN(12), "PerMessage", random.IntN(2) > 0, "TQ", random.IntN(8), "Win", random.IntN(20),
		"TSrv", random.IntN(12), "D", random.IntN(5), "R", 1+random.IntN(4), "SynDelay", random.IntN(3),
		"Backoff", random.IntN(3), "Away", random.IntN(6), "NegFirst", random.IntN(2) > 0,
		"Client", pick(random, "session", "conn"), "ServerMode", pick(random, "fin", "hang", "reference"),
		"Mandatory", random.IntN(3) > 0, "Cap", random.IntN(2)*random.IntN(40))
}

func drawRouting(random *rand.Rand) assignment {
	metas := 1 + random.IntN(3)
	defects := "none"
	if random.IntN(2) > 0 {
		defects = pick(random, "forward-ping-pong", "retry-to-stale-primary", "older-ballot-accepted", "lost-callback-on-unknown-error")
		if other := pick(random, "forward-ping-pong", "retry-to-stale-primary", "older-ballot-accepted"); random.IntN(4) == 0 {
			defects += "+" + other
		}
	}
	return drawn("plain",
		"Metas", metas, "Known", 1+random.IntN(metas), "Nodes", 1+random.IntN(2), "Parts", 1+random.IntN(2), "NReq", 1+random.IntN(2),
		"Moves", random.IntN(3), "Elections", random.IntN(2), "Splits", random.IntN(2), "Crashes", random.IntN(2), "Earlies", random.IntN(2),
		"Odd", random.IntN(2) > 0, "Learn", random.IntN(2) > 0, "Cyclic", random.IntN(3) > 0, "Defects", defects)
}
