package kerberos_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// The mechanism of a server: a keytab that is followed while it runs, so that keys are rotated
// without a restart, and a memory of what was seen, so that nobody repeats it.
func ExampleOpenKeytabFile() {
	path, err := exampleKeytab()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(filepath.Dir(path))

	keys, err := kerberos.OpenKeytabFile(kerberos.KeytabFileConfig{Path: path, Service: "pegasus", Host: "db1.example.org"})
	if err != nil {
		fmt.Println(err) // also where the file has no key of pegasus/db1.example.org
		return
	}
	mechanism := gssapi.New(gssapi.Config{Service: "pegasus", Keys: keys, Replays: kerberos.NewReplays(0)})
	fmt.Println(mechanism.Name(), keys.Stats().Keys) // server.Config.Mechanism

	_, err = kerberos.OpenKeytabFile(kerberos.KeytabFileConfig{Path: path, Service: "hbase", Host: "db1.example.org"})
	fmt.Println(err != nil)
	// Output:
	// GSSAPI 1
	// true
}

// exampleKeytab is what kadmin ktadd would have written.
func exampleKeytab() (path string, err error) {
	dir, err := os.MkdirTemp("", "keytab")
	if err != nil {
		return "", err
	}
	key, err := gssapi.NewKey(gssapi.ETypeAES256SHA1, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		return "", err
	}
	keytab, err := gssapi.NewKeytab(gssapi.KeytabEntry{
		Principal: gssapi.ServicePrincipal("pegasus", "db1.example.org", "EXAMPLE.ORG"), Version: 3, Key: key,
	})
	if err != nil {
		return "", err
	}
	content, err := keytab.Marshal()
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "pegasus.keytab")
	return path, os.WriteFile(path, content, 0o600)
}

// What a client needs of krb5.conf. OpenCredentials loads it by itself where
// ClientConfig.Settings is nil.
func ExampleParseSettings() {
	settings, err := kerberos.ParseSettings("/etc/krb5.conf", []byte(`
[libdefaults]
	default_realm = EXAMPLE.ORG
[realms]
	EXAMPLE.ORG = {
		kdc = kdc1.example.org
		kdc = kdc2.example.org:1088
	}
[domain_realm]
	.example.org = EXAMPLE.ORG
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(settings.RealmOf("db1.example.org"), settings.KDCs("EXAMPLE.ORG"))

	_, err = kerberos.ParseSettings("/etc/krb5.conf", []byte("[libdefaults\n"))
	fmt.Println(err)
	// Output:
	// EXAMPLE.ORG [kdc1.example.org:88 kdc2.example.org:1088]
	// krb5.conf /etc/krb5.conf line 1: "[libdefaults" is no section; write [libdefaults], outside of braces
}
