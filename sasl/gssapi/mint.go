// Tickets without a KDC: whoever holds a service's key can make one, as a KDC does. For
// tests, the simulator and development; it authenticates exactly those who hold the key.

package gssapi

import (
	"fmt"
	"io"
	"time"
)

// MintConfig describes a ticket.
type MintConfig struct {
	Client  Principal
	Service Principal
	// Version and EType choose the service's key; 0 is the newest and the highest.
	Version uint32
	EType   int32
	// SessionEType is the type of the session key; 0 is that of the service's key.
	SessionEType int32
	// Start and End limit the ticket; they are cut to seconds.
	Start, End time.Time
	Random     io.Reader
}

// Mint makes a ticket with the service's key out of keys, and a session key out of
// cfg.Random. Errors: ErrConfig, ErrNoKey, ErrEType.
func Mint(keys *Keytab, cfg MintConfig) (*Credential, error) {
	switch {
	case !cfg.Client.valid() || !cfg.Service.valid():
		return nil, fmt.Errorf("mint a ticket: %w: client %q or service %q is no principal", ErrConfig, cfg.Client, cfg.Service)
	case !cfg.End.After(cfg.Start):
		return nil, fmt.Errorf("mint a ticket: %w: it would end at %s, before its start at %s", ErrConfig, stamp(cfg.End), stamp(cfg.Start))
	}
	entry, err := keys.newest(cfg.Service, cfg.Version, cfg.EType)
	if err != nil {
		return nil, fmt.Errorf("mint a ticket: %w", err)
	}
	if cfg.SessionEType == 0 {
		cfg.SessionEType = entry.Key.etype
	}
	var e entropy
	if err := e.draw(cfg.Random); err != nil {
		return nil, fmt.Errorf("mint a ticket: %w", err)
	}
	defer e.wipe()
	session, err := e.newSubkey(cfg.SessionEType)
	if err != nil {
		return nil, fmt.Errorf("mint a ticket: %w", err)
	}
	part := ticketPart{
		flags: ticketInitial | ticketTransitedChecked, key: session, client: cfg.Client,
		start: cfg.Start.Truncate(time.Second), end: cfg.End.Truncate(time.Second),
	}
	der, err := part.seal(cfg.Service, entry, &e.confounder)
	if err != nil {
		return nil, fmt.Errorf("mint a ticket for %s: %w", cfg.Service, err)
	}
	return &Credential{Client: cfg.Client, Service: cfg.Service, Ticket: der, Key: session, Start: part.start, End: part.end}, nil
}

// seal makes the Ticket's DER.
func (p ticketPart) seal(service Principal, entry KeytabEntry, confounder *[confounderBytes]byte) ([]byte, error) {
	plain, err := p.marshal()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	sealed, err := entry.Key.encrypt(usageTicket, confounder, plain)
	if err != nil {
		return nil, err
	}
	return ticket{service: service, part: encrypted{etype: entry.Key.etype, version: entry.Version, sealed: sealed}}.marshal()
}
