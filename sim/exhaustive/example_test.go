// How a caller explores.

package exhaustive_test

import (
	"context"
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
	"github.com/a8011091/pegasus-reference/sim/exhaustive"
)

// Every order of one request, one crash of the node and one reconnect.
func ExampleRun() {
	cfg := exhaustive.DefaultConfig()
	cfg.Requests, cfg.Crashes = 1, 1
	result, err := exhaustive.Run(context.Background(), cfg, check.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Verdict, result.Complete, result.Distinct > 1000)
	// Output: held true true
}
