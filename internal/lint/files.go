// Rules about files as text: length, a word on top, no unfinished work without an
// issue. They see every Go file, whatever its build constraints.

package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// unfinished matches a marker of work that is left; reference, one that names an issue.
var (
	unfinished = regexp.MustCompile(`\b(?i:` + "to" + `do|` + "fix" + `me|xxx)\b`)
	reference  = regexp.MustCompile(`#[0-9]+`)
)

// checkFiles reads every Go file below dir. It opens every directory itself, so that
// the test cache notices a file that was added.
func checkFiles(dir string) ([]Finding, error) {
	var findings []Finding
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != dir && (entry.Name() == "testdata" || entry.Name() == "vendor" || strings.HasPrefix(entry.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		found, err := checkFile(path)
		findings = append(findings, found...)
		return err
	})
	return findings, err
}

func checkFile(path string) ([]Finding, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil || err != nil {
		return nil, nil // the package does not compile, and is reported for it
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}
	findings := checkWords(fset, file)
	if strings.HasSuffix(path, "_test.go") {
		return findings, nil
	}
	if bytes.Count(source, []byte{'\n'}) > maxFileLines {
		findings = append(findings, Finding{Pos: token.Position{Filename: path, Line: 1}, Rule: RuleSize,
			Message: "the file is over 700 lines, so it is about more than one thing" + advice + "split it by what its parts are about"})
	}
	if len(file.Comments) == 0 || file.Comments[0].Pos() > file.Package {
		findings = append(findings, Finding{Pos: fset.Position(file.Package), Rule: RuleDoc,
			Message: "the file does not say what it is about" + advice + "begin it with a comment that does"})
	}
	return findings, nil
}

func checkWords(fset *token.FileSet, file *ast.File) []Finding {
	var findings []Finding
	for _, group := range file.Comments {
		for _, comment := range group.List {
			word := unfinished.FindString(comment.Text)
			if word == "" || reference.MatchString(comment.Text) {
				continue
			}
			findings = append(findings, Finding{Pos: fset.Position(comment.Pos()), Rule: RuleUnfinished,
				Message: "a comment says " + word + " and names no issue" + because + "nobody will find it again" + advice + "finish it, or open an issue and write its number"})
		}
	}
	return findings
}
