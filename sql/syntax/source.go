package syntax

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/arrowstream/arrowstream"
)

// Span is a range of bytes in a script.
type Span struct{ Start, End int }

// Range returns the span itself; every node has it by embedding.
func (s Span) Range() Span { return s }

// To is the span from the start of s to the end of e.
func (s Span) To(e Span) Span { return Span{s.Start, e.End} }

// Source is a script with its file name and the places of its lines.
type Source struct {
	File string
	Text string

	lines []int  // offset of the first byte of each line
	upper string // Text with its ASCII letters in upper case: words are compared by slices of it
}

// NewSource returns text as a source; file may be empty.
func NewSource(file, text string) *Source {
	s := &Source{File: file, Text: text, lines: []int{0}, upper: upperASCII(text)}
	for i := strings.IndexByte(text, '\n'); i >= 0; {
		s.lines = append(s.lines, i+1)
		next := strings.IndexByte(text[i+1:], '\n')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return s
}

// upperASCII is text with its ASCII letters in upper case, byte for byte.
func upperASCII(text string) string {
	var sb strings.Builder
	sb.Grow(len(text))
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		sb.WriteByte(c)
	}
	return sb.String()
}

// Pos is the place of a span: line and columns in code points, from 1. A span
// that runs over several lines ends at the end of its first one.
func (s *Source) Pos(at Span) arrowstream.Pos {
	start := min(max(at.Start, 0), len(s.Text))
	end := min(max(at.End, start), len(s.Text))
	line := sort.SearchInts(s.lines, start+1) - 1
	stop := len(s.Text)
	if line+1 < len(s.lines) {
		stop = s.lines[line+1] - 1
	}
	col := utf8.RuneCountInString(s.Text[s.lines[line]:start]) + 1
	width := utf8.RuneCountInString(s.Text[start:min(end, max(stop, start))])
	return arrowstream.Pos{File: s.File, Line: line + 1, Col: col, EndCol: col + max(width, 1)}
}

// Slice is the text of a span.
func (s *Source) Slice(at Span) string {
	if at.Start < 0 || at.End > len(s.Text) || at.Start > at.End {
		return ""
	}
	return s.Text[at.Start:at.End]
}

// Line is the text of a line, counted from 1, without its end.
func (s *Source) Line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	stop := len(s.Text)
	if n < len(s.lines) {
		stop = s.lines[n] - 1
	}
	return strings.TrimSuffix(s.Text[s.lines[n-1]:stop], "\r")
}

// Error makes an error at a place of s.
func (s *Source) Error(at Span, code, hint, msg string) *arrowstream.Error {
	return &arrowstream.Error{Code: code, Msg: msg, Hint: hint, Pos: s.Pos(at)}
}
