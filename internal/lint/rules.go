// The rules as data: the layout with its arrows, which packages are cores, and what
// a core may import and call.

package lint

import (
	"slices"
	"strings"
)

// Rules say what a module's packages may do. Paths are relative to the module and
// cover what lies below them.
type Rules struct {
	Layout []string    // from top to bottom: a package imports only what stands below its own line
	Apart  [][2]string // the first never imports the second, wherever they stand
	Alone  []string    // imports nothing of the module but what lies below it
	Cores  []Core
	Exempt []string // where generated packages are: only what a core reaches of them is read, and only for what it calls
}

// Core is a sans-IO package and what it may use beyond the common list.
type Core struct {
	Path      string
	BelowOnly bool                // the package at Path itself is no core, those below it are
	Drivers   []string            // below Path, and no cores
	Allowed   map[string][]string // import path -> names, as in allowedEverywhere
}

// Project is the layout and the cores of this repository; docs/architecture.md draws it.
func Project() Rules {
	return Rules{
		Layout: []string{
			"internal/lint",
			"internal/kdctest",
			"internal/allocation",
			"bench/checker",
			"cmd/simulate",
			"defect",
			"ablation",
			"docs/spec/tla",
			"explore",
			"campaign",
			"shrink",
			"conformance",
			"sim",
			"sim/world",
			"sim/upstream",
			"sim/exhaustive",
			"report",
			"linearizability",
			"metrics",
			"client/probe",
			"client",
			"client/routing",
			"client/session",
			"server",
			"server/node",
			"server/meta",
			"server/replica",
			"kerberos/realm",
			"kerberos/kdc",
			"kerberos",
			"sasl/gssapi",
			"sasl/ticket",
			"sasl",
			"trace",
			"protocol",
			"model",
			"model/constant",
			"model/check",
			"page",
			"internal/processgroup",
			"internal/filelock",
			"internal/wholefile",
		},
		Apart: [][2]string{
			{"client", "server"}, {"server", "client"},
			{"sim/upstream", "client"}, {"sim/upstream", "server"},
		},
		Alone: []string{"model"},
		Cores: []Core{
			{Path: "client/session"},
			{Path: "client/routing"},
			{Path: "server/node"},
			{Path: "server/meta"},
			{Path: "server/replica"},
			{Path: "sasl/gssapi", Allowed: kerberosNames},
			{Path: "sasl/ticket", Allowed: map[string][]string{"time": {"Time.Format"}}},
			{Path: "sasl", Allowed: map[string][]string{
				"crypto/hmac": {"*"}, "crypto/sha256": {"*"}, "crypto/subtle": {"*"}, "hash": {"*"},
			}},
			{Path: "protocol", Allowed: map[string][]string{"hash/crc64": {"*"}}},
			{Path: "protocol/idl", Allowed: map[string][]string{
				"context":                                {"Context.*", "Background"}, // readers and writers want one; it carries nothing
				"github.com/apache/thrift/lib/go/thrift": thriftNames,
			}},
			{Path: "sim/upstream", Drivers: []string{"sim/upstream/recording"}},
			{Path: "model", BelowOnly: true, Drivers: []string{"model/check"}},
		},
		Exempt: []string{"protocol/idl"},
	}
}

// thriftNames is the part of the Thrift library that reads and writes memory.
var thriftNames = []string{
	"TProtocol.*", "TTransport.*", "TStruct.*", "TBinaryProtocol.*", "TMemoryBuffer.*", "TConfiguration.*",
	"NewTBinaryProtocolConf", "NewTMemoryBuffer", "NewTMemoryBufferLen", "NewStreamTransportR", "NewStreamTransportW",
	"NewTProtocolException", "NewTProtocolExceptionWithType", "PrependError", "SkipDefaultDepth", "Skip",
}

// kerberosNames is what the mechanism needs: hashes, DER, and the part of gokrb5 that is a
// function of its arguments. Its EncryptMessage, and all that calls it, draws its own
// confounder and is left out, as is whatever asks a clock.
var kerberosNames = map[string][]string{
	"crypto/sha256":                                {"*"},
	"crypto/subtle":                                {"*"},
	"golang.org/x/crypto/cryptobyte":               {"*"},
	"golang.org/x/crypto/cryptobyte/asn1":          {"*"},
	"github.com/jcmturner/gokrb5/v8/crypto":        {"GetEtype"},
	"github.com/jcmturner/gokrb5/v8/keytab":        {"Keytab.Unmarshal"},
	"runtime/debug":                                {"Stack"}, // of a recovered panic; decides nothing
	"time":                                         {"Time.Format"},
	"github.com/jcmturner/gokrb5/v8/crypto/common": {"GetUsageKe", "GetIntegrityHash"},
	"github.com/jcmturner/gokrb5/v8/crypto/etype": {
		"EType.DeriveKey", "EType.EncryptData", "EType.DecryptMessage", "EType.GetChecksumHash", "EType.VerifyChecksum",
		"EType.StringToKey", "EType.GetDefaultStringToKeyParams",
	},
}

// allowedEverywhere is what every core may use of the standard library: functions of
// their arguments and nothing else. A name is a function, a variable, or
// Type.Method; "Type.*" is every method, "*" everything, "-Name" takes one out again.
// Types and constants are always allowed.
var allowedEverywhere = map[string][]string{
	"bytes":           {"*"},
	"cmp":             {"*"},
	"container/heap":  {"*"},
	"encoding/binary": {"*", "-Read", "-Write"},
	"encoding/hex":    {"*"},
	"errors":          {"*"},
	"fmt": {"Errorf", "Sprintf", "Sprint", "Sprintln", "Append", "Appendf", "Appendln",
		"Fprint", "Fprintf", "Fprintln", "Stringer.*", "State.*", "Formatter.*"},
	"io":        {"*", "-Pipe", "-PipeReader.*", "-PipeWriter.*"},
	"iter":      {"-Pull", "-Pull2"},
	"maps":      {"Clone", "Copy", "Equal", "Keys", "Values"}, // Keys and Values only where sorted, see maporder.go
	"math":      {},                                           // constants; its functions are of floating point
	"math/bits": {"*"},
	"net/netip": {"*"},
	"slices":    {"*"},
	"sort":      {"*"},
	"strconv":   {"*", "-ParseFloat", "-FormatFloat", "-AppendFloat"},
	"strings":   {"*"},
	"time": {
		"Date", "Unix", "UnixMilli", "UnixMicro", "UTC",
		"Time.Add", "Time.Sub", "Time.After", "Time.Before", "Time.Compare", "Time.Equal", "Time.IsZero",
		"Time.Unix", "Time.UnixNano", "Time.UnixMicro", "Time.UnixMilli", "Time.UTC", "Time.Truncate", "Time.Round",
		"Duration.*", "-Duration.Hours", "-Duration.Minutes", "-Duration.Seconds",
	},
	"unicode":      {"*"},
	"unicode/utf8": {"*"},
	"":             {"error.*"}, // the universe
}

// within says whether path is prefix or lies below it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// withinAny says whether path is one of prefixes or lies below one.
func withinAny(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return within(path, prefix) })
}

// core finds the core that path belongs to: the closest above it.
func (r Rules) core(path string) (Core, bool) {
	var best Core
	found := false
	for _, core := range r.Cores {
		if within(path, core.Path) && len(core.Path) > len(best.Path) {
			best, found = core, true
		}
	}
	if !found || withinAny(path, best.Drivers) || path == best.Path && best.BelowOnly {
		return Core{}, false
	}
	return best, true
}

// rank is path's line in the layout, the closest above it.
func (r Rules) rank(path string) (int, bool) {
	best, length := 0, -1
	for i, line := range r.Layout {
		if within(path, line) && len(line) > length {
			best, length = i, len(line)
		}
	}
	return best, length >= 0
}

// imports says whether the core may import the foreign package path.
func (c Core) imports(path string) bool {
	_, own := c.Allowed[path]
	_, everywhere := allowedEverywhere[path]
	return own || everywhere
}

// allows says whether the core may use name, a function, variable or Type.Method, of
// the foreign package path.
func (c Core) allows(path, name string) bool {
	return named(c.Allowed[path], name) || named(allowedEverywhere[path], name)
}

func named(names []string, name string) bool {
	receiver, _, isMethod := strings.Cut(name, ".")
	matches := func(pattern string) bool {
		return pattern == "*" || pattern == name || isMethod && pattern == receiver+".*"
	}
	allowed := false
	for _, pattern := range names {
		if out, ok := strings.CutPrefix(pattern, "-"); ok {
			allowed = allowed && !matches(out)
		} else {
			allowed = allowed || matches(pattern)
		}
	}
	return allowed
}
