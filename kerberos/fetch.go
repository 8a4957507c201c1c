// What runs beside the loop: exchanges with the KDC, and looking at the files that keys and
// tickets come from.

package kerberos

import (
	"context"
	"crypto/sha256"
	"os"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// fetch carries out one exchange and tells the loop how it ended.
func (c *Credentials) fetch(ctx context.Context, e ticket.Effect, with *gssapi.Credential) {
	credential, err := c.ticket(ctx, e, with)
	ev := ticket.Event{Kind: ticket.EventFetched, Fetch: e.Fetch, Name: e.Name}
	if err != nil {
		ev.Kind, ev.Failure = ticket.EventFailed, failureOf(err, e.Exchange)
	}
	c.put(item{event: ev, credential: credential, err: err})
}

// ticket asks the KDC, or finds what a cache has.
func (c *Credentials) ticket(ctx context.Context, e ticket.Effect, with *gssapi.Credential) (credential *gssapi.Credential, err error) {
	defer func() {
		if p := recover(); p != nil {
			credential, err = nil, bug(p)
		}
	}()
	s := c.cfg.Settings
	request := gssapi.TicketRequest{Client: c.client, Granting: with, Life: s.Life, RenewLife: s.RenewLife, Skew: s.Skew}
	switch {
	case e.Exchange == ticket.ExchangeInitial && c.source.cache != "":
		cache, err := c.source.cached()
		if err != nil {
			return nil, err
		}
		return granting(cache, c.source.cache, c.cfg.Now())
	case e.Exchange == ticket.ExchangeInitial:
		if request.Secret, err = c.source.secret(); err != nil {
			return nil, err
		}
		if request.RenewLife == 0 {
			request.RenewLife = defaultRenewal
		}
	case e.Exchange == ticket.ExchangeRenew:
		request.Renew = true
	case e.Exchange == ticket.ExchangeService && c.source.cache != "" && len(with.Ticket) == 0:
		cache, err := c.source.cached()
		if err != nil {
			return nil, err
		}
		return cache.Lookup(e.Name.Service, e.Name.Host)
	default:
		request.Service = gssapi.ServicePrincipal(e.Name.Service, e.Name.Host, c.client.Realm)
	}
	return c.kdcs.ticket(ctx, request)
}

// defaultRenewal is asked for where krb5.conf has no renew_lifetime: a ticket that is
// renewed does not use the long-term key again. The KDC cuts it as it likes.
const defaultRenewal = 7 * 24 * time.Hour

// watched is a file as it was when it was last looked into; zero: it was not there.
type watched struct {
	info os.FileInfo
	at   time.Time
	hash [sha256.Size]byte // of its contents
}

// lookInto reads the file.
func lookInto(path string) (w watched) {
	w.at = time.Now()
	info, err := os.Stat(path) // before the contents: what changes in between is seen next time
	if err != nil {
		return watched{}
	}
	content, err := readSource(path)
	if err != nil {
		return watched{}
	}
	defer clear(content)
	w.info, w.hash = info, sha256.Sum256(content)
	return w
}

// changed looks at the file, and says whether its contents are others. One that is not
// there, or cannot be read, has none to be taken.
func (w *watched) changed(path string) bool {
	if info, err := os.Stat(path); err == nil && w.info != nil && unchanged(info, w.info, w.at) {
		return false
	}
	before := w.hash
	*w = lookInto(path)
	return w.info != nil && w.hash != before
}

// watch has the core told when keytab or cache change.
func (c *Credentials) watch() {
	path := c.source.file()
	if path == "" {
		return
	}
	tick := time.NewTicker(c.cfg.CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if c.watched.changed(path) {
				c.Reload()
			}
		case <-c.ctx.Done():
			return
		}
	}
}
