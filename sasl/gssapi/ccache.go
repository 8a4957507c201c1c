// Credential caches of the FILE kind, versions 3 and 4, as bytes. gokrb5's reader believes
// every count in the file and allocates by it, so this one is ours.

package gssapi

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// maxCCacheBytes is far above any real cache.
const maxCCacheBytes = 16 << 20

// configRealm is the realm of entries that are settings, not tickets.
const configRealm = "X-CACHECONF:"

// CCache is a credential cache: whose it is and what it has, in the order of the file. It
// never changes, and is a CredentialSource.
type CCache struct {
	Client      Principal
	Credentials []*Credential
}

// ParseCCache reads a cache file's bytes. Settings are left out, and so are tickets whose
// keys are not of the four types of AES. Errors: ErrFormat.
func ParseCCache(file []byte) (*CCache, error) {
	s := cryptobyte.String(file)
	var format uint16
	switch {
	case len(file) > maxCCacheBytes:
		return nil, fmt.Errorf("%w: credential cache of %d bytes; at most %d", ErrFormat, len(file), maxCCacheBytes)
	case !s.ReadUint16(&format) || format != 0x0503 && format != 0x0504:
		return nil, fmt.Errorf("%w: %d bytes that are no credential cache of version 3 or 4: check that KRB5CCNAME names a FILE cache", ErrFormat, len(file))
	}
	if format == 0x0504 {
		var header cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&header) {
			return nil, fmt.Errorf("%w: credential cache ends inside its header", ErrFormat)
		}
	}
	c := &CCache{}
	var ok bool
	if c.Client, ok = readCachedPrincipal(&s); !ok || !c.Client.valid() {
		return nil, fmt.Errorf("%w: credential cache without an owner", ErrFormat)
	}
	for !s.Empty() {
		entry, ok := readCached(&s, format == 0x0503)
		if !ok {
			return nil, fmt.Errorf("%w: credential cache of %s ends inside an entry", ErrFormat, c.Client)
		}
		if entry != nil {
			c.Credentials = append(c.Credentials, entry)
		}
	}
	return c, nil
}

// Marshal writes the file, format 0x504.
func (c *CCache) Marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder([]byte{0x05, 0x04, 0, 0}) // no header fields
	addCachedPrincipal(b, c.Client)
	for _, have := range c.Credentials {
		addCachedPrincipal(b, have.Client)
		addCachedPrincipal(b, have.Service)
		b.AddUint16(uint16(have.Key.etype))
		addData(b, have.Key.value)
		start := cachedSeconds(have.Start)
		for _, seconds := range [...]uint32{start, start, cachedSeconds(have.End), cachedSeconds(have.RenewTill)} {
			b.AddUint32(seconds)
		}
		b.AddUint8(0)  // a key of a ticket of this client's own
		b.AddUint32(0) // flags: only the KDC's are known to it
		b.AddUint32(0) // addresses
		b.AddUint32(0) // authorization data
		addData(b, have.Ticket)
		addData(b, nil) // second ticket
	}
	file, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: credential cache of %s cannot be written: %w", ErrFormat, c.Client, err)
	}
	return file, nil
}

func addCachedPrincipal(b *cryptobyte.Builder, p Principal) {
	b.AddUint32(nameTypePrincipal)
	b.AddUint32(uint32(len(p.Components)))
	addData(b, []byte(p.Realm))
	for _, part := range p.Components {
		addData(b, []byte(part))
	}
}

func addData(b *cryptobyte.Builder, data []byte) {
	b.AddUint32(uint32(len(data)))
	b.AddBytes(data)
}

// Lookup implements CredentialSource: of the tickets for service on host, the one that
// ends last. Errors: ErrNoCredential.
func (c *CCache) Lookup(service, host string) (*Credential, error) {
	var best *Credential
	for _, have := range c.Credentials {
		if slices.Equal(have.Service.Components, []string{service, host}) && (best == nil || have.End.After(best.End)) {
			best = have
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w: the cache of %s has no ticket for %s/%s (klist shows what it has; kvno gets one)", ErrNoCredential, c.Client, service, host)
	}
	return best, nil
}

// readCached reads an entry; nil where it is of no use here.
func readCached(s *cryptobyte.String, repeatedType bool) (*Credential, bool) {
	var etype, again uint16
	var isSessionKey uint8
	var flags uint32
	var key, tkt, second []byte
	var times [4]uint32
	client, ok := readCachedPrincipal(s)
	if !ok {
		return nil, false
	}
	service, ok := readCachedPrincipal(s)
	if !ok || !s.ReadUint16(&etype) || repeatedType && !s.ReadUint16(&again) || !readData(s, &key) {
		return nil, false
	}
	for i := range times {
		if !s.ReadUint32(&times[i]) {
			return nil, false
		}
	}
	if !s.ReadUint8(&isSessionKey) || !s.ReadUint32(&flags) || !skipTagged(s) || !skipTagged(s) ||
		!readData(s, &tkt) || !readData(s, &second) {
		return nil, false
	}
	k, err := NewKey(int32(etype), key)
	clear(key)
	if err != nil || strings.HasPrefix(service.Realm, configRealm) || !client.valid() || !service.valid() {
		return nil, true
	}
	c := &Credential{Client: client, Service: service, Ticket: tkt, Key: k, End: cachedTime(times[2]), RenewTill: cachedTime(times[3])}
	if c.Start = cachedTime(times[1]); c.Start.IsZero() {
		c.Start = cachedTime(times[0])
	}
	return c, true
}

func cachedTime(seconds uint32) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

func cachedSeconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(t.Unix())
}

func readCachedPrincipal(s *cryptobyte.String) (p Principal, ok bool) {
	var nameType, count uint32
	var realm []byte
	if !s.ReadUint32(&nameType) || !s.ReadUint32(&count) || count > maxComponents || !readData(s, &realm) {
		return p, false
	}
	p.Realm = string(realm)
	for range count {
		var part []byte
		if !readData(s, &part) {
			return p, false
		}
		p.Components = append(p.Components, string(part))
	}
	return p, true
}

// readData reads a length and copies that many bytes, which are there.
func readData(s *cryptobyte.String, out *[]byte) bool {
	var n uint32
	var b []byte
	if !s.ReadUint32(&n) || int64(n) > int64(len(*s)) || !s.ReadBytes(&b, int(n)) {
		return false
	}
	*out = slices.Clone(b)
	return true
}

// skipTagged skips a list of addresses or of authorization data.
func skipTagged(s *cryptobyte.String) bool {
	var count, n uint32
	var tag uint16
	if !s.ReadUint32(&count) {
		return false
	}
	for range count { // every element takes six bytes at least, so the file bounds this
		if !s.ReadUint16(&tag) || !s.ReadUint32(&n) || int64(n) > int64(len(*s)) || !s.Skip(int(n)) {
			return false
		}
	}
	return true
}
