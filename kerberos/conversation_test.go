package kerberos

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// One exchange has no time for every KDC of a large realm where most of them vanished: the next
// goes on behind those that were asked, whatever an exchange has time for.
func TestEveryKDCIsAskedInTheEnd(t *testing.T) {
	for _, limit := range []time.Duration{time.Second, kdcPatience, 10 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := make(map[string]time.Duration) // how long at most
				k := kdcs{udpLimit: 1, now: time.Now, random: rand.Reader, dial: func(ctx context.Context, _, address string) (net.Conn, error) {
					began := time.Now()
					<-ctx.Done()
					asked[address] = max(asked[address], time.Since(began))
					return nil, ctx.Err()
				}}
				for i := range 6 {
					k.peers = append(k.peers, &peer{address: fmt.Sprint("kdc", i)})
				}
				client := gssapi.Principal{Components: []string{"alice"}, Realm: "EXAMPLE.ORG"}
				for range k.peers {
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					_, err := k.ticket(ctx, gssapi.TicketRequest{Client: client, Secret: gssapi.Secret{Password: "p"}})
					require.ErrorIs(t, err, ErrUnreachable)
					cancel()
				}
				for _, p := range k.peers {
					require.Equal(t, min(limit, kdcPatience), asked[p.address], p.address)
				}
			})
		})
	}
}
