package kernels

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// compileSimilar reads a pattern of SIMILAR TO (SQL:1999, 8.6) as a regular
// expression for the whole of a text: % is any text and _ any character, | * + ?
// {m,n} and parentheses are what they are in one, [...] is a character of a list,
// with ranges, [:alpha:] and the like, and ^ in front for all others. Everything
// else stands for itself, and so does what follows the escape, if that is not
// empty.
func compileSimilar(text, escape string) (*pattern, error) {
	if utf8.RuneCountInString(escape) > 1 {
		return nil, errorf(CodePattern, "ESCAPE %q is not one character", escape)
	}
	s := similar{rest: text, escape: escape}
	s.out.WriteString(`(?s)\A(?:`)
	for s.rest != "" && s.bad == "" {
		s.next()
	}
	s.out.WriteString(`)\z`)
	if s.bad == "" && s.open > 0 {
		s.bad = "a ( has no )"
	}
	if s.bad == "" {
		re, err := regexp.Compile(s.out.String())
		if err == nil {
			return newPattern(re), nil
		}
		s.bad = strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return nil, errorf(CodePattern, "SIMILAR TO %q: %s", cut(text), s.bad)
}

// similar is a pattern of SIMILAR TO while it is read.
type similar struct {
	rest, escape string
	out          strings.Builder
	open         int    // parentheses
	operand      bool   // there is something that * can repeat
	bad          string // why it is no pattern
}

// char takes a character; plain tells that the escape stood before it.
func (s *similar) char() (c string, plain bool) {
	take := func() string {
		_, size := utf8.DecodeRuneInString(s.rest)
		c := s.rest[:size]
		s.rest = s.rest[size:]
		return c
	}
	if c = take(); c != s.escape {
		return c, false
	}
	if s.rest == "" {
		s.bad = "it ends with its escape character"
		return "", true
	}
	return take(), true
}

// next translates the next part of the pattern.
func (s *similar) next() {
	c, plain := s.char()
	if plain {
		s.out.WriteString(regexp.QuoteMeta(c))
		s.operand = true
		return
	}
	switch c {
	case "*", "+", "?", "{":
		if !s.operand {
			s.bad = c + " has nothing to repeat"
			return
		}
		if c == "{" {
			times, rest, ok := strings.Cut(s.rest, "}")
			if !ok || strings.Trim(times, "0123456789,") != "" || times == "" || times[0] == ',' {
				s.bad = "{ is not followed by numbers and }"
				return
			}
			c, s.rest = "{"+times+"}", rest
		}
		s.out.WriteString(c)
		s.operand = false
		return
	case "|":
		s.out.WriteString(c)
		s.operand = false
		return
	case "(":
		s.out.WriteString("(?:")
		s.open++
		s.operand = false
		return
	case ")":
		if s.open--; s.open < 0 {
			s.bad = "a ) has no ("
		}
		s.out.WriteString(c)
	case "%":
		s.out.WriteString("(?:.*)")
	case "_":
		s.out.WriteString(".")
	case "[":
		s.list()
	default:
		s.out.WriteString(regexp.QuoteMeta(c))
	}
	s.operand = true
}

// list translates what follows a [.
func (s *similar) list() {
	s.out.WriteString("[")
	if rest, ok := strings.CutPrefix(s.rest, "^"); ok {
		s.out.WriteString("^")
		s.rest = rest
	}
	for n := 0; s.rest != "" && s.bad == ""; n++ {
		if strings.HasPrefix(s.rest, "[:") {
			if name, rest, ok := strings.Cut(s.rest[2:], ":]"); ok {
				s.out.WriteString("[:" + name + ":]")
				s.rest = rest
				continue
			}
		}
		switch c, plain := s.char(); {
		case plain && c == "-":
			s.out.WriteString(`\-`)
		case plain:
			s.out.WriteString(regexp.QuoteMeta(c))
		case c == "]" && n > 0:
			s.out.WriteString(c)
			return
		case c == "^":
			s.bad = "a ^ in [...] is not in front" // the standard takes characters away by it
		case c == "-":
			s.out.WriteString(c)
		default:
			s.out.WriteString(regexp.QuoteMeta(c))
		}
	}
	if s.bad == "" {
		s.bad = "a [ has no ]"
	}
}

func bindSimilar(f *Function, args []Arg) (*Binding, error) {
	b, err := scalar(boolType, nil, textType)(f, args)
	if err != nil {
		return nil, err
	}
	if text, escape, ok := escapedPattern(args); ok {
		constant, err := compileSimilar(text, escape)
		if err != nil {
			return nil, err
		}
		b.Kernel = regexpLike(constant)
	} else {
		b.Kernel, b.Fails = matchEach(compileSimilar), true
	}
	b.keepDictionaries(args)
	return b, nil
}
