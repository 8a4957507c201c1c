// Keytabs: the long-term keys of services and users, by principal, version and type. The
// file's bytes come from the caller; gokrb5 reads them.

package gssapi

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/jcmturner/gokrb5/v8/keytab"
)

// maxKeytabBytes is far above any real keytab: about 30,000 keys.
const maxKeytabBytes = 4 << 20

// KeytabEntry is one key.
type KeytabEntry struct {
	Principal Principal
	Version   uint32 // kvno
	Key       Key
}

// Keytab holds keys. It never changes, and is its own KeySource.
type Keytab struct{ entries []KeytabEntry }

// NewKeytab makes a keytab of entries. Errors: ErrFormat.
func NewKeytab(entries ...KeytabEntry) (*Keytab, error) {
	for _, e := range entries {
		switch {
		case !e.Principal.valid():
			return nil, fmt.Errorf("%w: %q is no principal for a keytab", ErrFormat, e.Principal)
		case !e.Key.isSet():
			return nil, fmt.Errorf("%w: keytab entry of %s without a key", ErrFormat, e.Principal)
		}
	}
	return &Keytab{entries: slices.Clone(entries)}, nil
}

// ParseKeytab reads a keytab file's bytes. Keys of other types than the four of AES are
// left out: they cannot be used. The library's own messages are not passed on, since they
// quote the file. Errors: ErrFormat.
func ParseKeytab(file []byte) (kt *Keytab, err error) {
	defer func() {
		if p := recover(); p != nil { // the library indexes what it has not measured
			kt, err = nil, fmt.Errorf("%w: keytab of %d bytes is damaged", ErrFormat, len(file))
		}
	}()
	if len(file) > maxKeytabBytes {
		return nil, fmt.Errorf("%w: keytab of %d bytes; at most %d", ErrFormat, len(file), maxKeytabBytes)
	}
	if string(file) == "\x05\x02" { // no key yet, which the library takes for damage
		return &Keytab{}, nil
	}
	var parsed keytab.Keytab
	defer func() {
		for _, e := range parsed.Entries {
			clear(e.Key.KeyValue) // ours are copies
		}
	}()
	if err := parsed.Unmarshal(file); err != nil {
		return nil, fmt.Errorf("%w: %d bytes that are no keytab: check that it is a file written by ktutil or kadmin ktadd", ErrFormat, len(file))
	}
	kt = &Keytab{}
	for _, e := range parsed.Entries {
		p := Principal{Components: slices.Clone(e.Principal.Components), Realm: e.Principal.Realm}
		if _, err := suiteOf(e.Key.KeyType); err != nil {
			continue
		}
		key, err := NewKey(e.Key.KeyType, e.Key.KeyValue)
		if err != nil || !p.valid() {
			return nil, fmt.Errorf("%w: keytab has a damaged entry", ErrFormat)
		}
		kt.entries = append(kt.entries, KeytabEntry{Principal: p, Version: e.KVNO, Key: key})
	}
	return kt, nil
}

// Keys implements KeySource.
func (kt *Keytab) Keys() *Keytab { return kt }

// Entries returns a copy of the list.
func (kt *Keytab) Entries() []KeytabEntry { return slices.Clone(kt.entries) }

// Marshal writes the file, format 0x502, entries without a time.
func (kt *Keytab) Marshal() ([]byte, error) {
	b := []byte{5, 2}
	for _, e := range kt.entries {
		start := len(b)
		b = append(b, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(len(e.Principal.Components)))
		for _, text := range append([]string{e.Principal.Realm}, e.Principal.Components...) {
			if len(text) > math.MaxInt16 {
				return nil, fmt.Errorf("%w: principal too long for a keytab", ErrFormat)
			}
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(text))), text...)
		}
		b = binary.BigEndian.AppendUint32(b, nameTypePrincipal)
		b = append(binary.BigEndian.AppendUint32(b, 1), byte(e.Version)) // a time of 0 is none to the library
		b = binary.BigEndian.AppendUint16(b, uint16(e.Key.etype))
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(e.Key.value))), e.Key.value...)
		b = binary.BigEndian.AppendUint32(b, e.Version)
		binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	}
	return b, nil
}

// String names what is in it, without keys.
func (kt *Keytab) String() string {
	s := "keytab:"
	for _, e := range kt.entries {
		s += fmt.Sprintf(" %s version %d type %d;", e.Principal, e.Version, e.Key.etype)
	}
	return s
}

// Format implements fmt.Formatter, so that no verb looks into it.
func (kt *Keytab) Format(f fmt.State, _ rune) { fmt.Fprint(f, kt.String()) }

// candidates are the keys that a ticket may be encrypted with: those of its version, then,
// as MIT does, the others, since a keytab's versions may be wrong where its keys are right.
// named says whether there is one of its version, 0 being any. Errors say whether the keytab
// lacks the name or the type.
func (kt *Keytab) candidates(service Principal, version uint32, etype int32) (keys []Key, named bool, err error) {
	var others []Key
	known := false
	for _, e := range kt.entries {
		if !e.Principal.Equal(service) {
			continue
		}
		known = true
		switch {
		case e.Key.etype != etype:
			named = named || e.is(version)
		case e.is(version):
			keys, named = append(keys, e.Key), true
		default:
			others = append(others, e.Key)
		}
	}
	keys = append(keys, others...)
	switch {
	case !known:
		return nil, false, fmt.Errorf("%w: the keytab has no entry for %s: export it (kadmin ktadd), or check service name, host and realm; klist -k shows what it has", ErrNoKey, service)
	case len(keys) == 0:
		return nil, named, fmt.Errorf("%w: the keytab's entries for %s have no key of type %d: export all types (kadmin ktadd), or limit the service's types at the KDC", ErrNoKey, service, etype)
	}
	return keys, named, nil
}

// is says whether the entry can be of version, where old files have its lowest eight bits only.
func (e KeytabEntry) is(version uint32) bool {
	return version == 0 || e.Version == version || e.Version <= math.MaxUint8 && e.Version == version&math.MaxUint8
}

// versions are those of p's keys, in order.
func (kt *Keytab) versions(p Principal) (v []uint32) {
	for _, e := range kt.entries {
		if e.Principal.Equal(p) && !slices.Contains(v, e.Version) {
			v = append(v, e.Version)
		}
	}
	slices.Sort(v)
	return v
}

// newest is the key of the highest version, of etype, or of any where etype is 0.
func (kt *Keytab) newest(p Principal, version uint32, etype int32) (best KeytabEntry, err error) {
	for _, e := range kt.entries {
		fits := e.Principal.Equal(p) && (version == 0 || e.Version == version) && (etype == 0 || e.Key.etype == etype)
		if fits && (!best.Key.isSet() || e.Version > best.Version || e.Version == best.Version && e.Key.etype > best.Key.etype) {
			best = e
		}
	}
	if !best.Key.isSet() {
		return best, fmt.Errorf("%w: the keytab has no key for %s of version %d and type %d (0 is any)", ErrNoKey, p, version, etype)
	}
	return best, nil
}
