//go:build kerberos

// The embedded realm with a KDC, which is demanded here.

package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
)

// A client with the keytab that is printed gets its ticket from the KDC that is printed, and
// none without it.
func TestKerberosRealmOfServe(t *testing.T) {
	kdctest.Require(t, "krb5kdc", "kadmin.local", "kdb5_util", "kinit")
	embeddedRealm(t, func(servers *cluster) {
		told := servers.ready.Development
		require.NotEmpty(t, told.ClientKeytab, "serve found no KDC")
		t.Setenv("KRB5_CONFIG", told.Krb5Conf)
		ping := func(kdc string, more ...string) (code int, stdout, stderr string) {
			return simulate(t, append([]string{"ping", "--auth", "kerberos", "--keytab", told.ClientKeytab, "--principal", told.User,
				"--kdc", kdc, "--server-name", "127.0.0.1", "--metas", servers.ready.Metas[0].String()}, more...)...)
		}
		code, stdout, stderr := ping(told.KDC, "--json")
		require.Equal(t, exitHeld, code, stderr)
		var report pinged
		require.NoError(t, json.Unmarshal([]byte(stdout), &report))
		require.True(t, report.OK)
		code, stdout, stderr = ping("127.0.0.1:1", "--open-timeout", "500ms", "--json")
		require.Equal(t, exitInternal, code)
		report = pinged{}
		require.NoError(t, json.Unmarshal([]byte(stdout), &report), "what watches a cluster reads that it does not serve")
		require.False(t, report.OK)
		require.Contains(t, report.Hint, "ticket")
		require.Contains(t, stderr, "ticket of developer@DEVELOPMENT.INVALID for pegasus/127.0.0.1")
	})
}
