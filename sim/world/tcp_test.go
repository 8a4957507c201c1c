// Each behaviour of TCP that the world simulates, with the section of RFC 9293 that it is from.

package world

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

const ms = time.Millisecond

// Section 3.5, figure 6: SYN, SYN-ACK, ACK.
func TestHandshakeTakesOneRoundTripForTheDialerAndAHalfMoreForTheAcceptor(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.Run(time.Second)
	assert.Equal(t, 2*ms, f.c.when("dialed 1"))
	assert.Equal(t, 3*ms, f.s.when("accepted 1"))
	assert.Equal(t, f.c.io.Global(1), f.s.io.Global(f.accepted()))
}

// Section 3.10.7.1: a segment to a port without a connection or listener is answered by RST;
// section 3.10.7.3: in SYN-SENT that refuses the connection.
func TestDialIsRefusedWhereNobodyListens(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.server.Kill()
	f.c.io.Dial(1, serverPort)
	f.Run(time.Second)
	assert.Equal(t, []string{"dial-failed 1 refused"}, f.c.lines())
	assert.Equal(t, 2*ms, f.c.when("dial-failed 1 refused"))
	assert.Zero(t, knows(f.client))
}

// Section 3.10.8, retransmission timeout, with RFC 6298 section 2 (1 s at first) and 5.5 (doubling).
func TestLostSYNLeavesAgainAfter1And3And7Seconds(t *testing.T) {
	for up, want := range map[time.Duration]time.Duration{
		500 * ms:  time.Second,
		1500 * ms: 3 * time.Second,
		3500 * ms: 7 * time.Second,
		7500 * ms: 15 * time.Second,
	} {
		f := newFixture(t, oneMillisecond())
		f.server.PowerOff()
		f.At(up, f.server.PowerOn)
		f.c.io.Dial(1, serverPort)
		f.Run(time.Minute)
		assert.Equal(t, want+2*ms, f.c.when("dialed 1"), "server up at %v", up)
	}
}

// Section 3.10.8, user timeout during the handshake; Linux's six retries.
func TestDialGivesUpWithTimeout(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.server.PowerOff()
	f.c.io.Dial(1, serverPort)
	f.c.io.Dial(2, addrPort("10.9.9.9:1")) // an address that no host has
	f.Run(10 * time.Minute)
	assert.Equal(t, []string{"dial-failed 1 timeout", "dial-failed 2 timeout"}, f.c.lines())
	assert.Equal(t, 127*time.Second, f.c.when("dial-failed 1 timeout"))
	assert.Zero(t, knows(f.client))
}

// Section 3.10.7.4: a SYN-ACK that comes again, since the ACK was lost, is acknowledged again.
func TestLostACKOfTheHandshakeIsAskedForAgain(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.At(2*ms, func() { f.Cut(f.client, f.server) })
	f.At(500*ms, func() { f.Heal(f.client, f.server) })
	f.Run(time.Minute)
	assert.Equal(t, 2*ms, f.c.when("dialed 1"))
	assert.Equal(t, time.Second+3*ms, f.s.when("accepted 1")) // SYN-ACK left at 1 ms and again at 1001 ms
	assert.Len(t, f.s.seen, 1)
}

// Section 3.5: data may follow the handshake's ACK at once, and completes the handshake if
// the ACK was lost (section 3.10.7.4, fifth).
func TestDataCompletesTheHandshakeWhoseACKWasLost(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.At(2*ms, func() { f.Cut(f.client, f.server) })
	f.At(100*ms, func() {
		f.Heal(f.client, f.server)
		f.c.io.Write(1, []byte("hello"))
	})
	f.Run(time.Minute)
	assert.Equal(t, []string{"accepted 1", "received 1 hello"}, f.s.lines())
	assert.Equal(t, 101*ms, f.s.when("accepted 1"))
}

// Section 3.10.8: an acceptor whose SYN-ACK nobody acknowledges gives up.
func TestHalfOpenHandshakeEnds(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.Run(1 * ms)
	f.client.PowerOff()
	f.Run(2 * ms)
	assert.Equal(t, 1, knows(f.server))
	f.Run(2 * time.Minute)
	assert.Zero(t, knows(f.server))
	assert.Empty(t, f.s.lines())
}

// Section 3.6, case 1 and figure 12: FIN, answered by the other end's FIN.
func TestCloseReachesTheOtherEndAfterTheData(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Write(1, []byte("a"))
	f.c.io.Write(1, []byte("b"))
	f.c.io.Close(1)
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 a", "received 1 b", "closed 1 fin"}, f.s.lines())
	assert.Equal(t, []string{"dialed 1"}, f.c.lines(), "who closes hears nothing more")
	assert.Zero(t, knows(f.server))
}

// Section 3.6, TIME-WAIT: who closed first remembers the connection (60 s as in Linux).
func TestWhoClosesFirstStaysInTimeWait(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Close(1)
	f.runFor(time.Second)
	assert.Equal(t, 1, knows(f.client))
	f.runFor(time.Minute)
	assert.Zero(t, knows(f.client))
}

// Section 3.6: TIME-WAIT begins with the other end's FIN, however late that is.
func TestTimeWaitBeginsWithTheLastFIN(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Close(1)
	f.runFor(500 * time.Microsecond)
	f.Cut(f.server, f.client) // the FIN arrives, its answer is lost until 25.4 s have passed
	f.runFor(20 * time.Second)
	f.Heal(f.server, f.client)
	f.runFor(6 * time.Second)
	require.Equal(t, stateTimeWait, f.onlyEnd(f.client).state)
	f.runFor(50 * time.Second)
	assert.Equal(t, 1, knows(f.client), "more than 60 s after FIN-WAIT-2 began")
	f.runFor(10 * time.Second)
	assert.Zero(t, knows(f.client))
}

// Section 3.6, FIN-WAIT-2: where the other end's FIN never comes, 60 s as in Linux.
func TestFINWAIT2Ends(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Close(1)
	f.runFor(1 * ms)
	f.server.PowerOff()
	f.Cut(f.server, f.client) // also its FIN that is under way
	f.runFor(59 * time.Second)
	assert.Equal(t, 1, knows(f.client))
	f.runFor(2 * time.Second)
	assert.Zero(t, knows(f.client))
}

// Section 3.6, case 3 and figure 13: both close at once.
func TestSimultaneousCloseEndsInTimeWaitOnBothSides(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Close(1)
	f.s.io.Close(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1"}, f.s.lines())
	assert.Equal(t, 1, knows(f.client))
	assert.Equal(t, 1, knows(f.server))
	f.runFor(time.Minute)
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// Section 3.6.1, SHLD-3: data after CLOSE is answered by RST. The other end's own FIN has
// been sent by then, so its process knows already.
func TestDataToAClosedEndIsAnsweredByReset(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.Write(f.accepted(), []byte("late"))
	f.c.io.Close(1)
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "closed 1 fin"}, f.s.lines())
	assert.Zero(t, knows(f.client), "reset: no TIME-WAIT")
}

// Section 3.10.5: a reset follows what was sent before it; nothing follows the reset.
func TestResetOvertakesNothing(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Write(1, []byte("x"))
	f.c.io.Abort(1)
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "received 1 x", "closed 1 reset"}, f.s.lines())
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// Section 3.6.1, SHLD-3: CLOSE with received data still pending sends RST.
func TestCloseWithUnreadBytesResets(t *testing.T) {
	config := oneMillisecond()
	config.Split, config.ReadDelay = true, 50*ms
	for seed := range uint64(50) {
		config.Seed = seed
		f := connected(t, config)
		f.c.io.Write(1, []byte("0123456789"))
		f.runFor(2 * ms)
		end := f.s.io.open(f.accepted())
		unread := len(end.unread) - end.readFrom
		require.Equal(t, 10, unread+len(f.s.got[f.accepted()]))
		f.s.io.Close(f.accepted())
		f.runFor(time.Second)
		want := "closed 1 fin"
		if unread > 0 {
			want = "closed 1 reset"
		}
		assert.Equal(t, []string{"dialed 1", want}, f.c.lines(), "seed %d, unread %d", seed, unread)
	}
}

// Section 3.10.3: RECEIVE returns what came before the FIN first, then that it closes.
func TestFINWaitsForUnreadBytes(t *testing.T) {
	config := oneMillisecond()
	config.Split, config.ReadDelay = true, 50*ms
	late := 0
	for seed := range uint64(20) {
		config.Seed = seed
		f := connected(t, config)
		f.c.io.Write(1, []byte("0123456789"))
		f.c.io.Close(1)
		f.runFor(2 * ms)
		if f.s.when("closed 1 fin") < 0 {
			late++
		}
		f.runFor(time.Second)
		lines := f.s.lines()
		assert.Equal(t, "closed 1 fin", lines[len(lines)-1])
		assert.Equal(t, "0123456789", string(f.s.got[f.accepted()]))
	}
	assert.NotZero(t, late, "no seed had bytes unread when the FIN came")
}

// Section 3.7: segments and reads need not be what was written. A process reads a write in
// pieces, and several in one.
func TestReadsAreNotWrites(t *testing.T) {
	config := oneMillisecond()
	config.Split, config.ReadDelay = true, 5*ms
	writes := []string{"first,", "second,", "third"}
	pieces, together := 0, 0
	for seed := range uint64(20) {
		config.Seed = seed
		f := connected(t, config)
		for _, text := range writes {
			f.c.io.Write(1, []byte(text))
			f.runFor(ms)
		}
		f.runFor(time.Second)
		require.Equal(t, strings.Join(writes, ""), string(f.s.got[f.accepted()]))
		for _, line := range f.s.lines()[1:] {
			read, ok := strings.CutPrefix(line, "received 1 ")
			require.True(t, ok, line)
			switch {
			case slices.ContainsFunc(writes, func(text string) bool { return text != read && strings.Contains(text, read) }):
				pieces++
			case !slices.Contains(writes, read):
				together++
			}
		}
	}
	assert.NotZero(t, pieces, "no seed read less than a write")
	assert.NotZero(t, together, "no seed read more than a write")
}

// Section 2.2: the order of bytes is that of their connection. What is written on another
// afterwards may come first, and nothing overtakes on the same.
func TestConnectionsOvertakeEachOther(t *testing.T) {
	config := Config{LatencyMin: ms, LatencyMax: 20 * ms}
	overtaken := 0
	for seed := range uint64(20) {
		config.Seed = seed
		f := newFixture(t, config)
		for id := range protocol.ConnID(2) {
			f.c.io.Dial(id+1, serverPort)
			f.runFor(time.Second)
		}
		for _, text := range []string{"a", "b", "c"} {
			f.c.io.Write(1, []byte(text))
			f.c.io.Write(2, []byte(text))
		}
		f.runFor(time.Second)
		for _, conn := range f.s.seen {
			require.Equal(t, "abc", string(f.s.got[conn]))
		}
		if f.s.when("received 2 a") < f.s.when("received 1 a") {
			overtaken++
		}
	}
	assert.NotZero(t, overtaken, "no seed had a later write arrive first")
	assert.Less(t, overtaken, 20, "every seed had")
}

// Section 3.10.5: ABORT sends RST.
func TestAbortResetsThePeer(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.Abort(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
}

// Section 3.10.7.3: a SYN-ACK for a dial that was given up is answered by RST.
func TestDialThatWasGivenUpIsReset(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.c.io.Close(1)
	f.Run(time.Minute)
	assert.Empty(t, f.c.lines())
	assert.Empty(t, f.s.lines())
	assert.Zero(t, knows(f.client)+knows(f.server))
}

// The same, and that RST gets lost: the SYN-ACK comes again and is answered again.
func TestResetOfAHandshakeMayGetLost(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.Run(ms + ms/2)
	f.c.io.Close(1)
	f.Cut(f.client, f.server)
	f.Run(10 * ms)
	f.Heal(f.client, f.server)
	f.Run(999 * ms)
	assert.Equal(t, 1, knows(f.server))
	f.Run(2 * time.Second)
	assert.Zero(t, knows(f.server))
}

// Section 3.10.7.4: the reset that answers data may get lost, too; the data comes again.
func TestResetOfDataMayGetLost(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.server.PowerOff()
	f.server.PowerOn()
	f.Cut(f.server, f.client)
	start := f.Elapsed()
	f.c.io.Write(1, []byte("x"))
	f.runFor(500 * ms)
	f.Heal(f.server, f.client)
	f.runFor(time.Minute)
	assert.Equal(t, start+602*ms, f.c.when("closed 1 reset"), "left after 0, 200, 600 ms")
}

// A killed process' kernel closes for it, section 3.10.4.
func TestKillSendsFIN(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.server.Kill()
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 fin"}, f.c.lines())
	assert.False(t, f.server.Up())
}

// Section 3.6.1 for a killed process: data that it did not read means RST.
func TestKillWithUnreadBytesSendsReset(t *testing.T) {
	config := oneMillisecond()
	config.Split, config.ReadDelay = true, 50*ms
	resets := 0
	for seed := range uint64(20) {
		config.Seed = seed
		f := connected(t, config)
		f.c.io.Write(1, []byte("0123456789"))
		f.runFor(2 * ms)
		end := f.s.io.open(f.accepted())
		unread := len(end.unread) > end.readFrom
		f.server.Kill()
		f.runFor(time.Second)
		if unread {
			resets++
			assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
		}
	}
	assert.NotZero(t, resets)
}

// Section 3.5.1, half-open connections: power loss leaves no word, and the survivor's data is
// answered by RST once a kernel is there that does not know the connection (3.10.7.1).
// Retransmissions leave after 0.2, 0.6, 1.4, 3.0 s: the one after the return is answered.
func TestHalfOpenConnectionIsResetWhenTheHostIsBack(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.server.PowerOff()
	f.runFor(100 * ms)
	start := f.Elapsed()
	f.c.io.Write(1, []byte("anyone?"))
	f.After(time.Second, f.server.PowerOn)
	f.runFor(time.Minute)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
	assert.Equal(t, start+1400*ms+2*ms, f.c.when("closed 1 reset"))
	assert.Empty(t, f.s.lines(), "the new process never hears of it")
}

// Section 3.5.1: without data a half-open connection is not noticed.
func TestIdleHalfOpenConnectionStays(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.server.PowerOff()
	f.runFor(time.Second)
	f.server.PowerOn()
	f.runFor(10 * time.Minute)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	f.c.io.Write(1, []byte("?"))
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
}

// Section 3.5.1: a host without power sends nothing again.
func TestPowerLossEndsRetransmission(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Partition(f.client, f.server)
	f.c.io.Write(1, []byte("lost"))
	f.runFor(300 * ms)
	f.client.PowerOff()
	f.HealPartition(f.client, f.server)
	f.runFor(time.Minute)
	assert.Equal(t, []string{"accepted 1"}, f.s.lines())
	assert.Equal(t, 1, knows(f.server))
}

// Section 3.10.8, user timeout.
func TestUnacknowledgedDataEndsInTimeout(t *testing.T) {
	config := oneMillisecond()
	config.UserTimeout = 30 * time.Second
	f := connected(t, config)
	f.server.PowerOff()
	start := f.Elapsed()
	f.c.io.Write(1, []byte("anyone?"))
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, start+30*time.Second, f.c.when("closed 1 timeout"))
	assert.Zero(t, knows(f.client))
}

// RFC 1122 section 4.2.3.5 leaves R2 to hosts: Linux gives a connection that no process has
// any more up after 8 retries.
func TestOrphanIsGivenUpSooner(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Partition(f.client, f.server)
	f.c.io.Write(1, []byte("lost"))
	f.c.io.Close(1)
	f.runFor(102 * time.Second)
	assert.Equal(t, 1, knows(f.client))
	f.runFor(time.Second)
	assert.Zero(t, knows(f.client))
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

// Section 3.10.4: CLOSE in LAST-ACK, after SHUTDOWN, changes nothing about the FIN under way.
func TestCloseInLastACKLeavesTheFINUnderWay(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.s.io.StayOpen(f.accepted())
	f.c.io.CloseWrite(1)
	f.runFor(time.Second)
	f.Partition(f.client, f.server)
	f.s.io.CloseWrite(f.accepted())
	f.s.io.Close(f.accepted())
	f.runFor(time.Second)
	require.Equal(t, stateLastACK, f.onlyEnd(f.server).state)
	f.HealPartition(f.client, f.server)
	f.runFor(10 * time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 fin"}, f.c.lines())
	assert.Zero(t, knows(f.server))
}

// Section 3.8.1: what a partition swallowed arrives afterwards, in order and once.
func TestPartitionDelaysData(t *testing.T) {
	f := connected(t, oneMillisecond())
	start := f.Elapsed()
	f.c.io.Write(1, []byte("1"))
	f.Partition(f.client, f.server) // swallows what is under way, too
	f.c.io.Write(1, []byte("2"))
	f.runFor(300 * ms)
	f.c.io.Write(1, []byte("3"))
	f.runFor(200 * ms)
	f.HealPartition(f.client, f.server)
	f.c.io.Write(1, []byte("4"))
	f.runFor(time.Minute)
	assert.Equal(t, []string{"accepted 1", "received 1 1", "received 1 2", "received 1 3", "received 1 4"}, f.s.lines())
	assert.Equal(t, start+600*ms+1*ms, f.s.when("received 1 1"), "left after 0, 200, 600 ms")
	assert.Equal(t, start+600*ms+3*ms, f.s.when("received 1 2"), "after the first was acknowledged")
}

// A packet that leaves during a partition is lost, even if that is over before it would arrive.
func TestPacketSentIntoAPartitionIsLost(t *testing.T) {
	f := connected(t, oneMillisecond())
	start := f.Elapsed()
	f.Partition(f.client, f.server)
	f.Partition(f.client, f.server)
	f.HealPartition(f.client, f.server)
	f.c.io.Write(1, []byte("x"))
	f.HealPartition(f.client, f.server)
	f.HealPartition(f.client, f.server) // once too often is no matter
	f.runFor(time.Second)
	assert.Equal(t, start+201*ms, f.s.when("received 1 x"))
}

// Section 3.8.1: a FIN is retransmitted like data.
func TestPartitionDelaysFIN(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Partition(f.client, f.server)
	f.server.Kill()
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
	f.HealPartition(f.client, f.server)
	f.runFor(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 fin"}, f.c.lines())
}

// A one-way partition: data passes against it.
func TestCutIsOneWay(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.Cut(f.server, f.client)
	f.s.io.Write(f.accepted(), []byte("down"))
	f.c.io.Write(1, []byte("up"))
	f.runFor(10 * ms)
	assert.Equal(t, []string{"accepted 1", "received 1 up"}, f.s.lines())
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

// Section 3.10.7.4 with RFC 5961 section 4: a SYN for a connection that is known is answered by
// a challenge ACK; the dialer resets the old connection and its SYN gets through the next time,
// which with Linux is at once.
func TestPortReuseAgainstAnEstablishedConnectionCostsOneMoreSYN(t *testing.T) {
	config := oneMillisecond()
	config.PortMin, config.PortMax = 40000, 40000
	f := connected(t, config)
	f.client.PowerOff()
	f.client.PowerOn()
	start := f.Elapsed()
	f.Run(start)
	f.c.io.Dial(2, serverPort)
	f.runFor(time.Minute)
	assert.Equal(t, []string{"accepted 1", "closed 1 reset", "accepted 2"}, f.s.lines())
	assert.Equal(t, start+3*ms, f.s.when("closed 1 reset"))
	assert.Equal(t, start+14*ms, f.c.when("dialed 2"))
}

// Section 3.10.7.4, first: the same in SYN-RECEIVED, since another SYN is outside of its window.
func TestPortReuseAgainstAHandshakeCostsOneMoreSYN(t *testing.T) {
	config := oneMillisecond()
	config.PortMin, config.PortMax = 40000, 40000
	f := newFixture(t, config)
	f.c.io.Dial(1, serverPort)
	f.Run(1 * ms)
	f.client.PowerOff()
	f.Run(2 * ms) // the SYN-ACK is lost
	f.client.PowerOn()
	f.Run(2 * ms)
	require.Equal(t, stateSYNReceived, f.onlyEnd(f.server).state)
	f.c.io.Dial(2, serverPort)
	f.runFor(time.Minute)
	assert.Equal(t, 2*ms+14*ms, f.c.when("dialed 2"))
	assert.Equal(t, []string{"accepted 1"}, f.s.lines(), "and nobody ever hears of the first")
	assert.Equal(t, 1, f.Happened().Challenges)
}

// Section 3.6.1, MAY-2: a SYN may reopen a connection that is in TIME-WAIT.
func TestPortReuseAgainstTimeWaitCostsNothing(t *testing.T) {
	config := oneMillisecond()
	config.PortMin, config.PortMax = 40000, 40000
	f := connected(t, config)
	f.s.io.Close(f.accepted()) // TIME-WAIT is the server's
	f.runFor(time.Second)
	require.Equal(t, 1, knows(f.server))
	start := f.Elapsed()
	f.c.io.Dial(2, serverPort)
	f.runFor(time.Second)
	assert.Equal(t, start+2*ms, f.c.when("dialed 2"))
}

// Section 3.4.1 and 3.6: no port is used again while the dialer's kernel knows the 4-tuple.
func TestPortsAreNotReusedInTimeWait(t *testing.T) {
	config := oneMillisecond()
	config.PortMin, config.PortMax = 40000, 40001
	f := newFixture(t, config)
	for id := range protocol.ConnID(3) {
		f.c.io.Dial(id+1, serverPort)
	}
	f.c.io.Dial(4, addrPort("10.0.0.1:34601")) // another 4-tuple: ports are free, nobody listens
	f.runFor(time.Second)
	assert.Equal(t, []string{"dial-failed 3 no-port", "dialed 1", "dialed 2", "dial-failed 4 refused"}, f.c.lines())
	f.c.io.Close(1)
	f.runFor(time.Second)
	f.c.io.Dial(5, serverPort)
	f.runFor(time.Second)
	assert.GreaterOrEqual(t, f.c.when("dial-failed 5 no-port"), time.Duration(0))
	f.runFor(time.Minute)
	f.c.io.Dial(6, serverPort)
	f.runFor(time.Second)
	assert.GreaterOrEqual(t, f.c.when("dialed 6"), time.Duration(0))
}

// RFC 6056 section 3.3.1: ports come in sequence from a start that the seed and the boot draw; the range wraps.
func TestEphemeralPortsAreSequential(t *testing.T) {
	config := oneMillisecond()
	config.PortMin, config.PortMax = 40000, 40009
	f := newFixture(t, config)
	var ports []int
	for id := range protocol.ConnID(10) {
		f.c.io.Dial(id+1, serverPort)
		ports = append(ports, int(f.c.io.open(id+1).addr.Port()))
	}
	for i := range ports[1:] {
		assert.Equal(t, 40000+(ports[i]-40000+1)%10, ports[i+1])
	}
}

// A listener's restart between SYN and ACK: nobody is there to accept, section 3.10.7.1.
func TestHandshakeWithAProcessThatDiedIsReset(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Dial(1, serverPort)
	f.At(2*ms, f.server.Restart)
	f.Run(time.Second)
	assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
	assert.Empty(t, f.s.lines())
}

// Section 3.5.2, reset processing, and the trace: both ends show one number, and the age.
func TestTraceShowsBothEnds(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Write(1, []byte("abc"))
	f.c.io.Close(1)
	f.runFor(10 * ms)
	type line struct {
		node string
		kind trace.Kind
		conn uint64
		size int
		note string
		age  int64
	}
	var got []line
	for _, ev := range f.record.Events() {
		if ev.Conn != 0 {
			got = append(got, line{ev.Node, ev.Kind, ev.Conn, ev.Size, ev.Note, ev.AgeNS})
		}
	}
	assert.Equal(t, []line{
		{"client", trace.KindDial, 1, 0, "", 0},
		{"client", trace.KindConnected, 1, 0, "", 0},
		{"server", trace.KindAccept, 1, 0, "", 0},
		{"client", trace.KindClose, 1, 0, "fin", int64(8 * ms)},
		{"server", trace.KindBytes, 1, 3, "", 0},
		{"server", trace.KindClosed, 1, 0, "fin", int64(8 * ms)},
	}, got)
}
