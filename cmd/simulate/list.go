// simulate list: every word that the other commands take.

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/ablation"
	"github.com/a8011091/pegasus-reference/defect"
	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/sim"
)

func newListCommand(out *output) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the words that flags and arguments take",
		Long: `list prints the words that flags and arguments of the other commands take, a kind a line.
The configurations of a specification, and what its switches do, are in simulate check --help.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lists := catalogue()
			if out.json {
				for _, l := range lists {
					if err := object(cmd.OutOrStdout(), l); err != nil {
						return err
					}
				}
				return nil
			}
			for _, l := range lists {
				fmt.Fprintf(cmd.OutOrStdout(), "%-33s %s\n", l.What, strings.Join(l.Words, ", "))
			}
			return nil
		},
	}
}

// wordList is one line of simulate list.
type wordList struct {
	Kind  string   `json:"kind"` // "list"
	What  string   `json:"what"`
	Words []string `json:"words"`
}

func catalogue() []wordList {
	list := func(what string, words []string) wordList { return wordList{"list", what, words} }
	return []wordList{
		list("scenarios", sim.ScenarioNames), list("clients", sim.ClientNames), list("servers", sim.ServerNames),
		list("authentication", sim.SeedAuthNames), list("authentication of serve and ping", serveAuthNames()),
		list("early requests", sim.EarlyNames), list("properties", sim.PropertyNames()),
		list("specifications", specNames()), list("switches", switchNames()), list("searches", check.Searches),
		list("odd servers", sim.OddNames), list("defects", defect.IDs()), list("engines", engineNames()),
		list("engines of ablation", ablation.EngineNames), list("KDCs of serve", kdcNames),
	}
}

// switchNames are the words of check --with over all specifications, each once.
func switchNames() []string {
	var names []string
	for _, s := range model.Specs() {
		for _, w := range s.Switches {
			if !slices.Contains(names, w.Name) {
				names = append(names, w.Name)
			}
		}
	}
	return names
}

// engineNames are the words of check --matrix --engine.
func engineNames() []string {
	var names []string
	for _, e := range defect.Engines() {
		names = append(names, e.Name)
	}
	return names
}
