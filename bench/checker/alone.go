// The side of model/check: one task in this process.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/check/paxos"
	"github.com/a8011091/pegasus-reference/model/check/twophase"
	"github.com/a8011091/pegasus-reference/model/session"
)

// runAlone runs one model and prints one line of JSON.
func runAlone(w io.Writer, name string, workers int, size []string) error {
	switch name {
	case "two-phase-commit", "paxos":
		return runSized(w, name, workers, size)
	case "session", "session-safety":
		constants := session.Broad()
		constants.Client = session.ClientSession // with the defect there are more states
		m, err := session.New(constants)
		if err != nil {
			return err
		}
		options := check.Options{Workers: workers}
		if name == "session-safety" {
			options.Only = []string{session.AuthBeforeRequest, session.FreshSession, session.SingleConnection, session.CompleteOnce}
		}
		return explore(w, m, options, check.Violated)
	}
	return fmt.Errorf("there is no model %q", name)
}

// runSized runs a calibration model, whose size is one number or three.
func runSized(w io.Writer, name string, workers int, size []string) error {
	numbers := make([]int, 3)
	for i := range min(len(size), len(numbers)) {
		n, err := strconv.Atoi(size[i])
		if err != nil {
			return fmt.Errorf("the size of a model is in whole numbers: %w", err)
		}
		numbers[i] = n
	}
	options := check.Options{Workers: workers}
	if name == "paxos" {
		m, err := paxos.New(numbers[0], numbers[1], numbers[2])
		if err != nil {
			return err
		}
		return explore(w, m, options, check.Held)
	}
	m, err := twophase.New(numbers[0])
	if err != nil {
		return err
	}
	return explore(w, m, options, check.Held)
}

func explore[S any](w io.Writer, m check.Model[S], options check.Options, want check.Verdict) error {
	r, err := check.Run(context.Background(), m, options)
	if err != nil {
		return err
	}
	if r.Verdict != want || !r.Complete {
		return fmt.Errorf("verdict %s, complete %t; expected %s of everything", r.Verdict, r.Complete, want)
	}
	return json.NewEncoder(w).Encode(found{Distinct: r.Distinct, Visited: float64(r.Memory.Visited), Edges: float64(r.Memory.Edges)})
}
