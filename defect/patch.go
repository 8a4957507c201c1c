// Patches: a defect of our own code as the lines that it changes.
//
// A patch is a text without line numbers. It begins with what the defect is, in lines of
// prose; then
//
//	--- path/of/file.go
//	@@
//	 a line that stays
//	-a line that goes
//	+a line that comes
//
// with as many files and hunks as it takes. The lines of a hunk that stay or go must stand
// in the file exactly once: a patch that no longer says what it is about is an error, and
// so is one that changes nothing.

package defect

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed patches/*.patch
var patches embed.FS

// patchName is the file of a defect's patch.
func patchName(id string) string { return "patches/" + id + ".patch" }

// Patch is a parsed patch.
type Patch struct {
	About string
	Files []PatchedFile
}

// PatchedFile is what a patch does to one file.
type PatchedFile struct {
	Path  string // from the module's root, with slashes
	Hunks []Hunk
}

// Hunk replaces Old, which stands in the file once, by New.
type Hunk struct{ Old, New string }

// PatchError says that a patch cannot be read, or no longer applies.
type PatchError struct {
	Patch string
	Where string // the file that is to be changed, or the line of the patch
	Why   string
}

// Error says it in one sentence.
func (e *PatchError) Error() string { return fmt.Sprintf("patch %s: %s: %s", e.Patch, e.Where, e.Why) }

// hasPatch says whether the defect has a patch of our own code.
func (d *Defect) hasPatch() bool {
	_, err := patches.ReadFile(patchName(d.ID))
	return err == nil
}

// patch reads the defect's patch.
func (d *Defect) patch() (Patch, error) {
	text, err := patches.ReadFile(patchName(d.ID))
	if err != nil {
		return Patch{}, fmt.Errorf("read the patch of defect %s: %w", d.ID, err)
	}
	return ParsePatch(d.ID, string(text))
}

// ParsePatch reads a patch. The error is a *PatchError.
func ParsePatch(name, text string) (Patch, error) {
	var p Patch
	var about []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(why string) (Patch, error) {
			return Patch{}, &PatchError{Patch: name, Where: fmt.Sprintf("line %d", i+1), Why: why}
		}
		switch path, isFile := strings.CutPrefix(line, "--- "); {
		case isFile:
			p.Files = append(p.Files, PatchedFile{Path: path})
		case len(p.Files) == 0:
			about = append(about, line)
		case line == "@@":
			f := &p.Files[len(p.Files)-1]
			f.Hunks = append(f.Hunks, Hunk{})
		case len(p.Files[len(p.Files)-1].Hunks) == 0:
			return fail("expected @@ before the first changed line")
		default:
			f := &p.Files[len(p.Files)-1]
			if !f.Hunks[len(f.Hunks)-1].add(line) {
				return fail("expected a line that begins with a space, - or +")
			}
		}
	}
	p.About = strings.TrimSpace(strings.Join(about, "\n"))
	return p, p.check(name)
}

// add takes one line of the hunk; false where it is none.
func (h *Hunk) add(line string) bool {
	if line == "" { // an empty line that stays, its space lost to an editor
		line = " "
	}
	rest := line[1:] + "\n"
	switch line[0] {
	case ' ':
		h.Old, h.New = h.Old+rest, h.New+rest
	case '-':
		h.Old += rest
	case '+':
		h.New += rest
	default:
		return false
	}
	return true
}

// check refuses a patch that says nothing.
func (p *Patch) check(name string) error {
	if p.About == "" || len(p.Files) == 0 {
		return &PatchError{Patch: name, Where: "the whole", Why: "it has no prose, or no file"}
	}
	for _, f := range p.Files {
		for _, h := range f.Hunks {
			if h.Old == "" || h.Old == h.New {
				return &PatchError{Patch: name, Where: f.Path, Why: "a hunk names no line of the file, or changes nothing"}
			}
		}
		if len(f.Hunks) == 0 || !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return &PatchError{Patch: name, Where: f.Path, Why: "the file has no hunk, or is not one of the module's"}
		}
	}
	return nil
}

// Apply returns the patched text of each file of the module whose root is dir. The error
// is a *PatchError where a hunk does not apply.
func (p *Patch) Apply(name, dir string) (map[string][]byte, error) {
	patched := make(map[string][]byte, len(p.Files))
	for _, f := range p.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("patch %s: read the file to change: %w", name, err)
		}
		text := string(source)
		for i, h := range f.Hunks {
			if n := strings.Count(text, h.Old); n != 1 {
				return nil, &PatchError{Patch: name, Where: f.Path, Why: fmt.Sprintf(
					"the lines of hunk %d stand in the file %d times, not once; bring the patch up to date with the source", i+1, n)}
			}
			text = strings.Replace(text, h.Old, h.New, 1)
		}
		patched[path] = []byte(text)
	}
	return patched, nil
}
