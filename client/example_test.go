package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/client"
	"github.com/a8011091/pegasus-reference/server"
)

// A client of a cluster without authentication, and what its errors say.
func Example() {
	cluster, err := server.StartCluster(server.ClusterConfig{}) // for the example; yours runs elsewhere
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := client.Open(ctx, client.Config{
		Metas:  []string{cluster.Metas()[0].String(), cluster.Metas()[1].String()},
		Tables: []string{"temp"}, // Open fails where one of them cannot be had
		Auth:   client.AuthOff,   // the default insists on a Mechanism
	})
	if err != nil {
		fmt.Println(err) // says which servers could not be reached, and what to look at first
		return
	}
	defer c.Close()

	table := c.Table("temp")
	err = table.Put(ctx, []byte("user 7"), []byte("name"), []byte("Ada"), client.Forever)
	if errors.Is(err, client.ErrUnknownOutcome) {
		fmt.Println("it may have been written, or may still be: read before writing again")
	}
	name, err := table.Get(ctx, []byte("user 7"), []byte("name"))
	fmt.Printf("%s, %v\n", name, err)

	_, err = table.Get(ctx, []byte("user 7"), []byte("address"))
	fmt.Println(errors.Is(err, client.ErrNotFound), err)

	var unknown *client.Error
	_, err = c.Table("no such table").Get(ctx, []byte("user 7"), nil)
	if errors.As(err, &unknown) && errors.Is(err, client.ErrTableNotFound) {
		fmt.Println(unknown.Op, unknown.Outcome, unknown.Code)
	}
	// Output:
	// Ada, <nil>
	// true pegasus get, table "temp": not found
	// get failed ERR_OBJECT_NOT_FOUND
}
