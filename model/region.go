// The safe region of deadlines: for which pairs of them a negotiation can succeed, as the
// checker finds it in the timeouts specification.

package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/model/timeouts"
)

// Progress says whether a query is answered in the end.
type Progress uint8

// Degrees of progress.
const (
	ProgressNever  Progress = iota + 1 // in no behaviour
	ProgressByLuck                     // only if of two things that are due at one instant the right one happens first
	ProgressAlways                     // in every behaviour
)

// String returns the degree in one word.
func (p Progress) String() string {
	switch p {
	case ProgressNever:
		return "never"
	case ProgressByLuck:
		return "tie"
	case ProgressAlways:
		return "yes"
	}
	return "unknown"
}

// Region is the progress for each pair of the client's negotiation deadline and the
// server's limit. The other constants are those of Base.
type Region struct {
	Base    timeouts.Constants
	Clients []int // TNeg, seconds
	Servers []int // TSrv, seconds; 0 for none
	Cells   [][]Progress
}

// SafeRegion checks the timeouts specification for each pair. The error is a *UsageError
// where a deadline or a constant of base cannot have its value, or what ended ctx.
func SafeRegion(ctx context.Context, base timeouts.Constants, clients, servers []int) (Region, error) {
	region := Region{Base: base, Clients: clients, Servers: servers}
	for _, client := range clients {
		row := make([]Progress, 0, len(servers))
		for _, server := range servers {
			if err := ctx.Err(); err != nil {
				return Region{}, fmt.Errorf("computing the safe region of deadlines: %w", err)
			}
			c := base
			c.TNeg, c.TSrv, c.Cap = client, server, 0
			progress, err := progressOf(ctx, c)
			if err != nil {
				return Region{}, fmt.Errorf("client's deadline %d s, server's %d s: %w", client, server, err)
			}
			row = append(row, progress)
		}
		region.Cells = append(region.Cells, row)
	}
	return region, nil
}

// SafeRegionOf is the safe region for every pair of deadlines up to so many seconds, and for
// no limit of the server's. The other constants are those that request asks for: its
// configuration, settings and switches; the deadlines are not among them. The error is as
// SafeRegion's.
func SafeRegionOf(ctx context.Context, request Request, upTo int) (Region, error) {
	_, spec, err := build(&request)
	if err != nil {
		return Region{}, err
	}
	if spec.Name != timeoutsName {
		return Region{}, &UsageError{What: "specification", Word: spec.Name, Want: timeoutsName + ", which is the one with deadlines"}
	}
	for _, s := range request.Set {
		if s.Name == "TNeg" || s.Name == "TSrv" {
			return Region{}, &UsageError{What: "constant", Word: s.Name, Want: "left out: every pair of deadlines is looked at"}
		}
	}
	if slices.Contains(request.With, timeoutMismatch) {
		return Region{}, &UsageError{What: "switch", Word: timeoutMismatch, Want: "left out: every pair of deadlines is looked at"}
	}
	base, _, err := timeoutsConstants(request, spec)
	if err != nil {
		return Region{}, err
	}
	servers := []int{0}
	for d := 1; d <= upTo; d++ {
		servers = append(servers, d)
	}
	return SafeRegion(ctx, base, servers[1:], servers)
}

// progressOf checks one assignment.
func progressOf(ctx context.Context, c timeouts.Constants) (Progress, error) {
	m, err := timeouts.New(c)
	if err != nil {
		return 0, constantUsage(err)
	}
	options := check.Options{Workers: 1, Only: []string{timeouts.Converges, timeouts.CanFinish}}
	result, err := check.Run(ctx, m, options)
	if err != nil {
		return 0, err
	}
	if !result.Complete {
		return 0, fmt.Errorf("the search ended early: %s: %w", result.Stopped, ctx.Err())
	}
	progress := ProgressAlways
	for _, v := range result.Violations {
		if v.Property == timeouts.CanFinish {
			return ProgressNever, nil
		}
		progress = ProgressByLuck
	}
	return progress, nil
}

// Markdown writes the region as a table, a row for each deadline of the client.
func (r Region) Markdown() string {
	var b strings.Builder
	b.WriteString("| client's deadline |")
	for _, server := range r.Servers {
		if server == 0 {
			b.WriteString(" no server limit |")
		} else {
			fmt.Fprintf(&b, " server %d s |", server)
		}
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(r.Servers)+1) + "\n")
	for i, client := range r.Clients {
		fmt.Fprintf(&b, "| %d s |", client)
		for _, progress := range r.Cells[i] {
			fmt.Fprintf(&b, " %s |", progress)
		}
		b.WriteString("\n")
	}
	return b.String()
}
