// Credentials of an initiator: a ticket with its session key.

package gssapi

import (
	"fmt"
	"time"
)

// Credential is a ticket for a service and what its owner needs to use it. Ticket is the
// Ticket's DER as the KDC gave it. It must not be changed once it is in use.
type Credential struct {
	Client  Principal
	Service Principal
	Ticket  []byte
	Key     Key
	// Start and End limit its use; a zero Start is no limit. RenewTill is zero where the
	// ticket cannot be renewed.
	Start, End, RenewTill time.Time
}

// Lookup implements CredentialSource with the one credential. Errors: ErrWrongService.
func (c *Credential) Lookup(service, host string) (*Credential, error) {
	return c, c.fits(service, host)
}

// String says what it is for, without ticket and key.
func (c Credential) String() string {
	return fmt.Sprintf("credential of %s for %s until %s", c.Client, c.Service, stamp(c.End))
}

// Format implements fmt.Formatter, so that no verb shows ticket or key.
func (c Credential) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalText implements encoding.TextMarshaler with the same words, for logs as JSON.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// fits says whether this can be presented to service on host.
func (c *Credential) fits(service, host string) error {
	switch {
	case c == nil:
		return fmt.Errorf("%w: get one (kinit), or have the driver fetch one", ErrNoCredential)
	case !c.Client.valid() || !c.Service.valid() || len(c.Ticket) == 0 || !c.Key.isSet():
		return fmt.Errorf("%w: credential without a name, a ticket or a key", ErrFormat)
	case len(c.Service.Components) != 2 || c.Service.Components[0] != service || c.Service.Components[1] != host:
		return fmt.Errorf("%w: it is for %s: check the configured service and host names, which are compared letter by letter", ErrWrongService, c.Service)
	}
	return nil
}

// usable says whether the ticket holds now, by our own clock. A KDC's clock may be ahead by
// the skew; at the end there is no leniency, since what has run out here is refused there,
// after a round trip.
func (c *Credential) usable(now time.Time, skew time.Duration) error {
	if now.Before(c.End) && !now.Add(skew).Before(c.Start) {
		return nil
	}
	err := &ValidityError{Client: c.Client, Service: c.Service, Start: c.Start, End: c.End, Now: now}
	if now.Before(c.Start) {
		err.Skew = skew
	}
	return err
}
