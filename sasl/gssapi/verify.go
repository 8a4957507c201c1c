// What an AP-REQ has to hold before an acceptor believes it: RFC 4120 section 3.2.3, with
// the order of its checks, and our clock.

package gssapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// verified is what an AP-REQ proved.
type verified struct {
	session Key
	auth    authenticator
}

// verify believes b or says why not. It sets a.service once the ticket could be read.
func (a *acceptor) verify(now time.Time, b []byte) (v verified, err error) {
	request, err := parseAPReq(b)
	if err != nil {
		return v, err
	}
	tkt, err := parseTicket(request.ticket)
	if err != nil {
		return v, err
	}
	a.service = tkt.service
	if request.options&optionUseSessionKey != 0 {
		return v, fmt.Errorf("%w: user-to-user authentication, for which this server has no ticket", ErrPolicy)
	}
	part, err := a.openTicket(tkt)
	if err != nil {
		return v, err
	}
	v.session = part.key
	defer func() {
		if err != nil {
			v.session.wipe()
			v.auth.subkey.wipe()
		}
	}()
	if v.auth, err = openAuthenticator(part, request.authenticator); err != nil {
		return v, err
	}
	if err = a.acceptable(now, part, v.auth); err != nil {
		return v, err
	}
	return v, a.cfg.Replays.Check(now, a.cfg.Skew, Replay{
		Client: part.client, Service: tkt.service, Time: v.auth.time,
		Authenticator: sha256.Sum256(request.authenticator.sealed),
	})
}

// openTicket decrypts with the key that the keytab has for it. That it decrypts proves for
// whom it was made, so its name is compared with ours first.
func (a *acceptor) openTicket(t ticket) (part ticketPart, err error) {
	name := t.service.Components
	if len(name) != 2 || name[0] != a.cfg.Service || a.host != "" && name[1] != a.host {
		host := a.host
		if host == "" {
			host = "*"
		}
		return part, fmt.Errorf("%w: the ticket is for %s, this is %s/%s: check service and host name in the client's configuration, which are compared letter by letter", ErrWrongService, t.service, a.cfg.Service, host)
	}
	if _, err := suiteOf(t.part.etype); err != nil {
		return part, fmt.Errorf("ticket for %s: %w", t.service, err)
	}
	keys, named, err := a.keys.candidates(t.service, t.part.version, t.part.etype)
	if err != nil {
		return part, err
	}
	var plain []byte
	for _, k := range keys {
		if plain, err = k.decrypt(usageTicket, t.part.sealed); err == nil {
			break
		}
	}
	switch {
	case errors.Is(err, ErrIntegrity) && !named:
		return part, &KeyVersionError{Service: t.service, Want: t.part.version, Have: a.keys.versions(t.service)}
	case errors.Is(err, ErrIntegrity):
		return part, fmt.Errorf("%w: the ticket for %s (key version %d, type %d) does not decrypt with the keytab's key of that version: the keytab is of another KDC, or older than a change of the key; export it again (kadmin ktadd)", err, t.service, t.part.version, t.part.etype)
	case err != nil:
		return part, fmt.Errorf("ticket for %s: %w", t.service, err)
	}
	defer clear(plain)
	return parseTicketPart(plain)
}

// openAuthenticator decrypts with the session key, which only the ticket's owner has, and
// compares whom both name.
func openAuthenticator(part ticketPart, e encrypted) (auth authenticator, err error) {
	if e.etype != part.key.etype {
		return auth, fmt.Errorf("%w: authenticator encrypted with type %d, the session key has type %d", ErrToken, e.etype, part.key.etype)
	}
	plain, err := part.key.decrypt(usageAuthenticator, e.sealed)
	if errors.Is(err, ErrIntegrity) {
		return auth, fmt.Errorf("%w: the authenticator that came with the ticket of %s: who sent it does not have the ticket's session key", err, part.client)
	} else if err != nil {
		return auth, fmt.Errorf("authenticator: %w", err)
	}
	defer clear(plain)
	if auth, err = parseAuthenticator(plain); err != nil {
		return auth, err
	}
	if !auth.client.Equal(part.client) {
		return auth, fmt.Errorf("%w: the ticket is of %s, the authenticator of %s", ErrMismatch, part.client, auth.client)
	}
	return auth, nil
}

// acceptable holds what was proved against clock and policy.
func (a *acceptor) acceptable(now time.Time, part ticketPart, auth authenticator) error {
	apart := auth.time.Sub(now)
	if apart > a.cfg.Skew || apart < -a.cfg.Skew {
		return &SkewError{Local: now, Peer: auth.time, Allowed: a.cfg.Skew}
	}
	if err := part.validity(now, a.cfg.Skew, a.service); err != nil {
		return err
	}
	switch {
	case part.critical || auth.critical:
		return fmt.Errorf("%w: the ticket of %s carries restrictions that this server does not know", ErrPolicy, part.client)
	case part.client.Realm != a.service.Realm && part.flags&ticketTransitedChecked == 0:
		return fmt.Errorf("%w: %s comes through realms that no KDC has checked: see [capaths] in the KDC's krb5.conf", ErrPolicy, part.client)
	}
	return nil
}
