// Golden scripts: what a keeper does, event by event, in words. testdata/*.txt; rewrite
// with go test -rewrite.

package ticket

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		var h *harness
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "keeper" {
				cfg := DefaultConfig()
				for _, f := range []struct {
					name  string
					limit *int
				}{{"max-services", &cfg.MaxServices}, {"max-waiters", &cfg.MaxWaiters}, {"max-fetches", &cfg.MaxFetches}} {
					if d.HasArg(f.name) {
						d.ScanArgs(t, f.name, f.limit)
					}
				}
				h = newHarness(t, cfg)
				h.late = d.HasArg("late")
				return ""
			}
			h.t = t
			h.log.Reset()
			first := d.Cmd
			for _, a := range d.CmdArgs {
				first += " " + a.String()
			}
			for _, line := range append([]string{first}, strings.Split(d.Input, "\n")...) {
				if strings.TrimSpace(line) != "" {
					h.script(strings.Fields(line))
				}
			}
			return h.log.String()
		})
	})
}

// name reads what Name.String writes.
func name(text string) Name {
	service, host, _ := strings.Cut(text, "/")
	if host == "" {
		return Name{}
	}
	return Name{service, host}
}

// script carries out one line: a verb and its arguments.
func (h *harness) script(line []string) {
	arg := func(i int) string {
		if i < len(line) {
			return line[i]
		}
		return "0s"
	}
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(arg(i), "t"), 10, 64)
		require.NoError(h.t, err, "%v", line)
		return n
	}
	duration := func(i int) time.Duration {
		d, err := time.ParseDuration(arg(i))
		require.NoError(h.t, err, "%v", line)
		return d
	}
	switch line[0] {
	case "want": // waiter name wait
		h.want(WaiterID(number(1)), name(arg(2)), duration(3))
	case "cancel":
		h.step(Event{Kind: EventCancel, Waiter: WaiterID(number(1))})
	case "got": // name life [renewable for]
		h.got(name(arg(1)), duration(2), duration(3))
	case "unreachable":
		h.failed(name(arg(1)), FailureUnreachable, CauseNone)
	case "refused": // name cause
		for cause, text := range causeNames {
			if text == arg(2) {
				h.failed(name(arg(1)), FailureRefused, Cause(cause))
				return
			}
		}
		h.t.Fatalf("no cause %s", arg(2))
	case "late": // an answer to a fetch that is over
		h.step(Event{Kind: EventFetched, Fetch: FetchID(number(1)), Ticket: Ticket{Handle: 99, End: h.now.Add(time.Hour)}})
	case "doubt":
		h.step(Event{Kind: EventDoubt, Handle: Handle(number(1))})
	case "suspect":
		h.step(Event{Kind: EventSuspect, Handle: Handle(number(1))})
	case "trust":
		h.step(Event{Kind: EventTrust, Handle: Handle(number(1))})
	case "reload":
		h.step(Event{Kind: EventReload})
	case "close":
		h.step(Event{Kind: EventClose})
	case "advance":
		h.advance(duration(1))
	case "set-clock-back":
		h.now = h.now.Add(-duration(1))
	default:
		h.t.Fatalf("no verb %s", line[0])
	}
}
