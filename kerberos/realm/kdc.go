// MIT's KDC as a process of our own: configured, filled, run, stopped.

package realm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/internal/processgroup"
)

// programs are what MIT's realm is made with, and directories where some systems keep them
// beside PATH. Nothing writes either.
var (
	programs    = [...]string{"krb5kdc", "kdb5_util", "kadmin.local", "kinit", "kvno"}
	directories = [...]string{"/usr/sbin", "/usr/local/sbin", "/usr/lib/mit/sbin", "/usr/lib/mit/bin",
		"/opt/homebrew/opt/krb5/sbin", "/opt/homebrew/opt/krb5/bin", "/usr/local/opt/krb5/sbin", "/usr/local/opt/krb5/bin"}
)

// startLimit is how long a KDC may take until it listens; it takes milliseconds.
const startLimit = 10 * time.Second

// tools are paths of programs.
type tools map[string]string

// findTools returns the programs, or one that is missing.
func findTools() (found tools, missing string) {
	found = make(tools)
	for _, name := range programs {
		path, err := exec.LookPath(name)
		for i := 0; err != nil && i < len(directories); i++ {
			path, err = exec.LookPath(filepath.Join(directories[i], name))
		}
		if err != nil {
			return nil, name
		}
		found[name] = path
	}
	return found, ""
}

// kdc is a running KDC.
type kdc struct {
	process *exec.Cmd
	ended   chan struct{} // closed when it has
}

const krb5Conf = `[libdefaults]
	default_realm = %[1]s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	qualify_shortname = ""
	udp_preference_limit = 1
[realms]
	%[1]s = {
%[2]s	}
`

const kdcConf = `[kdcdefaults]
	kdc_listen = %[2]s
	kdc_tcp_listen = %[2]s
[realms]
	%[1]s = {
		database_name = %[3]s/principal
		key_stash_file = %[3]s/stash
		acl_file = %[3]s/acl
		supported_enctypes = aes256-cts-hmac-sha1-96:normal aes256-cts-hmac-sha384-192:normal
		max_life = 24h
		max_renewable_life = 7d
	}
[logging]
	kdc = FILE:%[3]s/kdc.log
`

// startKDC makes a database with the two principals, runs a KDC on it, and gets the user's ticket.
func (r *Realm) startKDC(ctx context.Context, t tools) error {
	r.ClientKeytab = filepath.Join(r.Dir, "client.keytab")
	if err := r.configure(); err != nil {
		return err
	}
	user, service := r.User.String(), r.Service.String()
	for _, c := range [][]string{
		{"kdb5_util", "create", "-s", "-r", Name, "-P", r.Dir}, // whoever reads the directory has the keys anyway
		{"kadmin.local", "-q", "addprinc -randkey " + user},
		{"kadmin.local", "-q", "addprinc -randkey " + service},
		{"kadmin.local", "-q", "ktadd -k " + r.ClientKeytab + " " + user},
		{"kadmin.local", "-q", "ktadd -k " + r.Keytab + " " + service},
	} {
		if err := r.run(ctx, t[c[0]], c[1:]...); err != nil {
			return &Error{"make the database", err}
		}
	}
	if err := r.runKDC(ctx, t["krb5kdc"]); err != nil {
		return err
	}
	if err := r.run(ctx, t["kinit"], "-k", "-t", r.ClientKeytab, user); err != nil {
		return &Error{"get a ticket for " + user, err}
	}
	if err := r.run(ctx, t["kvno"], "-q", service); err != nil {
		return &Error{"get a ticket for " + service, err}
	}
	return nil
}

// configure finds an address for the KDC and writes it down.
func (r *Realm) configure() (err error) {
	if r.KDC, err = freeAddress(); err != nil {
		return &Error{"find a port for the KDC", err}
	}
	err = errors.Join(
		os.WriteFile(r.Config, fmt.Appendf(nil, krb5Conf, Name, "\t\tkdc = "+r.KDC+"\n"), 0o600),
		os.WriteFile(filepath.Join(r.Dir, "kdc.conf"), fmt.Appendf(nil, kdcConf, Name, r.KDC, r.Dir), 0o600))
	if err != nil {
		return &Error{"configure the KDC", err}
	}
	return nil
}

// errEnded says that the KDC does not run.
var errEnded = errors.New("it ended at once")

// runKDC starts the process, elsewhere where its port has been taken in the meantime.
func (r *Realm) runKDC(ctx context.Context, program string) error {
	for attempt := 1; ; attempt++ {
		err := r.tryKDC(ctx, program)
		if attempt == 3 || !errors.Is(err, errEnded) {
			return err
		}
		if err := r.configure(); err != nil {
			return err
		}
	}
}

// tryKDC starts the process and waits until it listens.
func (r *Realm) tryKDC(ctx context.Context, program string) error {
	r.kdc = &kdc{process: exec.Command(program, "-n"), ended: make(chan struct{})}
	r.kdc.process.Env = r.env()
	// A Ctrl-C at the terminal is for us; we stop the KDC when the servers have ended.
	processgroup.Own(r.kdc.process)
	if err := r.kdc.process.Start(); err != nil {
		r.kdc = nil
		return &Error{"run the KDC", err}
	}
	go r.kdc.wait()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", r.KDC)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-r.kdc.ended:
			return &Error{"run the KDC", fmt.Errorf("%w; %s", errEnded, r.kdcLog())}
		case <-ctx.Done():
			return &Error{"run the KDC", fmt.Errorf("it does not listen on %s: %w; %s", r.KDC, err, r.kdcLog())}
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (k *kdc) wait() {
	_ = k.process.Wait() // that it was killed is what was wanted
	close(k.ended)
}

func (k *kdc) stop() {
	_ = k.process.Process.Kill() // it may have ended by itself
	<-k.ended
}

// kdcLog is the last line that the KDC logged.
func (r *Realm) kdcLog() string {
	b, err := os.ReadFile(filepath.Join(r.Dir, "kdc.log"))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if last := lines[len(lines)-1]; err == nil && last != "" {
		return "it logged: " + last
	}
	return "it logged nothing"
}

func (r *Realm) run(ctx context.Context, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Env = r.env()
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// env makes MIT's programs see this realm and nothing of the system's.
func (r *Realm) env() []string {
	return append(os.Environ(), "KRB5_CONFIG="+r.Config, "KRB5_KDC_PROFILE="+filepath.Join(r.Dir, "kdc.conf"),
		"KRB5CCNAME=FILE:"+r.CCache, "KRB5_KTNAME=FILE:"+r.Keytab, "KRB5RCACHEDIR="+r.Dir)
}

// freeAddress is a port that was free a moment ago, for TCP and for UDP.
func freeAddress() (string, error) {
	for attempt := 1; ; attempt++ {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		u, err := net.ListenPacket("udp4", l.Addr().String())
		if err == nil {
			err = u.Close()
		}
		if err = errors.Join(err, l.Close()); err == nil || attempt == 10 {
			return l.Addr().String(), err
		}
	}
}
