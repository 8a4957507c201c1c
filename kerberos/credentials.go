// A client's credentials, kept fresh in the background: the driver of sasl/ticket.

package kerberos

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// DefaultService is upstream's service name.
const DefaultService = "pegasus"

// ClientConfig describes a client principal and how it proves itself. One of Keytab,
// Password and Cache is needed; with none of them it is the cache that KRB5CCNAME names.
type ClientConfig struct {
	// Principal is name@REALM, or name in the default realm. A cache has its own.
	Principal string
	Keytab    string // path
	Password  string // never logged, never shown
	Cache     string // path or FILE:path

	// Service is the first component of the servers' principals; default DefaultService.
	Service string
	// Settings say where KDCs are; nil: LoadSettings("").
	Settings *Settings
	// KDCs replace those of Settings for the client's realm, each host or host:port.
	KDCs []string

	// OnTicket is called when a ticket's state changes, by the goroutine that drives the
	// credentials: it must return soon and must not call their methods.
	OnTicket func(ticket.Change)
	Logger   *slog.Logger // default: nothing is logged. Never tickets, keys or passwords
	// CheckEvery is how often keytab or cache are looked at for a change; default 5 s.
	CheckEvery time.Duration
	// Tickets has intervals and limits; a zero field is ticket.DefaultConfig's, and Skew that of
	// Settings.
	Tickets ticket.Config

	// Dial opens connections to KDCs; default: UDP and TCP. It must return when its context ends.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock that tickets are held against; default time.Now. It moves as fast.
	Now func() time.Time
	// Random is for nonces and keys; default crypto/rand. Safe for concurrent use.
	Random io.Reader
	// Jitter is what intervals are drawn from; default: seeded at random.
	Jitter mathrand.Source
}

// Errors of Await and Lookup, for errors.Is, beside those of package gssapi.
var (
	// ErrConfig refuses a ClientConfig.
	ErrConfig = errors.New("kerberos: bad configuration")
	// ErrClosed says that the credentials are closed.
	ErrClosed = errors.New("kerberos: the credentials are closed")
	// ErrLimit says that too many services, or too many sessions, want a ticket at once.
	ErrLimit = errors.New("kerberos: a limit of the credentials was reached")
)

// Credentials keep a principal's tickets. They are a gssapi.CredentialSource, and what
// client.Config.Credentials waits for. Their methods may be called by any number of
// goroutines.
type Credentials struct {
	cfg    ClientConfig
	source source
	client gssapi.Principal
	kdcs   kdcs
	inbox  chan item
	ended  chan struct{} // run has returned
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	// watched is what identify and then watch have seen of the file.
	watched watched

	mu      sync.RWMutex
	current map[ticket.Name]*gssapi.Credential // what Lookup gives out
	loop    loop
}

// OpenCredentials checks the configuration, reads keytab or cache once, and begins to fetch
// the ticket-granting ticket. It does not wait for a KDC. Errors: ErrConfig, *SettingsError,
// *SourceError.
func OpenCredentials(cfg ClientConfig) (*Credentials, error) {
	cfg = cfg.withDefaults()
	c := &Credentials{cfg: cfg, inbox: make(chan item, 64), ended: make(chan struct{}), current: make(map[ticket.Name]*gssapi.Credential)}
	if err := cfg.Tickets.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if cfg.Settings == nil {
		var err error
		if cfg.Settings, err = settingsFor(&cfg); err != nil {
			return nil, err
		}
		c.cfg.Settings = cfg.Settings
	}
	c.cfg.Tickets.Skew = cmp.Or(c.cfg.Tickets.Skew, c.cfg.Settings.Skew)
	if err := c.identify(); err != nil {
		return nil, err
	}
	if err := c.locate(); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.loop = newLoop(c)
	c.tasks.Go(c.watch)
	go c.loop.run()
	c.put(item{event: ticket.Event{Kind: ticket.EventWant, Waiter: c.loop.warm, Deadline: c.cfg.Now().Add(warmLimit)}})
	return c, nil
}

// settingsFor loads krb5.conf. One that is not there is no obstacle where KDCs are given, or
// where a cache may have all that is needed.
func settingsFor(cfg *ClientConfig) (*Settings, error) {
	s, err := LoadSettings("")
	if errors.Is(err, fs.ErrNotExist) && (len(cfg.KDCs) > 0 || cfg.Keytab == "" && cfg.Password == "") {
		return NewSettings(), nil
	}
	return s, err
}

func (cfg ClientConfig) withDefaults() ClientConfig {
	if cfg.Service == "" {
		cfg.Service = DefaultService
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CheckEvery <= 0 {
		cfg.CheckEvery = 5 * time.Second
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Jitter == nil {
		cfg.Jitter = mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())
	}
	return cfg
}

// identify finds out who the client is, and reads what it proves it with.
func (c *Credentials) identify() error {
	cfg := &c.cfg
	given := 0
	for _, s := range []string{cfg.Keytab, cfg.Password, cfg.Cache} {
		if s != "" {
			given++
		}
	}
	if given > 1 {
		return fmt.Errorf("%w: more than one of Keytab, Password and Cache; choose one", ErrConfig)
	}
	c.source = source{keytab: cfg.Keytab, password: cfg.Password}
	if cfg.Principal != "" {
		p, err := parsePrincipal(cfg.Principal, cfg.Settings.DefaultRealm)
		if err != nil {
			return err
		}
		c.source.client = p
	}
	if cfg.Keytab != "" || cfg.Password != "" {
		if cfg.Principal == "" {
			return fmt.Errorf("%w: Principal is missing; a keytab may have several, a password has none", ErrConfig)
		}
		c.client = c.source.client
		if cfg.Keytab != "" {
			c.watched = lookInto(cfg.Keytab)
		}
		_, err := c.source.secret()
		return err
	}
	path, err := cachePath(cfg.Cache)
	if err != nil {
		return err
	}
	c.source.cache, c.watched = path, lookInto(path)
	cache, err := c.source.cached()
	if err != nil {
		return err
	}
	c.client, c.source.client = cache.Client, cache.Client
	return nil
}

// parsePrincipal adds the default realm where there is none.
func parsePrincipal(text, realm string) (gssapi.Principal, error) {
	p, err := gssapi.ParsePrincipal(text)
	if err != nil && realm != "" {
		p, err = gssapi.ParsePrincipal(text + "@" + realm)
	}
	if err != nil {
		return p, fmt.Errorf("%w: Principal: %w", ErrConfig, err)
	}
	return p, nil
}

// locate finds the KDCs of the client's realm.
func (c *Credentials) locate() error {
	addresses := c.cfg.Settings.KDCs(c.client.Realm)
	if len(c.cfg.KDCs) > 0 {
		addresses = nil
		for _, k := range c.cfg.KDCs {
			address, err := kdcAddress(k)
			if err != nil {
				return fmt.Errorf("%w: KDCs has %q, which is no host or host:port", ErrConfig, k)
			}
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 && c.source.cache == "" {
		return fmt.Errorf("%w: no KDC of realm %s: name one in krb5.conf, [realms] %s = { kdc = host }, or in KDCs (DNS is not asked, nor proxies over HTTPS)", ErrConfig, c.client.Realm, c.client.Realm)
	}
	c.kdcs = kdcs{udpLimit: c.cfg.Settings.UDPLimit, dial: c.cfg.Dial, now: c.cfg.Now, random: c.cfg.Random}
	for _, a := range addresses {
		c.kdcs.peers = append(c.kdcs.peers, &peer{address: a})
	}
	return nil
}

// Principal is the client's.
func (c *Credentials) Principal() string { return c.client.String() }

// Lookup implements gssapi.CredentialSource with the ticket that is there; it does not wait,
// which is what Await is for. Errors: gssapi.ErrNoCredential.
func (c *Credentials) Lookup(service, host string) (*gssapi.Credential, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if have := c.current[ticket.Name{Service: service, Host: host}]; have != nil {
		return have, nil
	}
	return nil, fmt.Errorf("%w: none for %s/%s has been fetched: set client.Config.Credentials, so that it is waited for", gssapi.ErrNoCredential, service, host)
}

// Await waits until there is a ticket for the service on host, which Lookup then gives out.
// It does not wait for an attempt that lies beyond the context's deadline, and half a minute
// where that has none. Errors: ErrUnreachable, ErrSource, a *gssapi.PeerError, ErrLimit,
// ErrClosed, a *gssapi.InternalError, the context's.
func (c *Credentials) Await(ctx context.Context, host string) error {
	name := ticket.Name{Service: c.cfg.Service, Host: host}
	if realm := c.cfg.Settings.RealmOf(host); realm != "" && realm != c.client.Realm {
		return fmt.Errorf("%w: %s is in realm %s and the client in %s: tickets across realms are not fetched", gssapi.ErrWrongService, host, realm, c.client.Realm)
	}
	return c.await(ctx, name)
}

// Ready waits in the same way for the ticket-granting ticket.
func (c *Credentials) Ready(ctx context.Context) error { return c.await(ctx, ticket.Name{}) }

func (c *Credentials) await(ctx context.Context, name ticket.Name) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limit := warmLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	answer := make(chan error, 1)
	if !c.put(item{want: &want{name: name, limit: limit, answer: answer}}) {
		return c.loop.over
	}
	select {
	case err := <-answer:
		return err
	case <-c.ended:
		select {
		case err := <-answer:
			return err
		default:
			return c.loop.over
		}
	case <-ctx.Done():
		c.put(item{forget: answer})
		return fmt.Errorf("wait for the ticket of %v: %w", name, ctx.Err())
	}
}

// Negotiated tells how a negotiation with the service on host ended for which its ticket was
// presented. One that ends without a word again and again may be due to a new key of the
// service's, and the ticket is fetched anew.
func (c *Credentials) Negotiated(host string, accepted bool) {
	kind := ticket.EventSuspect
	if accepted {
		kind = ticket.EventTrust
	}
	c.put(item{event: ticket.Event{Kind: kind}, of: ticket.Name{Service: c.cfg.Service, Host: host}})
}

// Reload has keytab or cache read again now.
func (c *Credentials) Reload() { c.put(item{event: ticket.Event{Kind: ticket.EventReload}}) }

// Observe has f called like ClientConfig.OnTicket, after it, until stop has returned.
func (c *Credentials) Observe(f func(ticket.Change)) (stop func()) {
	o := &f
	c.put(item{observe: o})
	return func() {
		done := make(chan struct{})
		if !c.put(item{unobserve: o, done: done}) {
			return
		}
		select {
		case <-done:
		case <-c.ended:
		}
	}
}

// Health looks at the credentials. It asks nobody.
func (c *Credentials) Health() ticket.Health {
	answer := make(chan ticket.Health, 1)
	if !c.put(item{health: answer}) {
		<-c.ended
		return c.loop.health()
	}
	select {
	case h := <-answer:
		return h
	case <-c.ended:
		return c.loop.health()
	}
}

// Close ends everything in the background and waits for it. Whoever waits gets ErrClosed.
func (c *Credentials) Close() error {
	c.put(item{event: ticket.Event{Kind: ticket.EventClose}})
	<-c.ended
	c.cancel()
	c.tasks.Wait()
	return nil
}

// put hands an item to the loop; false if that has ended.
func (c *Credentials) put(it item) bool {
	select {
	case <-c.ended:
		return false
	default:
	}
	select {
	case c.inbox <- it:
		return true
	case <-c.ended:
		return false
	}
}
