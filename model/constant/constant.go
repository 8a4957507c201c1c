// Constants of a specification by name: read, written and described.

// Package constant gives the constants of a specification their names, as the TLA+ twin
// has them, so that they can be set from words and shown.
package constant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Error says that a constant does not exist or cannot have a value.
type Error struct {
	Spec  string // the specification
	Name  string
	Value string
	Want  string   // what the value should be; "" where there is no such constant
	Valid []string // names of all constants, or all values if they can be listed
}

// Error says it in one sentence.
func (e *Error) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("the %s specification has no constant %q", e.Spec, e.Name)
	}
	return fmt.Sprintf("constant %s cannot be %q: it must be %s", e.Name, e.Value, e.Want)
}

// Info describes a constant.
type Info struct {
	Name   string
	Want   string   // what its values are
	Values []string // all of them where they can be listed
}

// Of is one constant of C.
type Of[C any] struct {
	Info
	get func(*C) any
	set func(*C, string) bool
}

// Number is a constant from low to high.
func Number[C any](name string, low, high int, field func(*C) *int) Of[C] {
	return Of[C]{
		Info: Info{Name: name, Want: fmt.Sprintf("a number from %d to %d", low, high)},
		get:  func(c *C) any { return *field(c) },
		set: func(c *C, value string) bool {
			n, err := strconv.Atoi(value)
			if err != nil || n < low || n > high {
				return false
			}
			*field(c) = n
			return true
		},
	}
}

// Choice is a constant with one of some words as value.
func Choice[C any, T ~string](name string, field func(*C) *T, values ...T) Of[C] {
	words := make([]string, 0, len(values))
	for _, v := range values {
		words = append(words, string(v))
	}
	return Of[C]{
		Info: Info{Name: name, Want: oneOf(words), Values: words},
		get:  func(c *C) any { return string(*field(c)) },
		set: func(c *C, value string) bool {
			if !slices.Contains(words, value) {
				return false
			}
			*field(c) = T(value)
			return true
		},
	}
}

// Truth is a constant that is true or false, or, as TLA+ has it, TRUE or FALSE.
func Truth[C any](name string, field func(*C) *bool) Of[C] {
	return Of[C]{
		Info: Info{Name: name, Want: "true or false", Values: []string{"true", "false"}},
		get:  func(c *C) any { return *field(c) },
		set: func(c *C, value string) bool {
			switch value {
			case "true", "TRUE":
				*field(c) = true
			case "false", "FALSE":
				*field(c) = false
			default:
				return false
			}
			return true
		},
	}
}

// None is the word for an empty Set.
const None = "none"

// Set is a constant that is a set of words, bit i of which is the i-th of them. As a
// value it is written as the words with + between them.
func Set[C any](name string, field func(*C) *uint32, words ...string) Of[C] {
	return Of[C]{
		Info: Info{Name: name, Want: None + ", or, with + between them, of " + oneOf(words), Values: append([]string{None}, words...)},
		get: func(c *C) any {
			var in []string
			for i, w := range words {
				if *field(c)&(1<<i) != 0 {
					in = append(in, w)
				}
			}
			if len(in) == 0 {
				return None
			}
			return strings.Join(in, "+")
		},
		set: func(c *C, value string) bool {
			bits := uint32(0)
			for w := range strings.SplitSeq(value, "+") {
				at := slices.Index(words, w)
				if w == None && value == None {
					continue
				}
				if at < 0 {
					return false
				}
				bits |= 1 << at
			}
			*field(c) = bits
			return true
		},
	}
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// List is every constant of a specification.
type List[C any] struct {
	Spec string
	All  []Of[C]
}

// Describe returns what each constant is.
func (l List[C]) Describe() []Info {
	list := make([]Info, 0, len(l.All))
	for _, k := range l.All {
		list = append(list, k.Info)
	}
	return list
}

// Set changes one constant by name. The error is an *Error.
func (l List[C]) Set(c *C, name, value string) error {
	names := make([]string, 0, len(l.All))
	for _, k := range l.All {
		if k.Name != name {
			names = append(names, k.Name)
			continue
		}
		if !k.set(c, value) {
			return l.wrong(k, value)
		}
		return nil
	}
	return &Error{Spec: l.Spec, Name: name, Value: value, Valid: names}
}

func (l List[C]) wrong(k Of[C], value string) *Error {
	return &Error{Spec: l.Spec, Name: k.Name, Value: value, Want: k.Want, Valid: slices.Clone(k.Values)}
}

// Values returns the constants by name: int, string or bool.
func (l List[C]) Values(c C) map[string]any {
	values := make(map[string]any, len(l.All))
	for _, k := range l.All {
		values[k.Name] = k.get(&c)
	}
	return values
}

// Check says which value is wrong; nil if none is. The error is an *Error.
func (l List[C]) Check(c C) error {
	for _, k := range l.All {
		value := fmt.Sprint(k.get(&c))
		if !k.set(&c, value) {
			return l.wrong(k, value)
		}
	}
	return nil
}
