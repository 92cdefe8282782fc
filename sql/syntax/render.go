package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/terminal"
)

// Render prints an error for people: code and message, then the place with
// the source line and a caret under it, then the help. source is the script
// the places belong to; an error without a place prints without a line. What
// may be a secret is hidden, and what could take over a terminal left out.
func Render(err error, source string) string {
	src, secrets := shown(source)
	var sb strings.Builder
	for i, e := range List(err) {
		if i > 0 {
			sb.WriteString("\n")
		}
		renderOne(&sb, "error", e, src, secrets)
	}
	return sb.String()
}

// RenderWarning prints a warning in the form of [Render].
func RenderWarning(e *arrowstream.Error, source string) string {
	var sb strings.Builder
	src, secrets := shown(source)
	renderOne(&sb, "warning", e, src, secrets)
	return sb.String()
}

// shown is the script as it may be shown, and what is hidden in it.
func shown(source string) (*Source, []string) {
	masked, secrets := mask(source)
	return NewSource("", masked), secrets
}

// maxLine is the number of code points of a source line that are shown.
const maxLine = 160

func renderOne(sb *strings.Builder, kind string, e *arrowstream.Error, src *Source, secrets []string) {
	plain := func(text string) string { return terminal.Clean([]byte(hide(text, secrets)), true) }
	msg := e.Msg
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	if e.Code != "" {
		kind += "[" + e.Code + "]"
	}
	fmt.Fprintf(sb, "%s: %s\n", kind, plain(msg))
	indent := " "
	if e.Pos.Line > 0 {
		number := fmt.Sprint(e.Pos.Line)
		indent = strings.Repeat(" ", len(number)+1)
		place := fmt.Sprintf("%d:%d", e.Pos.Line, e.Pos.Col)
		if e.Pos.File != "" {
			place = e.Pos.File + ":" + place
		}
		fmt.Fprintf(sb, "%s--> %s\n", indent, plain(place))
		if line, before, width, ok := excerpt(src.Line(e.Pos.Line), e.Pos); ok {
			fmt.Fprintf(sb, "%[1]s |\n %[2]s | %[3]s\n%[1]s | %[4]s%[5]s\n", indent, number, line, before, strings.Repeat("^", width))
		}
	}
	if e.Hint != "" {
		fmt.Fprintf(sb, "%s = help: %s\n", indent, plain(e.Hint))
	}
	if e.Code != "" {
		fmt.Fprintf(sb, "%s = docs: arrowstream help %s\n", indent, e.Code)
	}
}

// excerpt cuts a long line around the place and returns the white space that
// stands before the caret. Control bytes print as blanks.
func excerpt(line string, pos arrowstream.Pos) (text, before string, width int, ok bool) {
	if line == "" && pos.Col > 1 {
		return "", "", 0, false
	}
	runes := []rune(strings.ToValidUTF8(line, "\uFFFD"))
	for i, r := range runes {
		if terminal.Clean([]byte(string(r)), false) != string(r) {
			runes[i] = ' '
		}
	}
	first := 0
	col := min(pos.Col-1, len(runes))
	if col > maxLine-20 {
		first = col - (maxLine - 40)
	}
	last := min(len(runes), first+maxLine)
	text = string(runes[first:last])
	if first > 0 {
		text = "…" + text[min(len(text), utf8.RuneLen(runes[first])):]
	}
	if last < len(runes) {
		text += "…"
	}
	width = 1
	if pos.EndCol > pos.Col {
		width = max(1, min(pos.EndCol-pos.Col, last-col))
	}
	return text, strings.Repeat(" ", col-first), width, true
}
