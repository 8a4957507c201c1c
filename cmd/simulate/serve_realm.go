// simulate serve --kdc embedded-dev: a Kerberos realm for as long as the servers run.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/a8011091/pegasus-reference/kerberos/realm"
)

// Where serve has its Kerberos keys from.
const (
	kdcNone        = "none"         // a keytab of the user's
	kdcEmbeddedDev = "embedded-dev" // a realm of its own, for development
)

// kdcNames are what --kdc takes; nothing writes it.
var kdcNames = []string{kdcNone, kdcEmbeddedDev}

// developer is the user of the realm.
const developer = "developer"

// development is what serve says of the realm.
type development struct {
	Realm        string `json:"realm"`
	KDC          string `json:"kdc"` // host:port; empty: none, the ticket was minted
	Service      string `json:"service"`
	User         string `json:"user"`
	Keytab       string `json:"keytab"`
	CCache       string `json:"ccache"`
	ClientKeytab string `json:"client_keytab,omitempty"`
	Krb5Conf     string `json:"krb5_conf"`
	Command      string `json:"command"` // a client that is ready to run
}

// embed makes the realm that was asked for and has the servers use it. It returns nil where
// none was.
func (f *serveFlags) embed(ctx context.Context) (*realm.Realm, error) {
	switch {
	case f.kdc == kdcNone:
		return nil, nil
	case f.kdc != kdcEmbeddedDev:
		return nil, unknownWord("kdc", f.kdc, kdcNames)
	case f.auth.keytab != "":
		return nil, &usageError{errors.New("--kdc embedded-dev makes a keytab of its own; leave --keytab out")}
	case f.node != "":
		return nil, &usageError{errors.New("--kdc embedded-dev is for all nodes in one process; leave --node out")}
	case f.auth.auth == authOff:
		f.auth.auth = authKerberos
	case f.auth.auth != authKerberos && f.auth.auth != authKerberosOptional:
		return nil, &usageError{fmt.Errorf("--kdc embedded-dev is for Kerberos, not for --auth %s", f.auth.auth)}
	}
	if f.auth.host == "" {
		f.auth.host = f.cluster.Host
	}
	r, err := realm.Start(ctx, realm.Config{Service: f.auth.service, Host: f.auth.host, User: developer})
	if err != nil {
		return nil, err
	}
	f.auth.keytab = r.Keytab
	if f.auth.admin == nil {
		f.auth.admin = []string{r.User.String()}
	}
	return r, nil
}

// tellRealm describes the realm, with a command for the cluster at metas.
func (f *serveFlags) tellRealm(r *realm.Realm, metas []netip.AddrPort) *development {
	if r == nil {
		return nil
	}
	return &development{
		Realm: realm.Name, KDC: r.KDC, Service: r.Service.String(), User: r.User.String(), Keytab: r.Keytab,
		CCache: r.CCache, ClientKeytab: r.ClientKeytab, Krb5Conf: r.Config, Command: f.pingCommand(r, metas),
	}
}

// pingCommand is a command line for a shell that works as long as the servers run.
func (f *serveFlags) pingCommand(r *realm.Realm, metas []netip.AddrPort) string {
	program, err := os.Executable()
	if err != nil {
		program = "simulate"
	}
	var addresses []string
	for _, m := range metas {
		addresses = append(addresses, m.String())
	}
	words := []string{program, "ping", "--metas", strings.Join(addresses, ","), "--table", f.table, "--auth", f.auth.auth,
		"--service", f.auth.service, "--server-name", f.auth.host, "--ccache", r.CCache}
	for i, w := range words {
		words[i] = shellWord(w)
	}
	return "KRB5_CONFIG=" + shellWord(r.Config) + " " + strings.Join(words, " ")
}

// shellWord quotes where a shell would read more than a word.
func shellWord(w string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:@=+"
	if w != "" && strings.Trim(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// lines are the same for people.
func (d *development) lines() string {
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("\nFOR DEVELOPMENT ONLY: realm %s; its keys are in files of yours, which are removed when this process ends.\n", d.Realm)
	if d.KDC != "" {
		text += "  kdc       MIT krb5kdc on " + d.KDC + "\n"
	} else {
		text += "  kdc       none is installed: the client's ticket was minted with the service's key\n"
	}
	text += fmt.Sprintf("  service   %s, keytab %s\n  client    %s, ticket in %s\n", d.Service, d.Keytab, d.User, d.CCache)
	if d.ClientKeytab != "" {
		text += fmt.Sprintf("            keytab %s\n", d.ClientKeytab)
	}
	return text + "  try       " + d.Command + "\n\n"
}
