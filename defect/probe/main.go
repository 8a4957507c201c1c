// Command probe looks for a defect in the code that it was built with, and prints what it
// found as one JSON object. Package defect builds it with a patch laid over the source.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/a8011091/pegasus-reference/defect"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := probe(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func probe(ctx context.Context) error {
	engine := flag.String("engine", "", "what looks: "+defect.EngineCores+", or one that runs seeds")
	properties := flag.String("properties", "", "properties to look at, separated by commas")
	world := flag.String("world", "", "bounds of the exploration, by name")
	var s defect.Simulator
	flag.StringVar(&s.Scenario, "scenario", "", "scenario that seeds make")
	flag.StringVar(&s.File, "file", "", "scenario file of the catalogue, in its place")
	flag.StringVar(&s.Client, "client", "", "client")
	flag.StringVar(&s.Server, "server", "", "server")
	flag.StringVar(&s.Auth, "auth", "", "authentication")
	flag.StringVar(&s.Early, "early", "", "policy for early requests")
	flag.IntVar(&s.Seeds, "seeds", 1, "seeds, from 1 on")
	flag.Parse()

	var found defect.Finding
	var err error
	switch names := strings.Split(*properties, ","); *engine {
	case defect.EngineCores:
		found, err = defect.Explore(ctx, *world, names)
	case defect.EngineSimulator, defect.EngineLinearizability, defect.EngineValidation:
		found, err = s.Search(ctx, *engine, names)
	default:
		err = &defect.UsageError{What: "engine", Word: *engine, Valid: []string{
			defect.EngineCores, defect.EngineSimulator, defect.EngineLinearizability, defect.EngineValidation,
		}}
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
