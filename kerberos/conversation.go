// One ticket from one of a realm's KDCs: they are tried in turn, the one that answered last
// first. Where the time of one exchange does not do for all, the next goes on. A KRB-ERROR is an
// answer.

package kerberos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// kdcs are a realm's KDCs as this process sees them.
type kdcs struct {
	peers    []*peer
	udpLimit int
	dial     dialer
	now      func() time.Time
	random   io.Reader
	good     atomic.Int32 // the one to begin with: that answered last, or that is next after some that did not
}

// ticket has the conversation that cfg describes.
func (k *kdcs) ticket(ctx context.Context, cfg gssapi.TicketRequest) (*gssapi.Credential, error) {
	if len(k.peers) == 0 {
		return nil, fmt.Errorf("%w: krb5.conf names none for the realm of %s", ErrUnreachable, cfg.Client)
	}
	cfg.Random = k.random
	first := int(k.good.Load())
	var failures []error
	for i := range k.peers {
		at := (first + i) % len(k.peers)
		x, err := gssapi.NewTicketExchange(cfg)
		if err != nil {
			return nil, err
		}
		credential, err := k.converse(ctx, x, k.peers[at])
		if err == nil || !errors.Is(err, ErrUnreachable) {
			k.good.Store(int32(at))
			return credential, err
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			k.good.CompareAndSwap(int32(first), k.next(at, i))
			break
		}
	}
	return nil, errors.Join(failures...)
}

// next is the KDC to begin with after an exchange whose time ran out at one, asked after so many
// others: the same, which may have been cut short, unless there was none before it.
func (k *kdcs) next(at, asked int) int32 {
	if asked == 0 {
		at++
	}
	return int32(at % len(k.peers))
}

// converse has it with one KDC.
func (k *kdcs) converse(ctx context.Context, x *gssapi.TicketExchange, with *peer) (*gssapi.Credential, error) {
	defer x.Wipe()
	for {
		request, err := x.Request(k.now())
		if err != nil {
			return nil, err
		}
		reply, err := with.exchange(ctx, k.dial, request, k.udpLimit)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		credential, err := x.Reply(k.now(), reply)
		var refused *gssapi.PeerError
		switch {
		case errors.As(err, &refused) && refused.Code == gssapi.CodeServiceUnavailable,
			errors.Is(err, gssapi.ErrToken): // noise: another KDC may speak Kerberos
			return nil, fmt.Errorf("%w: KDC %s: %w", ErrUnreachable, with.address, err)
		case err != nil:
			return nil, fmt.Errorf("KDC %s: %w", with.address, err)
		case credential != nil:
			return credential, nil
		}
	}
}
