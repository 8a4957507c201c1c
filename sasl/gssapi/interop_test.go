//go:build kerberos

// Negotiations with implementations that are not ours, over tickets of MIT's KDC.

package gssapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/sasl"
)

func requireAccepted(t *testing.T, o outcome, principal string) {
	t.Helper()
	require.NoError(t, o.initiatorErr)
	require.NoError(t, o.acceptorErr)
	assert.True(t, o.initiatorDone)
	assert.Equal(t, principal, o.principal)
}

// eachType runs f in a realm of each encryption type.
func eachType(t *testing.T, f func(t *testing.T, r *kerberosRealm)) {
	for _, etype := range testETypes {
		t.Run(kdctest.ETypeName(etype), func(t *testing.T) { f(t, newKerberosRealm(t, etype)) })
	}
}

func TestOursWithOurs(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for bits := range 8 {
			s := r.setup(t)
			s.initiator.WithoutMutual, s.initiator.WithoutSubkey, s.acceptor.WithoutSubkey = bits&1 != 0, bits&2 != 0, bits&4 != 0
			requireAccepted(t, s.run(t), "alice@EXAMPLE.COM")
		}
	})
}

func TestCyrusServer(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for bits := range 4 {
			s := r.setup(t)
			s.initiator.WithoutMutual, s.initiator.WithoutSubkey = bits&1 != 0, bits&2 != 0
			s.seed = uint64(bits)
			requireAccepted(t, s.drive(t, s.newInitiator(t), r.cyrus(t, "server")), "alice")
		}
	})
}

func TestCyrusClient(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for _, withoutSubkey := range []bool{false, true} {
			s := r.setup(t)
			s.acceptor.WithoutSubkey = withoutSubkey
			requireAccepted(t, s.drive(t, r.cyrus(t, "client"), s.newAcceptor(t)), "alice@EXAMPLE.COM")
		}
	})
}

func TestJavaServer(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for _, withoutMutual := range []bool{false, true} {
			s := r.setup(t)
			s.initiator.WithoutMutual = withoutMutual
			requireAccepted(t, s.drive(t, s.newInitiator(t), r.java(t, "server", "plain")), "alice@EXAMPLE.COM")
		}
	})
}

func TestJavaClient(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for _, mutual := range []string{"plain", "mutual"} {
			for _, emptyFirst := range []bool{false, mutual == "plain"} {
				s := r.setup(t)
				s.acceptor.EmptyFirst = emptyFirst
				o := s.drive(t, r.java(t, "client", mutual), s.newAcceptor(t))
				requireAccepted(t, o, "alice@EXAMPLE.COM")
				assert.Equal(t, mutual == "mutual", len(o.tokens[1]) > 0 && o.tokens[1][0] == 0x60, "AP-REP")
			}
		}
	})
}

// MIT's own library, with wrap tokens in clear and sealed.
func TestMITServer(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for _, protection := range []string{"clear", "sealed"} {
			for _, withoutMutual := range []bool{false, true} {
				s := r.setup(t)
				s.initiator.WithoutMutual = withoutMutual
				requireAccepted(t, s.drive(t, s.newInitiator(t), r.python(t, "server", "", protection)), "alice@EXAMPLE.COM")
			}
		}
	})
}

func TestMITClient(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for _, protection := range []string{"clear", "sealed"} {
			for _, mutual := range []string{"plain", "mutual"} {
				s := r.setup(t)
				requireAccepted(t, s.drive(t, r.python(t, "client", mutual, protection), s.newAcceptor(t)), "alice@EXAMPLE.COM")
			}
		}
	})
}

// What Mint makes with the KDC's key is good for everyone.
func TestPeersTakeMintedTickets(t *testing.T) {
	eachType(t, func(t *testing.T, r *kerberosRealm) {
		for name, peer := range map[string]func() *peerProcess{
			"Cyrus": func() *peerProcess { return r.cyrus(t, "server") },
			"Java":  func() *peerProcess { return r.java(t, "server", "plain") },
		} {
			s := r.setup(t)
			s.credential = r.mint(t, "alice", testHost, time.Now().Add(time.Hour))
			o := s.drive(t, s.newInitiator(t), peer())
			require.NoError(t, o.acceptorErr, name)
			assert.Contains(t, o.principal, "alice", name)
		}
	})
}

func (r *kerberosRealm) mint(t *testing.T, user, host string, end time.Time) *Credential {
	c, err := Mint(r.keys(t), MintConfig{Client: Principal{Components: []string{user}, Realm: testRealm},
		Service: ServicePrincipal(testName, host, testRealm), Start: time.Now().Add(-2 * time.Hour), End: end, Random: seeded(uint64(end.UnixNano()))})
	require.NoError(t, err)
	return c
}

// refusals are those of ours, Cyrus on MIT, the JDK, and MIT itself.
func (r *kerberosRealm) refusals(t *testing.T, s *setup) map[string]outcome {
	outcomes := map[string]outcome{}
	outcomes["ours"] = s.run(t)
	s.seed++ // a replay cache would know this request
	outcomes["cyrus"] = s.drive(t, s.newInitiator(t), r.cyrus(t, "server"))
	s.seed++
	outcomes["java"] = s.drive(t, s.newInitiator(t), r.java(t, "server", "plain"))
	s.seed++
	outcomes["mit"] = s.drive(t, s.newInitiator(t), r.python(t, "server", "", "clear"))
	return outcomes
}

func TestAcceptorsRefuseAlike(t *testing.T) {
	for _, tc := range []struct {
		name    string
		prepare func(t *testing.T, r *kerberosRealm, s *setup)
		want    error
	}{
		{"wrong key", func(t *testing.T, r *kerberosRealm, s *setup) {
			entries := r.keys(t).Entries()
			entries[0].Key = testKey(t, r.etype, "of nobody")
			r.writeKeytab(t, entries...)
			s.acceptor.Keys = r.keys(t)
		}, ErrIntegrity},
		{"wrong key version", func(t *testing.T, r *kerberosRealm, s *setup) {
			entries := r.keys(t).Entries()
			entries[0].Version += 5
			entries[0].Key = testKey(t, r.etype, "of another version")
			r.writeKeytab(t, entries...)
			s.acceptor.Keys = r.keys(t)
		}, ErrKeyVersion},
		{"wrong host", func(t *testing.T, r *kerberosRealm, s *setup) {
			s.credential = r.fetch(t, "alice", otherHost)
		}, ErrWrongService},
		{"expired ticket", func(t *testing.T, r *kerberosRealm, s *setup) {
			s.credential = r.mint(t, "alice", testHost, time.Now().Add(-10*time.Minute))
			s.credential.End = time.Now().Add(time.Hour) // so that it is sent at all
		}, ErrExpired},
		{"skewed clock", func(_ *testing.T, _ *kerberosRealm, s *setup) {
			s.initiatorNow = s.initiatorNow.Add(10 * time.Minute)
		}, ErrSkew},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newKerberosRealm(t, ETypeAES256SHA1)
			s := r.setup(t)
			tc.prepare(t, r, s)
			for name, o := range r.refusals(t, s) {
				if name == "mit" { // it sends its reason, which our initiator puts into words
					var said *PeerError
					require.ErrorAs(t, o.initiatorErr, &said, name)
					assert.ErrorIs(t, said, tc.want, name)
					continue
				}
				require.Error(t, o.acceptorErr, name)
				assert.NoError(t, o.initiatorErr, name)
				if name == "ours" {
					assert.ErrorIs(t, o.acceptorErr, tc.want)
				}
			}
		})
	}
}

func (r *kerberosRealm) writeKeytab(t *testing.T, entries ...KeytabEntry) {
	kt, err := NewKeytab(entries...)
	require.NoError(t, err)
	file, err := kt.Marshal()
	require.NoError(t, err)
	r.Write(t, "service.keytab", string(file))
}

func TestAcceptorsRefuseReplays(t *testing.T) {
	r := newKerberosRealm(t, ETypeAES256SHA384)
	s := r.setup(t)
	s.initiator.WithoutMutual = true
	for name, acceptor := range map[string]func() sasl.ServerSession{
		"cyrus": func() sasl.ServerSession { return r.cyrus(t, "server") },
		"ours":  func() sasl.ServerSession { return s.newAcceptor(t) },
	} {
		s.seed++
		token, _, err := s.newInitiator(t).Step(s.initiatorNow, nil)
		require.NoError(t, err, name)
		_, _, err = acceptor().Step(s.acceptorNow, token)
		require.NoError(t, err, name)
		_, _, err = acceptor().Step(s.acceptorNow, token)
		require.Error(t, err, name)
		if name == "ours" {
			assert.ErrorIs(t, err, ErrReplay)
		}
	}
}

func TestForeignAuthorizationIdentity(t *testing.T) {
	r := newKerberosRealm(t, ETypeAES256SHA1)
	s := r.setup(t)
	for _, id := range []string{"bob", "bob@EXAMPLE.COM", "alice@OTHER.COM", "ALICE"} {
		s.initiator.AuthzID = id
		s.seed++
		o := s.drive(t, s.newInitiator(t), r.cyrus(t, "server"))
		assert.Error(t, o.acceptorErr, "Cyrus server, %s", id)
		o = s.run(t)
		assert.ErrorIs(t, o.acceptorErr, ErrAuthzID, "%s", id)
		o = s.drive(t, r.cyrus(t, "client", id), s.newAcceptor(t))
		assert.ErrorIs(t, o.acceptorErr, ErrAuthzID, "Cyrus client, %s", id)
	}
	s.initiator.AuthzID = "alice"
	s.seed++
	requireAccepted(t, s.drive(t, s.newInitiator(t), r.cyrus(t, "server")), "alice")
	requireAccepted(t, s.drive(t, r.cyrus(t, "client", "alice"), s.newAcceptor(t)), "alice@EXAMPLE.COM")
}

// A keytab whose versions are wrong and whose keys are right serves, as with MIT.
func TestWrongVersionOfTheRightKey(t *testing.T) {
	r := newKerberosRealm(t, ETypeAES128SHA256)
	s := r.setup(t)
	entries := r.keys(t).Entries()
	entries[0].Version += 5
	r.writeKeytab(t, entries...)
	s.acceptor.Keys = r.keys(t)
	requireAccepted(t, s.run(t), "alice@EXAMPLE.COM")
	s.seed++
	requireAccepted(t, s.drive(t, s.newInitiator(t), r.cyrus(t, "server")), "alice")
}

// Our KRB-ERROR as MIT's initiator reads it.
func TestMITReadsOurRefusal(t *testing.T) {
	r := newKerberosRealm(t, ETypeAES256SHA1)
	for _, tc := range []struct {
		name   string
		change func(s *setup)
		words  string
	}{
		{"skew", func(s *setup) { s.acceptorNow = s.acceptorNow.Add(time.Hour) }, "Clock skew too great"},
		{"version", func(s *setup) {
			entries := s.acceptor.Keys.Keys().Entries()
			entries[0].Version += 5
			entries[0].Key = testKey(t, r.etype, "of another version")
			kt, err := NewKeytab(entries...)
			require.NoError(t, err)
			s.acceptor.Keys = kt
		}, "Key version is not available"},
		{"host", func(s *setup) { s.host = otherHost }, "The ticket isn't for us"},
	} {
		s := r.setup(t)
		tc.change(s)
		client := r.python(t, "client", "mutual", "clear")
		o := s.drive(t, client, s.newAcceptor(t))
		require.Error(t, o.acceptorErr, tc.name)
		require.NotEmpty(t, o.refusal, tc.name)
		_, _, err := client.Step(time.Now(), o.refusal)
		assert.ErrorContains(t, err, tc.words, tc.name)
	}
}
