// simulate check timeouts --region: for which pairs of deadlines a negotiation can succeed.

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/model"
)

// longestRegion bounds a table that somebody is to read, and the minutes that it takes.
const longestRegion = 120

// regionLine is a region as JSON: cells[i][j] is of clients[i] and servers[j], in seconds; a
// server's 0 is none.
type regionLine struct {
	Kind      string         `json:"kind"` // "region"
	Spec      string         `json:"spec"`
	Constants map[string]any `json:"constants"` // but TNeg, TSrv and Cap
	Clients   []int          `json:"clients"`
	Servers   []int          `json:"servers"`
	Cells     [][]string     `json:"cells"` // "yes", "tie", "never"
}

// runRegion prints a table; it is no verdict, whatever is in it.
func runRegion(cmd *cobra.Command, out *output, request model.Request, upTo int) error {
	if upTo < 1 || upTo > longestRegion {
		return &usageError{fmt.Errorf("--region of check takes seconds from 1 to %d, got %d", longestRegion, upTo)}
	}
	for _, name := range []string{"property", "tlc", "search", "seed", "walks", "length", "symmetry", "coverage", "may-rest", "dot", "workers", "max-states", "max-memory", "timeout"} {
		if cmd.Flags().Changed(name) {
			return &usageError{fmt.Errorf("--%s of check does not go with --region, which is a search for each pair of deadlines", name)}
		}
	}
	region, err := model.SafeRegionOf(cmd.Context(), request, upTo)
	if err != nil {
		return requestError(err)
	}
	if out.json {
		return object(cmd.OutOrStdout(), regionJSON(request.Spec, region))
	}
	b := region.Base
	per := "for the whole negotiation"
	if b.PerMessage {
		per = "for each message"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d rounds of %d s, server %s, a client's deadline %s. yes: the query is answered in every behaviour; tie: in some; never: in none.\n\n%s",
		b.R, b.D, b.ServerMode, per, region.Markdown())
	return nil
}

func regionJSON(spec string, r model.Region) regionLine {
	line := regionLine{Kind: "region", Spec: spec, Constants: r.Base.Values(), Clients: r.Clients, Servers: r.Servers}
	for _, name := range []string{"TNeg", "TSrv", "Cap"} {
		delete(line.Constants, name)
	}
	for _, row := range r.Cells {
		words := make([]string, len(row))
		for i, p := range row {
			words[i] = p.String()
		}
		line.Cells = append(line.Cells, words)
	}
	return line
}
