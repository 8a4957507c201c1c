// The checkers that are compared, each a program that runs one task and says what it found.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// peer is one checker with a number of workers.
type peer struct {
	name    string
	workers int
	once    bool // slow: one run is enough
	command func(ctx context.Context, t task, folder string) (*exec.Cmd, error)
	read    func(output []byte) (found, error)
}

// found is what a checker prints, with names as runAlone and the Stateright program write them.
type found struct {
	Distinct uint64  `json:"distinct"`
	Visited  float64 `json:"visited_bytes"`
	Edges    float64 `json:"edge_bytes"`
}

func readJSON(output []byte) (found, error) {
	var f found
	err := json.Unmarshal(output, &f)
	return f, err
}

// goChecker is model/check: this program again, in a process of its own.
func goChecker(self string, workers int) peer {
	return peer{name: "model/check", workers: workers, read: readJSON,
		command: func(ctx context.Context, t task, _ string) (*exec.Cmd, error) {
			args := append([]string{"-run", t.model, "-workers", strconv.Itoa(workers)}, t.size...)
			return exec.CommandContext(ctx, self, args...), nil
		}}
}

// buildStateright builds the program in the folder stateright and returns it for any
// number of threads.
func buildStateright(ctx context.Context, progress io.Writer) (func(workers int) peer, error) {
	folder, err := sources()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	target := filepath.Join(cache, "pegasus-reference", "stateright")
	cmd := exec.CommandContext(ctx, "cargo", "build", "--quiet", "--release", "--locked", "--target-dir", target)
	cmd.Dir = filepath.Join(folder, "stateright")
	cmd.Stdout, cmd.Stderr = progress, progress
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("building the models for Stateright with cargo (1.78 or newer): %w", err)
	}
	return func(workers int) peer {
		return peer{name: "Stateright 0.31", workers: workers, read: readJSON,
			command: func(ctx context.Context, t task, _ string) (*exec.Cmd, error) {
				args := append([]string{t.model, strconv.Itoa(workers)}, t.size...)
				return exec.CommandContext(ctx, filepath.Join(target, "release", "peer"), args...), nil
			}}
	}, nil
}

var tlcDistinct = regexp.MustCompile(`(\d+) distinct states found, 0 states left`)

// installTLC fetches TLC's jar where it is not there yet.
func installTLC(ctx context.Context, progress io.Writer) (peer, error) {
	folder, err := sources()
	if err != nil {
		return peer{}, err
	}
	install := exec.CommandContext(ctx, filepath.Join(folder, "..", "..", "docs", "spec", "tla", "install"))
	install.Stderr = progress
	path, err := install.Output()
	if err != nil {
		return peer{}, fmt.Errorf("installing TLC with docs/spec/tla/install: %w", err)
	}
	const workers = 2
	return peer{name: "TLC 2.15", workers: workers, once: true,
		command: func(ctx context.Context, t task, scratch string) (*exec.Cmd, error) {
			config := filepath.Join(scratch, t.module+".cfg")
			if err := os.WriteFile(config, []byte("SPECIFICATION Spec\n"+t.config+"\n"), 0o600); err != nil {
				return nil, err
			}
			cmd := exec.CommandContext(ctx, "java", "-XX:+UseParallelGC", "-cp", strings.TrimSpace(string(path)), "tlc2.TLC",
				"-deadlock", "-workers", strconv.Itoa(workers), "-metadir", scratch, "-config", config, t.module+".tla")
			cmd.Dir = filepath.Join(folder, "tla") // TLC looks for the configuration beside the module otherwise
			return cmd, nil
		},
		read: func(output []byte) (found, error) {
			match := tlcDistinct.FindSubmatch(output)
			if match == nil {
				return found{}, fmt.Errorf("TLC says no number of distinct states:\n%s", output)
			}
			n, err := strconv.ParseUint(string(match[1]), 10, 64)
			return found{Distinct: n}, err
		}}, nil
}

// sources returns the folder of this file, where the models for the others are.
func sources() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("the program does not know where its sources are")
	}
	folder := filepath.Dir(file)
	if _, err := os.Stat(filepath.Join(folder, "stateright", "Cargo.toml")); err != nil {
		return "", fmt.Errorf("the models for the other checkers are needed: run it with go run ./bench/checker in the repository: %w", err)
	}
	return folder, nil
}

// measure runs t under every peer by turns and returns a row for each.
func measure(ctx context.Context, t task, peers []peer, rounds int, progress io.Writer) ([]row, error) {
	rows := make([]row, len(peers))
	for round := range rounds {
		for i, p := range peers {
			if p.once && round > 0 {
				continue
			}
			fmt.Fprintf(progress, "%s %s, %s, %d workers, round %d of %d\n", t.model, strings.Join(t.size, " "), p.name, p.workers, round+1, rounds)
			r, err := runOnce(ctx, t, p)
			if err != nil {
				return nil, fmt.Errorf("%s under %s: %w", t.model, p.name, err)
			}
			if rows[i].Kind == "" || r.Seconds < rows[i].Seconds {
				rows[i] = r
			}
		}
	}
	for i := range rows {
		rows[i].Rate = float64(rows[i].Distinct) / rows[i].Seconds
		rows[i].Times = rows[i].Seconds / rows[0].Seconds
	}
	return rows, nil
}

func runOnce(ctx context.Context, t task, p peer) (r row, err error) {
	scratch, err := os.MkdirTemp("", "checker-")
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	cmd, err := p.command(ctx, t, scratch)
	if err != nil {
		return row{}, err
	}
	cmd.Stderr = os.Stderr
	began := time.Now()
	output, err := cmd.Output()
	took := time.Since(began)
	if err != nil {
		return row{}, fmt.Errorf("%w\n%s", err, output)
	}
	f, err := p.read(output)
	if err != nil {
		return row{}, err
	}
	if t.distinct != 0 && f.Distinct != t.distinct {
		return row{}, fmt.Errorf("%d distinct states, not %d", f.Distinct, t.distinct)
	}
	return row{
		Kind: "bench-checker", Model: t.model, Size: strings.Join(t.size, " "), Checker: p.name, Workers: p.workers,
		Distinct: f.Distinct, Seconds: took.Seconds(),
		CPU:      (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		PeakRSS:  peakRSS(cmd.ProcessState),
		PerState: f.Visited / float64(f.Distinct), Edges: f.Edges / float64(f.Distinct),
	}, nil
}
