// Command checker runs the same models under model/check, Stateright and TLC, one after
// the other in one run, and prints what each took. The three must find the same number
// of distinct states; if not, it fails.
//
//	go run ./bench/checker            full: needs Java, Python's pip and cargo; some minutes
//	go run ./bench/checker -short     small models, TLC only: half a minute
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	var o options
	var alone string
	flag.BoolVar(&o.short, "short", false, "small models, against TLC only: whether the counts agree")
	flag.BoolVar(&o.json, "json", false, "one JSON object a line")
	flag.IntVar(&o.rounds, "rounds", 5, "runs of each but TLC, by turns; the fastest counts")
	flag.StringVar(&alone, "run", "", "run this model under model/check in this process: what the program starts itself with")
	workers := flag.Int("workers", 0, "with -run: number of workers")
	flag.Parse()

	var err error
	if alone != "" {
		err = runAlone(os.Stdout, alone, *workers, flag.Args())
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err = compare(ctx, o, os.Stdout, os.Stderr)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/checker:", err)
		os.Exit(1)
	}
}

type options struct {
	short  bool
	json   bool
	rounds int
}

// task is one model with its size, in the words of each checker.
type task struct {
	model    string
	size     []string // arguments of -run and of the Stateright program
	module   string   // in tla
	config   string   // constants and invariants for TLC
	distinct uint64
}

var (
	full = []task{
		{"two-phase-commit", []string{"8"}, "TwoPhase", "CONSTANT N = 8\nINVARIANT Consistent", 1_745_408},
		{"paxos", []string{"5", "2", "2"}, "Paxos", "CONSTANTS A = 5 B = 2 V = 2\nINVARIANT OneValue", 701_505},
	}
	short = []task{
		{"two-phase-commit", []string{"5"}, "TwoPhase", "CONSTANT N = 5\nINVARIANT Consistent", 8_832},
		{"paxos", []string{"3", "2", "2"}, "Paxos", "CONSTANTS A = 3 B = 2 V = 2\nINVARIANT OneValue", 3_921},
	}
	// own are for model/check alone: ten million states, and what liveness costs.
	own = []task{
		{model: "two-phase-commit", size: []string{"9"}, distinct: 10_340_352},
		{model: "session-safety", size: []string{"broad"}},
		{model: "session", size: []string{"broad"}},
	}
)

// row is what one checker took for one task.
type row struct {
	Kind     string  `json:"kind"`
	Model    string  `json:"model"`
	Size     string  `json:"size"`
	Checker  string  `json:"checker"`
	Workers  int     `json:"workers"`
	Distinct uint64  `json:"distinct"`
	Seconds  float64 `json:"seconds"` // of the whole process, the fastest run
	CPU      float64 `json:"cpu_seconds"`
	Rate     float64 `json:"states_per_second"`
	PeakRSS  uint64  `json:"peak_rss_bytes"`
	PerState float64 `json:"visited_bytes_per_state"` // of model/check: visited set and parents
	Edges    float64 `json:"edge_bytes_per_state"`    // of model/check: what liveness keeps
	Times    float64 `json:"model_check_is_times_as_fast"`
}

// compare runs everything and prints the table.
func compare(ctx context.Context, o options, out, progress io.Writer) error {
	if o.short {
		o.rounds = 1
	}
	peers, tasks, err := prepare(ctx, o, progress)
	if err != nil {
		return err
	}
	var rows []row
	for _, t := range tasks {
		measured, err := measure(ctx, t, peers, o.rounds, progress)
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	if !o.short {
		for _, t := range own {
			measured, err := measure(ctx, t, peers[:1], 1, progress)
			if err != nil {
				return err
			}
			rows = append(rows, measured...)
		}
	}
	if o.json {
		encoder := json.NewEncoder(out)
		for _, r := range rows {
			if err := encoder.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	if o.short { // too small to say anything about speed
		for _, r := range rows {
			fmt.Fprintf(out, "%s %s: %d distinct states under %s\n", r.Model, r.Size, r.Distinct, r.Checker)
		}
		return nil
	}
	printTable(out, rows)
	return nil
}

// prepare installs what is needed and returns the checkers, model/check with two workers first.
func prepare(ctx context.Context, o options, progress io.Writer) ([]peer, []task, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	peers := []peer{goChecker(self, 2), goChecker(self, 1)}
	tlc, err := installTLC(ctx, progress)
	if err != nil {
		return nil, nil, err
	}
	if o.short {
		return append(peers[:1], tlc), short, nil
	}
	stateright, err := buildStateright(ctx, progress)
	if err != nil {
		return nil, nil, err
	}
	return append(peers, stateright(2), stateright(1), tlc), full, nil
}

func printTable(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| model | checker | workers | distinct states | s | CPU s | states/s | model/check with 2 workers is | peak memory, B/state | visited set, B/state | edges, B/state |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s %s | %s | %d | %d | %.2f | %.2f | %.0f | %.1fx | %.0f | %s | %s |\n",
			r.Model, r.Size, r.Checker, r.Workers, r.Distinct, r.Seconds, r.CPU, r.Rate, r.Times,
			float64(r.PeakRSS)/float64(r.Distinct), figure(r.PerState), figure(r.Edges))
	}
}

func figure(f float64) string {
	if f == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", f)
}
