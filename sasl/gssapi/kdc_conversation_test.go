// Conversations between our client and our KDC in memory: tickets of every type that an
// acceptor takes, and every refusal in its words.

package gssapi

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const testPassword = "correct horse battery staple"

// conversation is a realm with alice (password, and keys of it), the service, and its KDC.
type conversation struct {
	request TicketRequest
	issuer  Issuer
	keys    *Keytab // alice's
	kdcNow  time.Time
	seed    uint64
}

func newConversation(t require.TestingT, etype int32) *conversation {
	key, err := KeyFromPassword(etype, testPassword, testClient)
	require.NoError(t, err)
	alice := KeytabEntry{Principal: testClient, Version: 1, Key: key}
	granting := GrantingService(testRealm)
	entries := []KeytabEntry{alice, {Principal: granting, Version: 1, Key: testKey(t, etype, "krbtgt")},
		{Principal: testService, Version: 3, Key: testKey(t, etype, fmt.Sprint(testService, 3))}}
	all, err := NewKeytab(entries...)
	require.NoError(t, err)
	keys, err := NewKeytab(alice)
	require.NoError(t, err)
	return &conversation{
		request: TicketRequest{Client: testClient, Secret: Secret{Password: testPassword}, RenewLife: 48 * time.Hour},
		issuer:  Issuer{Realm: testRealm, Keys: all}, keys: keys, kdcNow: testNow, seed: 1,
	}
}

// run carries messages between both until there is a ticket or an error.
func (c *conversation) run(t require.TestingT, cfg TicketRequest, now time.Time) (*Credential, error) {
	c.seed++
	cfg.Random = seeded(c.seed)
	x, err := NewTicketExchange(cfg)
	require.NoError(t, err)
	for range 3 {
		request, err := x.Request(now)
		if err != nil {
			return nil, err
		}
		c.seed++
		reply, _ := c.issuer.Answer(c.kdcNow, request, seeded(c.seed))
		require.NotEmpty(t, reply)
		got, err := x.Reply(now, reply)
		if got != nil || err != nil {
			return got, err
		}
	}
	t.Errorf("the conversation does not end")
	t.FailNow()
	return nil, nil
}

func TestTicketsOfEveryType(t *testing.T) {
	for _, etype := range testETypes {
		for _, secret := range []string{"password", "keytab"} {
			c := newConversation(t, etype)
			if secret == "keytab" {
				c.request.Secret = Secret{Keys: c.keys}
			}
			granting, err := c.run(t, c.request, testNow)
			require.NoError(t, err, "%s, type %d", secret, etype)
			require.Equal(t, testNow.Truncate(time.Second).Add(defaultLife), granting.End)
			require.Equal(t, testNow.Truncate(time.Second).Add(48*time.Hour), granting.RenewTill)

			later := testNow.Add(8 * time.Hour)
			c.kdcNow = later
			renewed, err := c.run(t, TicketRequest{Granting: granting, Renew: true}, later)
			require.NoError(t, err)
			require.Equal(t, later.Truncate(time.Second).Add(defaultLife), renewed.End)
			require.Equal(t, granting.RenewTill, renewed.RenewTill)

			ticket, err := c.run(t, TicketRequest{Granting: renewed, Service: testService}, later)
			require.NoError(t, err)
			s := newSetup(t)
			s.credential, s.initiatorNow, s.acceptorNow = ticket, later, later
			o := s.run(t)
			require.NoError(t, o.acceptorErr)
			require.NoError(t, o.initiatorErr)
			require.Equal(t, testClient.String(), o.principal)
		}
	}
}

// What is derived of a password ends with the conversation; keys of a keytab are its own.
func TestConversationsAreWiped(t *testing.T) {
	for _, secret := range []string{"password", "keytab"} {
		c := newConversation(t, ETypeAES256SHA1)
		c.request.Random = seeded(1)
		if secret == "keytab" {
			c.request.Secret = Secret{Keys: c.keys}
		}
		x, err := NewTicketExchange(c.request)
		require.NoError(t, err)
		request, err := x.Request(testNow)
		require.NoError(t, err)
		reply, _ := c.issuer.Answer(c.kdcNow, request, seeded(2))
		_, err = x.Reply(testNow, reply)
		require.NoError(t, err)
		value := x.key.value // what the KDC wants a proof with
		require.Equal(t, c.keys.entries[0].Key.value, value)
		x.Wipe()
		require.Equal(t, secret == "password", bytes.Equal(value, make([]byte, len(value))), secret)
		require.Equal(t, [2]entropy{}, x.entropy)
		_, err = x.Request(testNow)
		require.ErrorIs(t, err, ErrState)
	}
}

// One seed gives one conversation.
func TestConversationIsDeterministic(t *testing.T) {
	var tickets [2][]byte
	for i := range tickets {
		c := newConversation(t, ETypeAES256SHA1)
		got, err := c.run(t, c.request, testNow)
		require.NoError(t, err)
		tickets[i] = got.Ticket
	}
	require.Equal(t, tickets[0], tickets[1])
}

func TestKDCRefusals(t *testing.T) {
	other := Principal{Components: []string{"mallory"}, Realm: testRealm}
	for _, tc := range []struct {
		name   string
		change func(c *conversation)
		want   error
		words  string
	}{
		{"wrong password", func(c *conversation) { c.request.Secret.Password = "guess" }, ErrIntegrity, "wrong password"},
		{"unknown client", func(c *conversation) { c.request.Client = other }, ErrNoCredential, "does not know the client"},
		{"unknown service", func(c *conversation) {
			c.request.Service = ServicePrincipal("pegasus", "nowhere", testRealm)
		}, ErrWrongService, "does not know the service"},
		{"our clock is ahead", func(c *conversation) { c.kdcNow = testNow.Add(-time.Hour) }, ErrSkew, "its clock says"},
		{"no common type", func(c *conversation) { c.request.ETypes = []int32{ETypeAES128SHA256} }, ErrEType, "encryption type"},
		{"wrong realm", func(c *conversation) { c.issuer.Realm = "OTHER.COM" }, ErrWrongService, "wrong realm"},
		{"a keytab without the principal", func(c *conversation) {
			c.request.Secret, c.request.Client = Secret{Keys: c.keys}, testClient
			c.keys.entries[0].Principal = other
		}, ErrEType, "export all types"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newConversation(t, ETypeAES256SHA1)
			tc.change(c)
			_, err := c.run(t, c.request, testNow)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.words)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, c.request.Secret, c.request.Secret), testPassword)
		})
	}
}

func TestGrantingRefusals(t *testing.T) {
	c := newConversation(t, ETypeAES256SHA1)
	granting, err := c.run(t, c.request, testNow)
	require.NoError(t, err)

	c.kdcNow = testNow.Add(defaultLife + time.Minute)
	_, err = c.run(t, TicketRequest{Granting: granting, Service: testService}, c.kdcNow)
	require.ErrorIs(t, err, ErrExpired)

	c.kdcNow = testNow
	_, err = c.run(t, TicketRequest{Granting: granting, Service: testService}, testNow.Add(time.Hour))
	require.ErrorIs(t, err, ErrSkew)

	c.request.RenewLife = 0
	fixed, err := c.run(t, c.request, testNow)
	require.NoError(t, err)
	_, err = c.run(t, TicketRequest{Granting: fixed, Renew: true}, testNow)
	require.ErrorIs(t, err, ErrPolicy)
}

// Few iterations would make the password easy to guess for who listens: nothing protects
// what a KDC says of them.
func TestIterationsAreLimited(t *testing.T) {
	x, err := NewTicketExchange(TicketRequest{Client: testClient, Secret: Secret{Password: testPassword}, Random: seeded(1)})
	require.NoError(t, err)
	for _, params := range [][]byte{{0, 0, 0, 1}, {0xff, 0xff, 0xff, 0xff}, {1}, {0, 0, 0, 0}} {
		_, err := x.secretKey(etypeInfo{etype: ETypeAES256SHA1, params: params}, 0)
		require.ErrorIs(t, err, ErrPolicy)
	}
	_, err = x.secretKey(etypeInfo{etype: ETypeAES256SHA1, params: []byte{0, 0, 0x10, 0}}, 0)
	require.NoError(t, err)
}

// A reply that answers something else is none.
func TestRepliesOfOtherConversations(t *testing.T) {
	c := newConversation(t, ETypeAES256SHA1)
	granting, err := c.run(t, c.request, testNow)
	require.NoError(t, err)
	reply := func(service Principal, seed uint64) (*TicketExchange, []byte) {
		x, err := NewTicketExchange(TicketRequest{Granting: granting, Service: service, Random: seeded(seed)})
		require.NoError(t, err)
		request, err := x.Request(testNow)
		require.NoError(t, err)
		answer, err := c.issuer.Answer(testNow, request, seeded(seed+1))
		require.NoError(t, err)
		return x, answer
	}
	one, first := reply(testService, 100)
	_, second := reply(testService, 200)
	_, third := reply(GrantingService(testRealm), 100)
	_, err = one.Reply(testNow, second)
	require.ErrorIs(t, err, ErrMismatch, "another nonce")
	_, err = one.Reply(testNow, third)
	require.ErrorIs(t, err, ErrWrongService)
	_, err = one.Reply(testNow, first)
	require.NoError(t, err)
}
