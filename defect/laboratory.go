// The laboratory: where patched code is built and run.

package defect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is the module whose source is patched.
const module = "github.com/a8011091/pegasus-reference"

// ErrNoSource is wrapped where the matrix is run outside the module's source: patched code
// is built from it.
var ErrNoSource = errors.New("defects of our own code are patches that are built from source: run this in a checkout of " + module + ", with the go command installed")

// laboratory builds patched code in a directory of its own, once something has to be built.
type laboratory struct {
	root     string // of the module; "" before anything was built
	dir      string // scratch
	overlays map[string]string
	probes   map[string]string
	controls map[string]Finding // by Trial.controlled
}

func newLaboratory() *laboratory {
	return &laboratory{overlays: make(map[string]string), probes: make(map[string]string), controls: make(map[string]Finding)}
}

// open finds the module's source from the current directory on, and makes the scratch
// directory, unless that is done.
func (l *laboratory) open(ctx context.Context) error {
	if l.root != "" {
		return nil
	}
	out, err := command(ctx, "", "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSource, err)
	}
	path, root, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if path != module {
		return ErrNoSource
	}
	if l.dir, err = os.MkdirTemp("", "pegasus-defect-"); err != nil {
		return fmt.Errorf("make a directory to build in: %w", err)
	}
	l.root = root
	return nil
}

// close removes what was built.
func (l *laboratory) close() error {
	if l.dir == "" {
		return nil
	}
	return os.RemoveAll(l.dir)
}

// overlay returns the arguments that lay the defect's patch over the source: none for the
// control, which is the source as it stands.
func (l *laboratory) overlay(ctx context.Context, d *Defect, control bool) ([]string, error) {
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	if control {
		return nil, nil
	}
	if at, ok := l.overlays[d.ID]; ok {
		return []string{"-overlay", at}, nil
	}
	p, err := d.patch()
	if err != nil {
		return nil, err
	}
	files, err := p.Apply(d.ID, l.root)
	if err != nil {
		return nil, err
	}
	replace := make(map[string]string, len(files))
	for path, text := range files {
		at := filepath.Join(l.dir, fmt.Sprintf("%s-%d-%s", d.ID, len(replace), filepath.Base(path)))
		if err := os.WriteFile(at, text, 0o600); err != nil {
			return nil, fmt.Errorf("write patched source: %w", err)
		}
		replace[path] = at
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, fmt.Errorf("write the overlay of defect %s: %w", d.ID, err)
	}
	at := filepath.Join(l.dir, d.ID+".json")
	if err := os.WriteFile(at, text, 0o600); err != nil {
		return nil, fmt.Errorf("write the overlay of defect %s: %w", d.ID, err)
	}
	l.overlays[d.ID] = at
	return []string{"-overlay", at}, nil
}

// probe runs defect/probe, built with the defect or without.
func (l *laboratory) probe(ctx context.Context, d *Defect, control bool, args ...string) (Finding, error) {
	name := d.ID
	if control {
		name = "control"
	}
	bin, ok := l.probes[name]
	if !ok {
		overlay, err := l.overlay(ctx, d, control)
		if err != nil {
			return Finding{}, err
		}
		bin = filepath.Join(l.dir, "probe-"+name)
		build := append(append([]string{"build"}, overlay...), "-o", bin, "./defect/probe")
		if _, err := command(ctx, l.root, "go", build...); err != nil {
			return Finding{}, fmt.Errorf("build with defect %s: %w", name, err)
		}
		l.probes[name] = bin
	}
	out, err := command(ctx, l.root, bin, args...)
	if err != nil {
		return Finding{}, fmt.Errorf("run with defect %s: %w", name, err)
	}
	var f Finding
	if err := json.Unmarshal(out, &f); err != nil {
		return Finding{}, fmt.Errorf("read what the probe with defect %s found: %w", name, err)
	}
	return f, nil
}

// maxTold is how much of a failed command's output an error repeats.
const maxTold = 2000

// command runs a program and returns its standard output. The error tells what it said.
func command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), ctx.Err())
		}
		told := said.Bytes()
		return out.Bytes(), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, told[:min(len(told), maxTold)])
	}
	return out.Bytes(), nil
}
