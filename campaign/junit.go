// A campaign as JUnit's XML, which build servers show: a test case for the seeds that held,
// one for the canaries, and one for each kind of failure and each situation that was not met.

package campaign

import (
	"encoding/xml"
	"fmt"
	"io"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Failure *junitDetail `xml:"failure,omitempty"`
	Error   *junitDetail `xml:"error,omitempty"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the summary for build servers. replay says how a seed is seen again.
func WriteJUnit(w io.Writer, s *Summary, replay func(Failure) string) error {
	suite := junitSuite{Name: "campaign " + s.Scenario}
	class := fmt.Sprintf("%s.%s.%s.%s", s.Scenario, s.Client, s.Server, s.Auth)
	suite.add(junitCase{Class: class, Name: "seeds that held", Output: fmt.Sprintf("%d of %d seeds", s.Held, s.Seeds)})
	canaries := junitCase{Class: class, Name: "canaries", Output: fmt.Sprintf("%d of %d found", s.Canaries-s.Missed, s.Canaries)}
	switch {
	case s.Missed > 0:
		canaries.Error = &junitDetail{Message: fmt.Sprintf("%d canaries were not found", s.Missed)}
	case s.CanariesRemaining > 0:
		canaries.Error = &junitDetail{Message: fmt.Sprintf("%d canaries are missing", s.CanariesRemaining)}
	case s.Unproven():
		canaries.Error = &junitDetail{Message: "no canary was run"}
	}
	suite.add(canaries)
	for _, f := range s.Failures {
		c := junitCase{Class: class, Name: f.Signature}
		detail := &junitDetail{Message: f.Reason, Text: fmt.Sprintf("%d seeds, the first is %s\n%s\n", f.Count, f.First, replay(f))}
		if f.Bug || f.Canary {
			c.Error = detail
		} else {
			c.Failure = detail
		}
		suite.add(c)
	}
	for _, name := range s.Unmet {
		suite.add(junitCase{Class: class, Name: "situation " + name, Failure: &junitDetail{Message: fmt.Sprintf("never met in %d seeds", s.Seeds)}})
	}
	if s.Remaining > 0 {
		suite.add(junitCase{Class: class, Name: "seeds that were not run", Error: &junitDetail{Message: fmt.Sprintf("%d seeds are missing", s.Remaining)}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
}
