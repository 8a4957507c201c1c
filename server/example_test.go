package server_test

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/server"
)

// A cluster for a test, and a full restart of it.
func ExampleStartCluster() {
	cluster, err := server.StartCluster(server.ClusterConfig{
		Metas: 2, Replicas: 3,
		Tables:    []server.TableConfig{{Name: "temp", Partitions: 8}},
		Auth:      server.Auth{Enabled: true, Mandatory: true},
		Mechanism: sasl.NewTest(sasl.TestConfig{Secret: []byte("shared with the clients")}),
		Early:     server.EarlyRefuse,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	// Give cluster.Metas() to a client, and see what it makes of this:
	if err := cluster.Restart(cluster.Nodes()...); err != nil {
		fmt.Println(err)
	}
	if err := cluster.SetLeader("meta2"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(cluster.Nodes())
	// Output: [meta1 meta2 replica1 replica2 replica3]
}
