// The report directory of a run: everything that is needed to see it again.

package sim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/internal/wholefile"
	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/report"
	"github.com/a8011091/pegasus-reference/trace"
)

// Files of a report directory.
const (
	ReportConfig   = "config.json"   // the result object and the effective configuration
	ReportScenario = "scenario.txt"  // what replay reads
	ReportEvents   = "events.ndjson" // the trace
	ReportTimeline = "timeline.txt"  // the trace in words
	ReportPage     = "report.html"   // the trace as swim lanes, with the shortest explanation
	ReportHistory  = "history.html"  // the operations as the linearizability checker saw them, faults beside
	ReportRepro    = "repro.txt"     // one command
)

// ReportName is the directory name that a run's report has unless somebody chose one.
func ReportName(r *Result) string {
	return fmt.Sprintf("%s-%s-%s-%s-%s", r.Scenario, r.Seed, r.Client, r.Server, r.Auth)
}

// reportConfig is what config.json holds.
type reportConfig struct {
	*Result
	Configuration string `json:"configuration"` // the scenario's text form
}

// WriteReport runs the result's scenario once more with its events written to dir. An
// existing report there is replaced. Where ctx ends first dir has the scenario and how to
// replay it, and nothing that only looks whole; the error wraps that of ctx.
func WriteReport(ctx context.Context, dir string, r *Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	config, err := json.MarshalIndent(reportConfig{r, string(r.Effective.appendText(nil))}, "", "  ")
	if err != nil {
		return err
	}
	repro := fmt.Sprintf("simulate replay %s\n", dir)
	for _, f := range []struct {
		name string
		data []byte
	}{{ReportConfig, append(config, '\n')}, {ReportRepro, []byte(repro)}} {
		if err := wholefile.Replace(filepath.Join(dir, f.name), func(w io.Writer) error { _, err := w.Write(f.data); return err }); err != nil {
			return err
		}
	}
	if err := wholefile.Replace(filepath.Join(dir, ReportScenario), func(f io.Writer) error {
		return WriteScenario(f, &r.Effective)
	}); err != nil {
		return err
	}
	w := reportWriter{dir: dir, result: r, collector: report.NewCollector(0), begun: make(begunFaults)}
	if err := w.writeEvents(ctx); err != nil {
		return errors.Join(err, w.removeRun())
	}
	return errors.Join(w.writePage(), w.writeHistory())
}

// reportWriter runs once and writes what came of it in several forms.
type reportWriter struct {
	dir       string
	result    *Result
	collector *report.Collector
	begun     begunFaults
	history   linearizability.Visualization
}

// begunFaults is a trace.Sink that remembers which faults that last have begun: one that
// cannot begin when it is time does not befall anybody.
type begunFaults map[begunFault]bool

type begunFault struct {
	node, kind string
	ns         int64
}

// Emit implements trace.Sink.
func (b begunFaults) Emit(ev *trace.Event) {
	if ev.Kind == trace.KindFault && ev.State == faultBegins {
		b[begunFault{ev.Node, ev.Note, ev.AtNS}] = true
	}
}

func (w *reportWriter) file(name string, write func(io.Writer) error) error {
	return wholefile.Replace(filepath.Join(w.dir, name), write)
}

// removeRun removes what a run would have filled.
func (w *reportWriter) removeRun() error {
	var errs []error
	for _, name := range []string{ReportEvents, ReportTimeline, ReportPage, ReportHistory} {
		if err := os.Remove(filepath.Join(w.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// writeEvents runs the scenario again, and writes the trace and its timeline on the way.
func (w *reportWriter) writeEvents(ctx context.Context) error {
	return w.file(ReportEvents, func(events io.Writer) error {
		writer, err := w.newTrace(events)
		if err != nil {
			return err
		}
		return w.file(ReportTimeline, func(words io.Writer) error {
			timeline := newTimeline(words, &w.result.Effective)
			again, err := Run(ctx, w.result.Effective, Options{
				Sink:    trace.Fanout{writer, timeline, w.collector, w.begun},
				History: func(v linearizability.Visualization) { w.history = v },
			})
			if err == nil {
				err = w.compare(ctx, &again)
			}
			return errors.Join(err, timeline.flush(), writer.Flush())
		})
	})
}

// newTrace begins the trace with what config.json has, as far as a line has room for it: a
// scenario may be larger.
func (w *reportWriter) newTrace(events io.Writer) (writer *trace.Writer, err error) {
	short := *w.result
	short.Drawn, short.IdleFaults = nil, nil
	for _, has := range []any{reportConfig{w.result, string(w.result.Effective.appendText(nil))}, w.result, &short} {
		config, err := json.Marshal(has)
		if err != nil {
			return nil, err
		}
		if writer, err = trace.NewWriter(events, trace.Header{Tool: Version(), Config: config}); !errors.Is(err, trace.ErrLineTooLong) {
			return writer, err
		}
	}
	return nil, trace.ErrLineTooLong
}

// compare says why the run that was written is not the one that was judged, or nil.
func (w *reportWriter) compare(ctx context.Context, again *Result) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("run seed %s again: %w", again.Seed, ctx.Err())
	case again.TraceHash != w.result.TraceHash:
		return fmt.Errorf("seed %s gave trace hash %s, and %s when it was run again; this is a bug of the simulator", again.Seed, w.result.TraceHash, again.TraceHash)
	}
	return nil
}

func (w *reportWriter) writePage() error {
	return w.file(ReportPage, func(f io.Writer) error {
		out := bufio.NewWriter(f)
		return errors.Join(w.collector.WriteHTML(out, w.summary()), out.Flush())
	})
}

// summary is the result as the page tells it.
func (w *reportWriter) summary() report.Summary {
	r := w.result
	s := report.Summary{
		Title: r.Scenario + ": " + r.Client + " against " + r.Server, Verdict: string(r.Verdict), Reason: r.Reason,
		Violations: []report.Violation{}, Repro: "simulate replay " + w.dir,
		Facts: []report.Fact{
			{Name: "seed", Value: r.Seed}, {Name: "authentication", Value: r.Auth + EarlyWords(r.Server, r.EarlyRequest)},
			{Name: "restarts", Value: fmt.Sprintf("%d, with %d requests in flight", r.Restarts, r.InFlight)},
			{Name: "reconnects", Value: fmt.Sprint(r.Reconnects)},
			{Name: "converged", Value: convergence(r.ConvergedAfterNS, ConvergedSays(r.Client))}, {Name: "callers waited", Value: convergence(r.WaitedNS, WaitedSays)},
			{Name: "callers answered", Value: convergence(r.AnsweredNS, AnsweredSays)},
			{Name: "trace hash", Value: r.TraceHash}, {Name: "version", Value: r.Version},
		},
	}
	if n := len(r.IdleFaults); n > 0 {
		s.Facts = append(s.Facts, report.Fact{Name: "faults that came to nothing", Value: fmt.Sprintf("%d, the first is %v", n, r.IdleFaults[0])})
	}
	for _, v := range r.Violations {
		s.Violations = append(s.Violations, report.Violation{
			Property: v.Property, AtNS: int64(v.At), What: v.What, Decides: slices.Contains(r.Judged, v.Property),
		})
	}
	return s
}

// EarlyWords says what becomes of early requests, behind other words; nothing of a server
// whose kind says that already.
func EarlyWords(server, policy string) string {
	if server != ServerReference {
		return ""
	}
	return ", early requests " + policy
}

// convergence is a figure with its definition.
func convergence(ns *int64, says string) string {
	if ns == nil {
		return "no"
	}
	return time.Duration(*ns).Round(time.Millisecond).String() + ": " + says
}

func (w *reportWriter) writeHistory() error {
	return w.file(ReportHistory, func(f io.Writer) error { return w.history.WriteHTML(f, w.faults()...) })
}

// faults are what befell the cluster: outages as they came about, and every other fault of
// the scenario that began, in a row for its node or for the network between two.
func (w *reportWriter) faults() []linearizability.Annotation {
	var notes []linearizability.Annotation
	for _, o := range w.collector.Outages() {
		to := o.ToNS
		if to < 0 {
			to = w.result.SimulatedNS
		}
		notes = append(notes, linearizability.Annotation{Who: o.Node, FromNS: o.FromNS, ToNS: to, Description: "down: " + o.Note})
	}
	for i := range w.result.Effective.Faults {
		f := &w.result.Effective.Faults[i]
		outage := f.Kind.takesDown() || f.Kind == FaultKDCOutage
		if outage || !w.begun[begunFault{f.Node, f.Kind.String(), int64(f.At)}] {
			continue
		}
		who := f.Node
		if f.Peer != "" {
			who += " - " + f.Peer
		}
		notes = append(notes, linearizability.Annotation{Who: who, FromNS: int64(f.At), ToNS: int64(f.until()), Description: f.words()})
	}
	if odd := w.result.Effective.Odd; odd.set() {
		notes = append(notes, linearizability.Annotation{Who: "servers", FromNS: int64(odd.From), ToNS: int64(odd.Until), Description: "odd " + odd.Kind})
	}
	return notes
}

// words are the fault's line in a scenario file, without its instant.
func (f *Fault) words() string {
	line := strings.TrimSpace(string(f.appendText(nil)))
	return strings.TrimPrefix(line, fmt.Sprintf("fault at=%v ", f.At))
}
