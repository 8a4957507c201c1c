package linearizability_test

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/linearizability"
)

// A put returns, and a get that is invoked later does not see it.
func ExampleCheck() {
	history := linearizability.History{
		{Client: 1, ID: 1, Kind: linearizability.Put, HashKey: "user 7", SortKey: "name", Value: "Ada",
			InvokeNS: 10, ReturnNS: 20, Outcome: linearizability.OK},
		{Client: 2, ID: 2, Kind: linearizability.Get, HashKey: "user 7", SortKey: "name",
			InvokeNS: 15, ReturnNS: 40, Outcome: linearizability.OK},
	}
	fmt.Println(linearizability.Check(history, time.Second).Verdict) // they overlap: it may have come first

	history[1].InvokeNS = 30
	result := linearizability.Check(history, time.Second)
	fmt.Printf("%v of %q, %q\n", result.Verdict, result.Key, result.SortKey)

	history[0].Outcome = linearizability.Unknown // the put timed out: it may have had no effect
	fmt.Println(linearizability.Check(history, time.Second).Verdict)
	// Output:
	// held
	// violation of "user 7", "name"
	// held
}
