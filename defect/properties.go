// The engine properties: a core's own property test, with the defect built in.

package defect

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Properties runs a property test with random cases of a fixed seed. The control is the
// source as it stands.
type Properties struct {
	Package string // from the module's root: ./client/session
	Test    string
	Cases   int
}

// Engine returns EngineProperties.
func (p Properties) Engine() string { return EngineProperties }

// Command is the trial itself: it takes a build.
func (p Properties) Command(id string, _ *Finding) string { return ownCommand(id, EngineProperties) }

func (p Properties) controlled(*Defect) string {
	return fmt.Sprintf("%s %s %s", EngineProperties, p.Package, p.Test)
}

// controlCases bounds what a control runs: .ci/nightly runs every property on more.
const controlCases = 500

// failed finds in a test's output after how many cases rapid failed, and with what words.
var failed = regexp.MustCompile(`\[rapid\] (?:failed|panic) after (\d+) tests?: (.*)`)

// message is what an assertion says of itself.
var message = regexp.MustCompile(`(?m)^\s*Messages:(.*)$`)

func (p Properties) run(ctx context.Context, lab *laboratory, d *Defect, control bool) (Finding, error) {
	cases := p.Cases
	if control {
		cases = min(cases, controlCases)
	}
	overlay, err := lab.overlay(ctx, d, control)
	if err != nil {
		return Finding{}, err
	}
	args := append(append([]string{"test"}, overlay...), "-count=1", "-timeout", "10m", "-run", "^"+p.Test+"$", p.Package,
		"-rapid.seed=1", "-rapid.checks="+strconv.Itoa(cases), "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	out, err := command(ctx, lab.root, "go", args...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return Finding{Count: uint64(cases), What: "no case fails"}, nil
	case !errors.As(err, &exit):
		return Finding{}, err
	}
	match := failed.FindStringSubmatch(string(out))
	if match == nil {
		return Finding{}, fmt.Errorf("the property test of %s with defect %s ended without a failed case: %w\n%s", p.Package, d.ID, err, out[:min(len(out), maxTold)])
	}
	passed, err := strconv.ParseUint(match[1], 10, 64)
	if err != nil {
		return Finding{}, fmt.Errorf("read after how many cases the property test failed: %w", err)
	}
	f := Finding{Found: true, Property: p.Test, Count: passed + 1, What: "a check of " + strings.TrimPrefix(p.Package, "./") + " fails"}
	if said := message.FindSubmatch(out); said != nil {
		f.What = strings.TrimSpace(string(said[1]))
	}
	for _, property := range d.Properties {
		if strings.Contains(f.What, property) {
			f.Property = property
		}
	}
	return f, nil
}
