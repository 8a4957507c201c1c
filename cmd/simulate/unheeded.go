// Flags that were given and would change nothing: a command refuses them, since whoever gave
// them believes otherwise. A server that is given a keytab and no --auth would serve anybody.

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/sim"
)

// unheeded refuses the first of these flags that was given, with the reason and what to do.
func unheeded(cmd *cobra.Command, why string, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return &usageError{fmt.Errorf("%s does not heed --%s %s", cmd.CommandPath(), name, why)}
		}
	}
	return nil
}

// unheededMechanism refuses flags of another mechanism than the one that --auth asks for.
func unheededMechanism(cmd *cobra.Command, auth string, test, kerberos []string) error {
	given := "with --auth " + auth
	switch auth {
	case sim.AuthOptional, sim.AuthMandatory:
		return unheeded(cmd, given+", which is the test mechanism: say --auth "+authKerberos+", or leave it out", kerberos...)
	case authOff:
		return firstError(
			unheeded(cmd, given+": say --auth "+sim.AuthMandatory+", or leave it out", test...),
			unheeded(cmd, given+": say --auth "+authKerberos+", or leave it out", kerberos...))
	case authKerberos, authKerberosOptional:
		return unheeded(cmd, given+", which is not the test mechanism: leave it out", test...)
	}
	return unknownWord("auth", auth, serveAuthNames())
}

// unheededCode refuses the error of a refusal where nothing is refused.
func unheededCode(cmd *cobra.Command, policy string) error {
	switch policy {
	case sim.EarlyDrop, sim.EarlyClose, sim.EarlyHang: // to hold is to refuse at the limit
		return unheeded(cmd, "with --early-request "+policy+", which refuses nothing: leave it out", "early-code")
	}
	return nil
}

// unheededEarly refuses a policy of the reference server where another is asked for.
func unheededEarly(cmd *cobra.Command, server, policy, code string) error {
	standard := sim.Default()
	switch {
	case policy == standard.EarlyRequest && code == standard.EarlyCode:
		return nil
	case server == sim.ServerFIN, server == sim.ServerHang:
		return unheeded(cmd, "with --server "+server+": it is the "+sim.ServerReference+" server's; leave one of the two out", "early-request", "early-code")
	}
	return unheededCode(cmd, policy)
}
