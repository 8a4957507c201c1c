// The twins and TLC: what to run on which module, and what comes out.

// Package tla holds the TLA+ twins of the specifications and runs TLC on them, for the
// same constants as the checker.
package tla

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/model"
)

//go:embed Session.tla Sessions.tla Timeouts.tla Routing.tla
var sources embed.FS

// MissingError says that a program that TLC needs is not there.
type MissingError struct {
	What   string // "Java", "TLC"
	Advice string // what installs it
}

// Error says it in one sentence.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed: %s", e.What, e.Advice)
}

// ErrNoTwin says that a specification has no TLA+ twin.
var ErrNoTwin = errors.New("the specification has no TLA+ twin")

// Tool is an installed TLC.
type Tool struct {
	Java    string // path of the program
	Jar     string // path of tla2tools.jar
	Formula string // that is checked, "" for Spec; others have another fairness
}

// Find returns TLC where docs/spec/tla/install puts it, or at the path in the environment's
// TLC_JAR. The error is a *MissingError.
func Find() (Tool, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return Tool{}, &MissingError{"Java", "TLC needs version 11 or newer, such as Debian's openjdk-17-jre-headless"}
	}
	jar := os.Getenv("TLC_JAR")
	if jar == "" {
		jar = filepath.Join(cacheFolder(), "pegasus-reference", "tlc", "tla2tools.jar")
	}
	if _, err := os.Stat(jar); err != nil {
		return Tool{}, &MissingError{"TLC", "no file " + jar + "; docs/spec/tla/install fetches it, or TLC_JAR is the path of another tla2tools.jar"}
	}
	return Tool{Java: java, Jar: jar}, nil
}

// cacheFolder is the one that the script install uses, on every system.
func cacheFolder() string {
	if folder := os.Getenv("XDG_CACHE_HOME"); folder != "" {
		return folder
	}
	return filepath.Join(os.Getenv("HOME"), ".cache")
}

// Findings of TLC for one assignment of the constants.
type Findings struct {
	Distinct   uint64
	Violations []string // properties
	Elapsed    time.Duration
}

// Check runs TLC on the twin of a specification: once for everything, and where a liveness
// property does not hold, which TLC does not name, again for each of these. properties are
// names of the specification's; constants are those of a model.Report.
func (t Tool) Check(ctx context.Context, spec string, constants map[string]any, properties []string) (Findings, error) {
	start := time.Now()
	twin, ok := twinOf(spec, constants)
	if !ok {
		return Findings{}, fmt.Errorf("%s: %w", spec, ErrNoTwin)
	}
	var states, temporal []string
	for _, name := range properties {
		p, ok := twin.properties[name]
		switch {
		case !ok:
			return Findings{}, fmt.Errorf("%s, property %s: %w", spec, name, ErrNoTwin)
		case p.temporal:
			temporal = append(temporal, name)
		default:
			states = append(states, name)
		}
	}
	found, alive, err := t.checkTogether(ctx, twin, constants, states, temporal)
	if err == nil && !alive {
		var dead []string
		dead, err = t.violated(ctx, twin, constants, temporal)
		found.Violations = append(found.Violations, dead...)
	}
	found.Elapsed = time.Since(start)
	if err != nil {
		return Findings{}, fmt.Errorf("TLC on %s: %w", twin.module, err)
	}
	return found, nil
}

// violated returns which of temporal properties do not hold, of which at least one does
// not: the last is not asked about where all others hold.
func (t Tool) violated(ctx context.Context, twin twin, constants map[string]any, temporal []string) ([]string, error) {
	var list []string
	for i, name := range temporal {
		if i == len(temporal)-1 && len(list) == 0 {
			return append(list, name), nil
		}
		_, alive, err := t.checkTogether(ctx, twin, constants, nil, []string{name})
		if err != nil {
			return nil, err
		}
		if !alive {
			list = append(list, name)
		}
	}
	return list, nil
}

var (
	distinctLine = regexp.MustCompile(`(?m)^\d+ states generated, (\d+) distinct states found, 0 states left on queue\.`)
	brokenLine   = regexp.MustCompile(`(?m)^<<"broken", "(\w+)">>$`)
)

// checkTogether counts the states and judges the properties of states, and says whether all
// temporal ones hold. These are judged when every state is known, so that the rest counts
// whatever comes out. TLC names only the first invariant that a state violates, so that they
// are judged in one that is always true and prints each the first time it is false.
func (t Tool) checkTogether(ctx context.Context, twin twin, constants map[string]any, states, temporal []string) (Findings, bool, error) {
	operators := []string{"TypeOK"}
	for _, name := range states {
		operators = append(operators, twin.properties[name].operator)
	}
	config := t.configuration(constants) + "INVARIANTS Judged\n"
	for _, name := range temporal {
		config += "PROPERTY " + twin.properties[name].operator + "\n"
	}
	output, err := t.run(ctx, twin, judge(operators), config)
	if err != nil {
		return Findings{}, false, err
	}
	var broken []string
	for _, match := range brokenLine.FindAllSubmatch(output, -1) {
		broken = append(broken, string(match[1]))
	}
	if slices.Contains(broken, "TypeOK") {
		return Findings{}, false, fmt.Errorf("the twin is wrong: %s violates TypeOK", twin.module)
	}
	var found Findings
	for _, name := range states {
		if p := twin.properties[name]; slices.Contains(broken, p.operator) != p.negated {
			found.Violations = append(found.Violations, name)
		}
	}
	counts := distinctLine.FindSubmatch(output)
	if counts == nil {
		return Findings{}, false, fmt.Errorf("it did not say how many states there are\n%s", tail(output))
	}
	found.Distinct, err = strconv.ParseUint(string(counts[1]), 10, 64)
	return found, !bytes.Contains(output, []byte("Temporal properties were violated")), err
}

// judge defines the invariant that prints which operators are false somewhere.
func judge(operators []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ASSUME \\A i \\in 1..%d : TLCSet(i, 0)\n", len(operators))
	b.WriteString("Note(i, name, ok) == ok \\/ TLCGet(i) = 1 \\/ (TLCSet(i, 1) /\\ PrintT(<<\"broken\", name>>))\nJudged ==\n")
	for i, operator := range operators {
		fmt.Fprintf(&b, "  /\\ Note(%d, %q, %s)\n", i+1, operator, operator)
	}
	return b.String()
}

// run runs TLC once, in a folder of its own.
func (t Tool) run(ctx context.Context, twin twin, definitions, config string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "tlc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.CopyFS(folder, sources); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"Judge.tla": "---- MODULE Judge ----\nEXTENDS " + twin.module + ", TLC\n" + definitions + "====\n",
		"Judge.cfg": config,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	command := exec.CommandContext(ctx, t.Java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir="+folder,
		"-cp", t.Jar, "tlc2.TLC", "-deadlock", "-workers", "1", "-lncheck", "final", "-config", "Judge.cfg", "Judge.tla")
	command.Dir = folder
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// TLC exits with 0, 12 (safety) or 13 (liveness); all else means that it did not check.
	if code := command.ProcessState.ExitCode(); code != 0 && code != 12 && code != 13 {
		return nil, fmt.Errorf("it did not check: %w\n%s", err, tail(output))
	}
	return output, nil
}

func tail(output []byte) []byte { return output[max(0, len(output)-2000):] }

// configuration writes the constants as TLC reads them.
func (t Tool) configuration(constants map[string]any) string {
	names := make([]string, 0, len(constants))
	for name := range constants {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "SPECIFICATION %s\nCONSTANTS\n", cmp.Or(t.Formula, "Spec"))
	for _, name := range names {
		fmt.Fprintf(&b, "  %s = %s\n", name, inTLA(name, constants[name]))
	}
	return b.String()
}

// inTLA writes a value. A constant that is a set is written with + between its elements.
func inTLA(name string, value any) string {
	switch v := value.(type) {
	case string:
		if name != model.DefectsConstant {
			return strconv.Quote(v)
		}
		if v == "none" {
			return "{}"
		}
		return `{"` + strings.ReplaceAll(v, "+", `", "`) + `"}`
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	}
	return fmt.Sprint(value)
}

// Differences says what TLC found otherwise than the checker did; nothing if they agree.
func Differences(report *model.Report, found Findings) []string {
	var list []string
	if report.Distinct != found.Distinct {
		list = append(list, fmt.Sprintf("distinct states: checker %d, TLC %d", report.Distinct, found.Distinct))
	}
	for _, name := range report.Judged {
		ours, theirs := slices.Contains(report.Violations, name), slices.Contains(found.Violations, name)
		if ours != theirs {
			list = append(list, fmt.Sprintf("%s: checker %s, TLC %s", name, verdict(ours), verdict(theirs)))
		}
	}
	return list
}

func verdict(violated bool) string {
	if violated {
		return "violated"
	}
	return "held"
}
