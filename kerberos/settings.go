// krb5.conf: what a client needs of it. Unknown sections and settings are ignored, as MIT
// ignores them; a file that cannot be read as one is an error with its line.

package kerberos

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultSettings is where MIT looks unless KRB5_CONFIG says otherwise.
	DefaultSettings = "/etc/krb5.conf"
	defaultKDCPort  = "88"
	// MIT's udp_preference_limit: requests up to so many bytes go out as datagrams first.
	defaultUDPLimit = 1465

	maxSettingsBytes = 1 << 20
	maxIncludes      = 64
	maxKDCs          = 32 // of one realm
)

// Settings are the part of krb5.conf that matters here.
type Settings struct {
	DefaultRealm string
	Realms       []RealmSettings
	// Domains says which realm a host is in: name, or .domain for all below it.
	Domains [][2]string
	// UDPLimit is how long a request may be to be sent as a datagram first; 1: always TCP.
	UDPLimit int
	Skew     time.Duration
	// Life and RenewLife are what is asked for; zero: the KDC's most, and none.
	Life, RenewLife time.Duration
}

// RealmSettings are a realm's KDCs, each host:port, in the order in which they are tried. Proxies
// (https://..) are left out: they are not spoken to.
type RealmSettings struct {
	Name string
	KDCs []string
}

// SettingsError says where a krb5.conf cannot be used. errors.Is finds the cause, for
// example fs.ErrNotExist.
type SettingsError struct {
	Path string
	Line int // from 1; 0: not about a line
	Why  string
	Err  error
}

// Error implements error.
func (e *SettingsError) Error() string {
	text := "krb5.conf " + e.Path
	if e.Line > 0 {
		text += " line " + strconv.Itoa(e.Line)
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": " + e.Why
}

// Unwrap returns the cause.
func (e *SettingsError) Unwrap() error { return e.Err }

// NewSettings are MIT's defaults.
func NewSettings() *Settings { return &Settings{UDPLimit: defaultUDPLimit, Skew: 5 * time.Minute} }

// LoadSettings reads path, or what KRB5_CONFIG names (a list, where the first that says
// something wins), or DefaultSettings. Errors: *SettingsError.
func LoadSettings(path string) (*Settings, error) {
	if path == "" {
		path = os.Getenv("KRB5_CONFIG")
	}
	if path == "" {
		path = DefaultSettings
	}
	r := settingsReader{settings: NewSettings(), open: openSettings, list: listSettings}
	for _, file := range strings.Split(path, ":") {
		if err := r.file(file); err != nil {
			return nil, err
		}
	}
	return r.settings, nil
}

// ParseSettings reads a file's text; name is for errors. Other files that it includes are an
// error. Errors: *SettingsError.
func ParseSettings(name string, text []byte) (*Settings, error) {
	r := settingsReader{settings: NewSettings()}
	if err := r.text(name, text); err != nil {
		return nil, err
	}
	return r.settings, nil
}

func openSettings(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSettingsBytes+1))
	if err == nil && len(text) > maxSettingsBytes {
		err = fmt.Errorf("longer than %d bytes", maxSettingsBytes)
	}
	return text, err
}

// listSettings are the files of a directory that MIT would include: names of letters,
// digits, dashes and underscores, or ending in .conf.
func listSettings(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		plain := strings.Trim(strings.ToLower(e.Name()), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
		if !e.IsDir() && (plain || strings.HasSuffix(e.Name(), ".conf") && !strings.HasPrefix(e.Name(), ".")) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// settingsReader reads files into settings; what is said first holds.
type settingsReader struct {
	settings *Settings
	open     func(path string) ([]byte, error) // nil: nothing may be included
	list     func(dir string) ([]string, error)
	included int
	set      []string // settings of libdefaults that have been seen
	// Within a file:
	path    string
	line    int
	section string
	nested  []string // names of open braces
}

func (r *settingsReader) file(path string) error {
	if r.included++; r.included > maxIncludes {
		return &SettingsError{Path: path, Why: fmt.Sprintf("more than %d files include each other", maxIncludes)}
	}
	text, err := r.open(path)
	if err != nil {
		return &SettingsError{Path: path, Err: err}
	}
	return r.text(path, text)
}

func (r *settingsReader) fail(why string, args ...any) error {
	return &SettingsError{Path: r.path, Line: r.line, Why: fmt.Sprintf(why, args...)}
}

func (r *settingsReader) text(path string, text []byte) error {
	if len(text) > maxSettingsBytes {
		return &SettingsError{Path: path, Why: fmt.Sprintf("longer than %d bytes", maxSettingsBytes)}
	}
	outer := *r
	r.path, r.line, r.section, r.nested = path, 0, "", nil
	for line := range strings.Lines(string(text)) {
		r.line++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if err := r.statement(line); err != nil {
			return err
		}
	}
	if len(r.nested) > 0 {
		return r.fail("ends inside the braces of %q", r.nested[0])
	}
	r.path, r.line, r.section, r.nested = outer.path, outer.line, outer.section, outer.nested
	return nil
}

// statement is a section, an inclusion, a setting, or a brace.
func (r *settingsReader) statement(line string) error {
	if line[0] == '[' {
		name, rest, ok := strings.Cut(line[1:], "]")
		if !ok || strings.Trim(strings.TrimSpace(rest), "*") != "" || len(r.nested) > 0 {
			return r.fail("%q is no section; write [libdefaults], outside of braces", line)
		}
		r.section = strings.TrimSpace(name)
		return nil
	}
	if kind, target, ok := strings.Cut(line, " "); ok && (kind == "include" || kind == "includedir") {
		return r.include(kind, strings.TrimSpace(target))
	}
	if kind, _, _ := strings.Cut(line, " "); kind == "module" {
		return nil
	}
	if line[0] == '}' {
		if len(r.nested) == 0 {
			return r.fail("a brace closes that was not opened")
		}
		r.nested = r.nested[:len(r.nested)-1]
		return nil
	}
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !ok || key == "":
		return r.fail("%q is no setting; write name = value", line)
	case r.section == "":
		return r.fail("the setting %q stands before any section", key)
	case value == "{":
		if len(r.nested) == 16 {
			return r.fail("braces within braces, 16 deep")
		}
		r.nested = append(r.nested, strings.TrimSuffix(key, "*"))
		return nil
	}
	return r.setting(strings.TrimSuffix(key, "*"), strings.Trim(value, `"`))
}

func (r *settingsReader) include(kind, target string) error {
	if r.open == nil {
		return r.fail("other files cannot be included here")
	}
	if kind == "include" {
		return r.file(target)
	}
	files, err := r.list(target)
	if errors.Is(err, os.ErrNotExist) {
		return nil // as common as it is empty
	} else if err != nil {
		return &SettingsError{Path: r.path, Line: r.line, Err: err}
	}
	for _, f := range files {
		if err := r.file(f); err != nil {
			return err
		}
	}
	return nil
}

func (r *settingsReader) setting(key, value string) error {
	s := r.settings
	switch {
	case r.section == "libdefaults" && len(r.nested) == 0:
		if slices.Contains(r.set, key) {
			return nil // what comes first holds
		}
		r.set = append(r.set, key)
		return r.libdefault(key, value)
	case r.section == "realms" && len(r.nested) == 1 && key == "kdc" && strings.Contains(value, "://"):
		// A proxy that speaks Kerberos over HTTPS, for other programs: the realm's other KDCs serve.
	case r.section == "realms" && len(r.nested) == 1 && key == "kdc":
		address, err := kdcAddress(value)
		if err != nil {
			return r.fail("%q is no host or host:port of a KDC", value)
		}
		at := slices.IndexFunc(s.Realms, func(x RealmSettings) bool { return x.Name == r.nested[0] })
		if at < 0 {
			at, s.Realms = len(s.Realms), append(s.Realms, RealmSettings{Name: r.nested[0]})
		}
		if k := &s.Realms[at].KDCs; len(*k) < maxKDCs && !slices.Contains(*k, address) {
			*k = append(*k, address)
		}
	case r.section == "domain_realm" && len(r.nested) == 0:
		s.Domains = append(s.Domains, [2]string{strings.ToLower(key), value})
	}
	return nil
}

func (r *settingsReader) libdefault(key, value string) (err error) {
	s := r.settings
	switch key {
	case "default_realm":
		s.DefaultRealm = value
	case "udp_preference_limit":
		if s.UDPLimit, err = strconv.Atoi(value); err != nil || s.UDPLimit < 0 {
			return r.fail("udp_preference_limit %q is no number of bytes", value)
		}
	case "clockskew":
		s.Skew, err = krb5Duration(value)
	case "ticket_lifetime":
		s.Life, err = krb5Duration(value)
	case "renew_lifetime":
		s.RenewLife, err = krb5Duration(value)
	}
	if err != nil {
		return r.fail("%s %q is no duration; write 300, 5m or 1d 12h", key, value)
	}
	return nil
}

// kdcAddress adds the port where there is none.
func kdcAddress(value string) (string, error) {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		host, port = strings.Trim(value, "[]"), defaultKDCPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" || strings.ContainsAny(host, " /\t") {
		return "", errors.New("no address")
	}
	return net.JoinHostPort(host, port), nil
}

// maxDuration is more than any ticket lives.
const maxDuration = 10 * 365 * 24 * time.Hour

// krb5Duration reads what MIT does: seconds, h:m, h:m:s, or numbers with d, h, m and s.
func krb5Duration(text string) (d time.Duration, err error) {
	bad := fmt.Errorf("%q is no duration", text)
	if clock := strings.Split(text, ":"); len(clock) == 2 || len(clock) == 3 {
		for i, part := range clock {
			unit := []time.Duration{time.Hour, time.Minute, time.Second}[i]
			n, err := strconv.ParseUint(part, 10, 31)
			if err != nil || time.Duration(n) > (maxDuration-d)/unit {
				return 0, bad
			}
			d += time.Duration(n) * unit
		}
		return d, nil
	}
	rest := strings.ReplaceAll(text, " ", "")
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseUint(rest[:digits], 10, 31)
		if err != nil {
			return 0, bad
		}
		unit := time.Second
		if rest = rest[digits:]; rest != "" {
			switch rest[0] {
			case 'd':
				unit = 24 * time.Hour
			case 'h':
				unit = time.Hour
			case 'm':
				unit = time.Minute
			case 's':
			default:
				return 0, bad
			}
			rest = rest[1:]
		}
		if time.Duration(n) > (maxDuration-d)/unit {
			return 0, bad
		}
		d += time.Duration(n) * unit
	}
	if text == "" {
		return 0, bad
	}
	return d, nil
}

// KDCs are a realm's, in order; nil where the file names none.
func (s *Settings) KDCs(realm string) []string {
	for _, r := range s.Realms {
		if r.Name == realm {
			return r.KDCs
		}
	}
	return nil
}

// RealmOf is the realm of a host by the closest of domain_realm; empty where that says
// nothing. Then MIT asks the KDC of the client's realm, and so does Await.
func (s *Settings) RealmOf(host string) string {
	host = strings.ToLower(host)
	for name := host; name != ""; { // a.b.c, .b.c, b.c, .c, c
		for _, d := range s.Domains {
			if d[0] == name {
				return d[1]
			}
		}
		dot := strings.IndexByte(name, '.')
		switch {
		case dot == 0:
			name = name[1:]
		case dot > 0:
			name = name[dot:]
		default:
			name = ""
		}
	}
	return ""
}
