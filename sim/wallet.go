// A client process' Kerberos credentials.

package sim

import (
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// wallet holds a client's tickets and gets new ones. It implements gssapi.CredentialSource.
type wallet struct {
	process *clientProcess
	held    map[string]*gssapi.Credential // by node
}

func newWallet(p *clientProcess) *wallet {
	return &wallet{process: p, held: make(map[string]*gssapi.Credential)}
}

// Lookup implements gssapi.CredentialSource.
func (l *wallet) Lookup(_, node string) (*gssapi.Credential, error) {
	r := l.process.run
	now := r.world.Now()
	if c := l.held[node]; c != nil && now.Before(c.End) {
		return c, nil
	}
	c, err := r.realm.mint(clientName(l.process.index), node, now, r.scenario.TicketLife)
	if err == nil {
		l.held[node] = c
	}
	return c, err
}
