package kerberos

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

const debianSettings = `# as an administrator writes it
[libdefaults]
	default_realm = EXAMPLE.COM
	kdc_timesync = 1
	clockskew = 120
	ticket_lifetime = 1d 2h
	renew_lifetime = 7d
	udp_preference_limit = 1
	default_realm = SECOND.COM

[realms]
	EXAMPLE.COM = {
		kdc = kdc1.example.com
		kdc = kdc2.example.com:1088
		kdc = https://kdcproxy.example.com/KdcProxy
		kdc = [2001:db8::1]:88
		admin_server = kdc1.example.com
		auth_to_local_names = {
			kdc = not.a.kdc
		}
	}
	OTHER.COM = {
		kdc = kdc.other.com
	}

[domain_realm]
	.example.com = EXAMPLE.COM
	gate.example.com = OTHER.COM
	other.com = OTHER.COM

[plugins]
	kpasswd = {
		nothing = here
	}
`

func TestSettings(t *testing.T) {
	s, err := ParseSettings("krb5.conf", []byte(debianSettings))
	require.NoError(t, err)
	require.Equal(t, "EXAMPLE.COM", s.DefaultRealm)
	require.Equal(t, 2*time.Minute, s.Skew)
	require.Equal(t, 26*time.Hour, s.Life)
	require.Equal(t, 7*24*time.Hour, s.RenewLife)
	require.Equal(t, 1, s.UDPLimit)
	require.Equal(t, []string{"kdc1.example.com:88", "kdc2.example.com:1088", "[2001:db8::1]:88"}, s.KDCs("EXAMPLE.COM"))
	require.Empty(t, s.KDCs("NOWHERE.COM"))
	for host, realm := range map[string]string{
		"node1.example.com": "EXAMPLE.COM", "a.b.example.com": "EXAMPLE.COM", "GATE.example.com": "OTHER.COM",
		"host.other.com": "OTHER.COM", "elsewhere.net": "", "localhost": "",
	} {
		require.Equal(t, realm, s.RealmOf(host), host)
	}
}

func TestSettingsRefuse(t *testing.T) {
	for text, words := range map[string]string{
		"[libdefaults\n":                           `line 1: "[libdefaults" is no section`,
		"default_realm = A\n":                      "line 1: the setting \"default_realm\" stands before any section",
		"[realms]\nA = {\n kdc = k\n":              `line 3: ends inside the braces of "A"`,
		"[realms]\n}\n":                            "line 2: a brace closes",
		"[realms]\nA = {\n kdc = k:99999\n}\n":     `line 3: "k:99999" is no host`,
		"[libdefaults]\nudp_preference_limit = x":  "line 2: udp_preference_limit",
		"[libdefaults]\n\nclockskew = soon\n":      "line 3: clockskew \"soon\" is no duration",
		"[libdefaults]\nnonsense\n":                `line 2: "nonsense" is no setting`,
		"include /etc/passwd\n":                    "line 1: other files cannot be included here",
		"[libdefaults]\nrenew_lifetime = 99999d\n": "line 2: renew_lifetime",
	} {
		_, err := ParseSettings("f", []byte(text))
		var wrong *SettingsError
		require.ErrorAs(t, err, &wrong, text)
		require.ErrorContains(t, err, "krb5.conf f "+words)
	}
	_, err := LoadSettings("/no/such/krb5.conf")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// What is included counts, a directory that is missing does not, and circles end.
func TestSettingsInclude(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("d/realm.conf", "[realms]\nA.COM = {\n kdc = one\n}\n")
	write("d/ignored~", "nonsense")
	main := write("main", "includedir "+dir+"/d\nincludedir /no/such/directory\n[libdefaults]\ndefault_realm = A.COM\n")
	s, err := LoadSettings(main)
	require.NoError(t, err)
	require.Equal(t, []string{"one:88"}, s.KDCs("A.COM"))
	circle := write("circle", "include "+dir+"/circle\n")
	_, err = LoadSettings(circle)
	require.ErrorContains(t, err, "include each other")
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"300": 5 * time.Minute, "5m": 5 * time.Minute, "1d12h": 36 * time.Hour, "10:00:00": 10 * time.Hour, "1:30": 90 * time.Minute, "2h 5s": 2*time.Hour + 5*time.Second,
	} {
		got, err := krb5Duration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "x", "5x", "-1", "1:2:3:4", "99999999999", "9999999:00", "d"} {
		_, err := krb5Duration(text)
		require.Error(t, err, text)
	}
}

func TestCacheNames(t *testing.T) {
	t.Setenv("KRB5CCNAME", "")
	for name, want := range map[string]string{"FILE:/a/b": "/a/b", "/a/b": "/a/b", "relative": "relative", "/odd:name": "/odd:name"} {
		got, err := cachePath(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"KCM:", "DIR:/tmp/d", "MEMORY:x", "API:1"} {
		_, err := cachePath(name)
		require.ErrorIs(t, err, ErrSource)
	}
	got, err := cachePath("")
	require.NoError(t, err)
	require.Contains(t, got, "/tmp/krb5cc_")
	t.Setenv("KRB5CCNAME", "FILE:/from/env")
	got, err = cachePath("")
	require.NoError(t, err)
	require.Equal(t, "/from/env", got)
}

// FuzzSettings reads any krb5.conf: an error with its file, or settings within their limits.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(debianSettings))
	f.Add([]byte("[realms]\nA={\nB={\nkdc=x\n}\nkdc=[::1]\n}"))
	f.Add([]byte("[libdefaults]*\nclockskew=1:2:3\nticket_lifetime=\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSettings("fuzz", text)
		if err != nil {
			var wrong *SettingsError
			require.ErrorAs(t, err, &wrong)
			return
		}
		s.RealmOf(string(text))
		for _, r := range s.Realms {
			require.LessOrEqual(t, len(r.KDCs), maxKDCs)
		}
		require.LessOrEqual(t, s.Skew, maxDuration)
	})
}

// FuzzFrame reads any answer over TCP: what is returned arrived, and no more.
func FuzzFrame(f *testing.F) {
	f.Add(binary.BigEndian.AppendUint32(nil, 5))
	f.Add(append(binary.BigEndian.AppendUint32(nil, 5), "hello"...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 4, 0, 1})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		frameBound.Hold(t, len(stream), func() { _, _ = readFrame(bytes.NewReader(stream)) })
		reply, err := readFrame(bytes.NewReader(stream))
		if err != nil {
			require.Nil(t, reply)
			return
		}
		require.Equal(t, stream[4:4+len(reply)], reply)
		require.NotEmpty(t, reply)
		if tooBig(reply) { // reading it as a refusal must not panic
			require.NotErrorIs(t, err, gssapi.ErrInternal)
		}
	})
}

// frameBound is what reading a frame may allocate, whatever length it claims.
var frameBound = allocation.Bound{Base: 4 << 10, PerByte: 8}

// A length that is claimed and does not arrive costs nothing.
func TestFrameAllocatesWhatArrives(t *testing.T) {
	claim := binary.BigEndian.AppendUint32(nil, maxReply)
	frameBound.Hold(t, len(claim), func() {
		_, err := readFrame(bytes.NewReader(claim))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	_, err := readFrame(bytes.NewReader(binary.BigEndian.AppendUint32(nil, maxReply+1)))
	require.ErrorIs(t, err, ErrReply)
}
