package kernels

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// pattern is a compiled regular expression. Most patterns of queries take a part
// out of a text by what stands around it, such as (&|^)id=([^&]*): they are
// matched by a [path], which searches for the text in the pattern. Others go
// through package regexp, after a search for a text without which there is no
// match. Results are those of package regexp in every case.
type pattern struct {
	*regexp.Regexp
	path *path
	need []byte // part of every match; empty if nothing is known
}

func newPattern(re *regexp.Regexp) *pattern {
	p := &pattern{Regexp: re}
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return p // re has other flags
	}
	tree = tree.Simplify()
	p.path = newPath(tree)
	p.need = []byte(required(tree))
	return p
}

// match reports whether s has a match.
func (p *pattern) match(s []byte) bool {
	if p.path != nil {
		_, _, ok := p.path.find(s, 0)
		return ok
	}
	return (len(p.need) == 0 || bytes.Contains(s, p.need)) && p.Match(s)
}

// group is the place of a group in the first match of s.
func (p *pattern) group(s []byte, group int) (from, to int, ok bool) {
	if p.path != nil {
		return p.path.find(s, group)
	}
	if len(p.need) > 0 && !bytes.Contains(s, p.need) {
		return 0, 0, false
	}
	m := p.FindSubmatchIndex(s)
	if m == nil || m[2*group] < 0 {
		return 0, 0, false
	}
	return m[2*group], m[2*group+1], true
}

// required is the longest text that is part of every match of re, as far as it
// is plain to see.
func required(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		text, _ := exact(re)
		return text
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if t := required(sub); len(t) > len(longest) {
				longest = t
			}
		}
		return longest
	}
	return ""
}

// exact is the text that re stands for, byte by byte. What package regexp reads
// as U+FFFD may be any byte that is no UTF-8.
func exact(re *syntax.Regexp) (text string, ok bool) {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 || slices.Contains(re.Rune, utf8.RuneError) {
		return "", false
	}
	return string(re.Rune), true
}

// path is a pattern that can be followed without a choice: a text, before it at
// most one byte of a set or the beginning, behind it runs of bytes of which each
// ends where the next step cannot begin.
type path struct {
	text   []byte
	before before
	after  []step
	groups []stretch // by number; the places are numbers of steps
}

// before is what stands before the text.
type before struct {
	one   bool // a byte of set
	begin bool // the beginning of the text; with one: or that
	set   bytes256
}

// step is a run of bytes of a set, or a text.
type step struct {
	text     []byte
	set      bytes256
	min, max int  // of a run; max -1 is no limit
	end      bool // the end of the text
}

// stretch are the steps of a group: from the beginning of step from to that of to.
// Step 0 is what stands before the text, step 1 the text, and so on.
type stretch struct{ from, to int }

// bytes256 is a set of bytes.
type bytes256 [4]uint64

func (s *bytes256) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }
func (s *bytes256) add(b byte)      { s[b>>6] |= 1 << (b & 63) }

func (s *bytes256) meets(o *bytes256) bool {
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}

// find returns the place of a group in the first match of s. Cost: one search
// for the text, and a look at each byte behind it that belongs to the match.
func (p *path) find(s []byte, group int) (from, to int, ok bool) {
	var marks [maxSteps + 1]int
	for at := 0; ; {
		i := bytes.Index(s[at:], p.text)
		if i < 0 {
			return 0, 0, false
		}
		at += i
		if p.follow(s, at, &marks) {
			g := p.groups[group]
			return marks[g.from], marks[g.to], true
		}
		at++
	}
}

// maxSteps bounds the steps of a path, with what is before the text and it.
const maxSteps = 16

// follow matches s with the text of the path at the given place, and notes where
// each step begins.
func (p *path) follow(s []byte, at int, marks *[maxSteps + 1]int) bool {
	start := at
	switch {
	case p.before.one && at > 0 && p.before.set.has(s[at-1]):
		start--
	case p.before.begin && at == 0:
	case p.before.one || p.before.begin:
		return false
	}
	marks[0], marks[1] = start, at
	at += len(p.text)
	for i := range p.after {
		st := &p.after[i]
		marks[2+i] = at
		switch {
		case st.end:
			if at != len(s) {
				return false
			}
		case st.text != nil:
			if !bytes.HasPrefix(s[at:], st.text) {
				return false
			}
			at += len(st.text)
		default:
			n := 0
			for at < len(s) && (st.max < 0 || n < st.max) && st.set.has(s[at]) {
				at, n = at+1, n+1
			}
			if n < st.min {
				return false
			}
		}
	}
	marks[2+len(p.after)] = at
	return true
}

// pathMaker takes a pattern apart.
type pathMaker struct {
	parts  []*syntax.Regexp
	groups []stretch // in parts
}

// newPath is the path of a pattern; nil if it is none.
func newPath(re *syntax.Regexp) *path {
	m := &pathMaker{groups: make([]stretch, re.MaxCap()+1)}
	m.flatten(re)
	m.groups[0] = stretch{0, len(m.parts)}
	at := slices.IndexFunc(m.parts, func(r *syntax.Regexp) bool { _, ok := exact(r); return ok })
	if at < 0 || at > 1 || len(m.parts)-at+1 > maxSteps {
		return nil
	}
	p := &path{text: []byte(string(m.parts[at].Rune)), groups: m.groups}
	if at == 1 {
		if !p.before.read(m.parts[0]) {
			return nil
		}
	} else {
		for i, g := range p.groups { // there is nothing before the text
			p.groups[i] = stretch{g.from + 1, g.to + 1}
		}
	}
	for _, r := range m.parts[at+1:] {
		st, ok := newStep(r)
		if !ok {
			return nil
		}
		if n := len(p.after); n > 0 && !p.after[n-1].endsBefore(&st) {
			return nil
		}
		p.after = append(p.after, st)
	}
	return p
}

// flatten lists the parts of a concatenation, without its groups.
func (m *pathMaker) flatten(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			m.flatten(sub)
		}
	case syntax.OpCapture:
		from := len(m.parts)
		m.flatten(re.Sub[0])
		m.groups[re.Cap] = stretch{from, len(m.parts)}
	case syntax.OpEmptyMatch:
	default:
		m.parts = append(m.parts, re)
	}
}

// read reads what stands before the text: ^, a byte of a set, or the choice of
// both.
func (b *before) read(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText:
		b.begin = true
		return true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !b.read(sub) {
				return false
			}
		}
		return true
	}
	set, ascii, ok := byteSet(re)
	if !ok || !ascii || b.one {
		return false
	}
	b.one, b.set = true, set
	return true
}

func newStep(re *syntax.Regexp) (step, bool) {
	switch re.Op {
	case syntax.OpEndText:
		return step{end: true}, true
	case syntax.OpLiteral:
		text, ok := exact(re)
		return step{text: []byte(text)}, ok
	}
	st := step{min: 1, max: 1}
	sub := re
	switch re.Op {
	case syntax.OpStar:
		st.min, st.max, sub = 0, -1, re.Sub[0]
	case syntax.OpPlus:
		st.max, sub = -1, re.Sub[0]
	case syntax.OpQuest:
		st.min, sub = 0, re.Sub[0]
	}
	if re.Flags&syntax.NonGreedy != 0 {
		return st, false
	}
	var ascii, ok bool
	st.set, ascii, ok = byteSet(sub)
	return st, ok && (ascii || st.max < 0)
}

// endsBefore reports whether a run ends where next begins, so that there is
// never a choice where to end it.
func (st *step) endsBefore(next *step) bool {
	switch {
	case st.text != nil, st.end, next.end, st.min == st.max:
		return true
	case next.text != nil:
		return !st.set.has(next.text[0])
	}
	// Behind a run that may be empty stands another: what is behind that one
	// would have to be looked at as well.
	return !st.set.meets(&next.set) && next.min > 0
}

// byteSet is a character or class as a set of bytes. Of the characters beyond
// ASCII it must have all or none: ascii tells which.
func byteSet(re *syntax.Regexp) (set bytes256, ascii, ok bool) {
	var ranges []rune
	switch re.Op {
	case syntax.OpLiteral:
		if len(re.Rune) != 1 || re.Flags&syntax.FoldCase != 0 {
			return set, false, false
		}
		ranges = []rune{re.Rune[0], re.Rune[0]}
	case syntax.OpCharClass:
		ranges = re.Rune
	case syntax.OpAnyChar:
		ranges = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return set, false, false
	}
	ascii = true
	for i := 0; i < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		for r := lo; r <= min(hi, utf8.RuneSelf-1); r++ {
			set.add(byte(r))
		}
		if hi >= utf8.RuneSelf {
			if lo > utf8.RuneSelf || hi != unicode.MaxRune {
				return set, false, false
			}
			ascii = false
			for b := utf8.RuneSelf; b < 256; b++ {
				set.add(byte(b))
			}
		}
	}
	return set, ascii, true
}
