// Package kdctest runs MIT's KDC for tests: a realm of its own in a directory of its own on
// a port of its own, with nothing of the system's touched. The tests that use it stand
// behind the build tag kerberos; .ci/kerberos-peers installs what it needs.
package kdctest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Realm is the realm of every KDC here.
const Realm = "EXAMPLE.COM"

// patience is how long a KDC may take until it listens; it takes milliseconds.
const patience = 10 * time.Second

// Install says what to do where something is missing.
const Install = "run .ci/kerberos-peers, which installs it"

// ETypeName is how krb5.conf calls an encryption type of RFC 3962 or 8009.
func ETypeName(etype int32) string {
	return map[int32]string{17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96",
		19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192"}[etype]
}

// Config describes a realm.
type Config struct {
	ETypes     []int32  // of keys and tickets; none: 18
	Principals []string // without realm, with random keys
	// Passwords are principals with a password, as name and password.
	Passwords [][2]string
	// TicketLife and RenewLife limit every ticket, in whole seconds; 0: 10 h and 7 d.
	TicketLife, RenewLife time.Duration
	// UDP has clients try datagrams first; else everything goes over TCP.
	UDP bool
}

// KDC is a running KDC. Env has what MIT's programs need to find it.
type KDC struct {
	Dir     string
	Address string // 127.0.0.1:port, of TCP and UDP
	Env     []string
	process *exec.Cmd
}

// Start makes a realm and runs its KDC until the test ends.
func Start(t testing.TB, cfg Config) *KDC {
	t.Helper()
	Require(t, "krb5kdc", "kadmin.local", "kdb5_util")
	if len(cfg.ETypes) == 0 {
		cfg.ETypes = []int32{18}
	}
	k := &KDC{Dir: t.TempDir(), Address: freeAddress(t)}
	k.configure(t, cfg)
	k.Env = append(os.Environ(), "KRB5_CONFIG="+k.Path("krb5.conf"), "KRB5_KDC_PROFILE="+k.Path("kdc.conf"),
		"KRB5CCNAME=FILE:"+k.Path("ccache"), "KRB5_KTNAME=FILE:"+k.Path("service.keytab"), "KRB5RCACHEDIR="+k.Dir, "SASL_CONF_PATH="+k.Dir)
	k.Run(t, "kdb5_util", "create", "-s", "-r", Realm, "-P", "of no importance")
	for _, name := range cfg.Principals {
		k.Kadmin(t, "addprinc -randkey "+name)
	}
	for _, p := range cfg.Passwords {
		k.Kadmin(t, "addprinc -pw "+p[1]+" "+p[0])
	}
	t.Cleanup(func() { k.Stop() })
	k.Restart(t)
	return k
}

// Require fails where a program is not installed: these tests were asked for, and one that
// is missing is no reason to pass.
func Require(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		_, err := exec.LookPath(program)
		require.NoError(t, err, "%s is missing: %s", program, Install)
	}
}

func (k *KDC) configure(t testing.TB, cfg Config) {
	t.Helper()
	var types, supported []string
	for _, e := range cfg.ETypes {
		types, supported = append(types, ETypeName(e)), append(supported, ETypeName(e)+":normal")
	}
	prefer := "1"
	if cfg.UDP {
		prefer = "1465"
	}
	life, renew := 10*time.Hour, 7*24*time.Hour
	if cfg.TicketLife > 0 {
		life = cfg.TicketLife
	}
	if cfg.RenewLife > 0 {
		renew = cfg.RenewLife
	}
	k.Write(t, "krb5.conf", fmt.Sprintf(`[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	qualify_shortname = ""
	udp_preference_limit = %[4]s
	permitted_enctypes = %[2]s
	default_tkt_enctypes = %[2]s
	default_tgs_enctypes = %[2]s
[realms]
	%[1]s = {
		kdc = %[3]s
	}
[domain_realm]
	.example.com = %[1]s
`, Realm, strings.Join(types, " "), k.Address, prefer))
	k.Write(t, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
	kdc_listen = %[1]s
	kdc_tcp_listen = %[1]s
[realms]
	%[2]s = {
		database_name = %[3]s/principal
		key_stash_file = %[3]s/stash
		acl_file = %[3]s/acl
		supported_enctypes = %[4]s
		master_key_type = aes256-cts-hmac-sha1-96
		max_life = %[5]ds
		max_renewable_life = %[6]ds
		default_principal_flags = +preauth
	}
[logging]
	kdc = FILE:%[3]s/kdc.log
`, k.Address, Realm, k.Dir, strings.Join(supported, " "), int(life.Seconds()), int(renew.Seconds())))
}

// freeAddress is a port that was free a moment ago, for TCP and for UDP.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 10 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		u, err := net.ListenPacket("udp4", l.Addr().String())
		require.NoError(t, l.Close())
		if err == nil {
			require.NoError(t, u.Close())
			return l.Addr().String()
		}
	}
	require.Fail(t, "no port that is free for TCP and UDP")
	return ""
}

// Restart runs the KDC, again where it was stopped, and waits until it listens. Somebody
// else may have its port for a moment: it is tried for a while.
func (k *KDC) Restart(t testing.TB) {
	t.Helper()
	k.Stop()
	for until := time.Now().Add(patience); !k.run(t); time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(until), "the KDC does not listen on %s", k.Address)
	}
}

// run starts the process. It returns true once that listens, and false where it ends.
func (k *KDC) run(t testing.TB) bool {
	t.Helper()
	process := exec.Command("krb5kdc", "-n")
	process.Env = k.Env
	said, err := process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	tooLong := time.AfterFunc(patience, func() { _ = process.Process.Kill() })
	defer tooLong.Stop()
	// It says so once it has its sockets, without an end of line; without them it ends.
	if _, err := bufio.NewReader(said).ReadString('.'); err != nil {
		_ = process.Wait() // that it failed is known
		return false
	}
	k.process = process
	return true
}

// Stop kills the KDC.
func (k *KDC) Stop() {
	if k.process == nil {
		return
	}
	_ = k.process.Process.Kill() // it may have ended by itself
	_ = k.process.Wait()         // killed, as wanted
	k.process = nil
}

// Path is a file in the realm's directory.
func (k *KDC) Path(name string) string { return filepath.Join(k.Dir, name) }

// Write writes a file there.
func (k *KDC) Write(t testing.TB, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(k.Path(name), []byte(content), 0o600))
}

// Run runs a program in the realm's environment, to success.
func (k *KDC) Run(t testing.TB, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = k.Env
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

// Kadmin has the realm's administration carry out a query.
func (k *KDC) Kadmin(t testing.TB, query string) {
	t.Helper()
	k.Run(t, "kadmin.local", "-q", query)
}

// Keytab writes the keys of principals to a new keytab in the realm's directory, leaving
// them as they are, and returns its path.
func (k *KDC) Keytab(t testing.TB, name string, principals ...string) string {
	t.Helper()
	k.Kadmin(t, "ktadd -norandkey -k "+k.Path(name)+" "+strings.Join(principals, " "))
	return k.Path(name)
}

// AddService adds a service whose tickets and their session keys are of one type.
func (k *KDC) AddService(t testing.TB, principal string, etype int32) {
	t.Helper()
	k.Kadmin(t, fmt.Sprintf("addprinc -randkey -e %s:normal %s", ETypeName(etype), principal))
	k.Kadmin(t, fmt.Sprintf("setstr %s session_enctypes %s", principal, ETypeName(etype)))
}
