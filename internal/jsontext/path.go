package jsontext

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Path is a way from the top of a JSON text to one value in it.
type Path []step

// step enters a member of an object, or an element of an array.
type step struct {
	name  string
	index int // -1: the step is a name
}

// maxSteps bounds the length of a path.
const maxSteps = maxDepth

// ParsePath reads $ followed by steps: .name, ['name'], ["name"] and [n], where
// n counts from 0. The words lax and strict in front have no meaning here.
func ParsePath(text string) (Path, error) {
	s := strings.TrimSpace(text)
	for _, mode := range []string{"lax ", "strict "} {
		s = strings.TrimSpace(strings.TrimPrefix(s, mode))
	}
	bad := func(why string) (Path, error) { return nil, fmt.Errorf("JSON path %q: %s", text, why) }
	s, ok := strings.CutPrefix(s, "$")
	if !ok {
		return bad("it does not start with $")
	}
	var p Path
	for s != "" {
		if len(p) == maxSteps {
			return bad("too many steps")
		}
		var next step
		var err error
		switch s[0] {
		case '.':
			next, s, err = nameStep(s[1:])
		case '[':
			next, s, err = bracketStep(s[1:])
		default:
			err = fmt.Errorf("%q where . or [ is expected", s)
		}
		if err != nil {
			return bad(err.Error())
		}
		p = append(p, next)
	}
	return p, nil
}

// Member is the path of a member of an object.
func Member(name string) Path { return Path{{name, -1}} }

// Element is the path of an element of an array, counted from 0.
func Element(n int) Path { return Path{{index: n}} }

func nameStep(s string) (step, string, error) {
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	switch name := s[:end]; {
	case name == "":
		return step{}, s, errors.New("a step without a name")
	case name == "*":
		return step{}, s, errors.New("* is not supported")
	default:
		return step{name, -1}, s[end:], nil
	}
}

func bracketStep(s string) (step, string, error) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		name, rest, ok := strings.Cut(s[1:], s[:1]+"]")
		if !ok {
			return step{}, s, errors.New("a name in brackets does not end")
		}
		return step{name, -1}, rest, nil
	}
	number, rest, ok := strings.Cut(s, "]")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil || !ok {
		return step{}, s, fmt.Errorf("[%s is no position in an array", s)
	}
	return step{index: int(n)}, rest, nil
}

// Find is the JSON of the value at p in the text b, without blanks around it;
// found is false if there is none. Of members with one name the last counts.
// All of b must be JSON.
func (p Path) Find(b []byte) (value []byte, found bool, err error) {
	s := scanner{b: b}
	value, found, err = s.find(p, 0)
	if err == nil {
		err = s.end()
	}
	return value, found && err == nil, err
}

func (s *scanner) find(p Path, depth int) (value []byte, found bool, err error) {
	first := s.space()
	if len(p) == 0 {
		from := s.i
		if err := s.skip(depth); err != nil {
			return nil, false, err
		}
		return s.b[from:s.i], true, nil
	}
	named := p[0].index < 0
	if named && first != '{' || !named && first != '[' {
		return nil, false, s.skip(depth)
	}
	if depth >= maxDepth {
		return nil, false, errDepth
	}
	s.i++
	if s.space() == first+2 { // ] follows [ and } follows { in ASCII, one apart
		s.i++
		return nil, false, nil
	}
	for k := 0; ; k++ {
		hit := k == p[0].index
		if named {
			raw, escaped, err := s.key()
			if err != nil {
				return nil, false, err
			}
			if escaped {
				raw = unescape(nil, raw)
			}
			hit = string(raw) == p[0].name
		}
		if hit {
			value, found, err = s.find(p[1:], depth+1)
		} else {
			err = s.skip(depth + 1)
		}
		if err != nil {
			return nil, false, err
		}
		if done, err := s.next(first + 2); done || err != nil {
			return value, found && err == nil, err
		}
	}
}

// AppendText appends the text of a checked JSON value: that of a string without
// quotes and escapes, others as they are.
func AppendText(dst, value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return append(dst, value...)
	}
	return unescape(dst, value[1:len(value)-1])
}
