// The report directory of a run: everything that is needed to see it again.

package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/a8011091/pegasus-reference/trace"
)

// Files of a report directory.
const (
	ReportConfig   = "config.json"   // the result object and the effective configuration
	ReportScenario = "scenario.txt"  // what replay reads
	ReportEvents   = "events.ndjson" // the trace
	ReportTimeline = "timeline.txt"  // the trace in words
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
// existing report there is replaced.
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
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return err
		}
	}
	if err := writeTo(filepath.Join(dir, ReportScenario), func(f *os.File) error {
		return WriteScenario(f, &r.Effective)
	}); err != nil {
		return err
	}
	return writeTo(filepath.Join(dir, ReportEvents), func(events *os.File) error {
		return writeTo(filepath.Join(dir, ReportTimeline), func(words *os.File) error {
			return writeTrace(ctx, r, events, words)
		})
	})
}

func writeTrace(ctx context.Context, r *Result, events, words *os.File) error {
	config, err := json.Marshal(reportConfig{r, string(r.Effective.appendText(nil))})
	if err != nil {
		return err
	}
	writer, err := trace.NewWriter(events, trace.Header{Tool: Version(), Config: config})
	if err != nil {
		return err
	}
	timeline := newTimeline(words, &r.Effective)
	if _, err := Run(ctx, r.Effective, Options{Sink: trace.Fanout{writer, timeline}}); err != nil {
		return err
	}
	if err := timeline.flush(); err != nil {
		return err
	}
	return writer.Flush()
}

func writeTo(path string, write func(*os.File) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
