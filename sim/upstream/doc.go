// Package upstream has behaviour models of what Apache Pegasus ships: the clients
// upstream-2.5.0 and upstream-snapshot (the Java client as released, and as it was just
// before commit f13084a78), upstream-master (with that fix), upstream-go (the Go client, in
// go_*.go) and the servers fin (every release up to 2.5.0) and hang
// (master since pull request #2111). They are what the reference client and server are
// compared with, so they keep upstream's defects on purpose.
//
// Client, GoClient and Server are pure state machines: time, randomness and bytes come in with
// events, what has to be done goes out as effects. Where the behaviour of the real
// programs depends on how threads interleave, a stated Interval stands for the time that
// a hand-off takes, and the driver draws from it.
//
// Facts, not code, come from upstream: java-client at tag v2.5.0 and at f13084a78^,
// go-client, src/rpc and src/security, and from recordings of the real client (testdata).
package upstream
