//go:build kerberos

package client_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// The same with MIT's KDC, which is killed and run again, and with a keytab.
func TestOutageOfMITsKDC(t *testing.T) {
	k := kdctest.Start(t, kdctest.Config{Principals: []string{"alice", "pegasus/127.0.0.1"}, TicketLife: ticketLife + time.Second})
	settings, err := kerberos.LoadSettings(k.Path("krb5.conf"))
	require.NoError(t, err)
	file, err := os.ReadFile(k.Keytab(t, "service.keytab", "pegasus/127.0.0.1"))
	require.NoError(t, err)
	keys, err := gssapi.ParseKeytab(file)
	require.NoError(t, err)
	r := &testKDC{
		stop: k.Stop, start: func() { k.Restart(t) }, keys: &rotatingKeys{},
		client: kerberos.ClientConfig{Principal: "alice", Keytab: k.Keytab(t, "client.keytab", "alice"), Settings: settings},
	}
	r.keys.now.Store(keys)
	outage(t, r)
}
