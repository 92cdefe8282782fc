package arrowstream

import (
	"slices"
	"strings"
)

// ErrorCode explains a code that an [Error] can carry.
type ErrorCode struct {
	Code string // "AS1203"
	// Title says in a few words what is wrong, in lower case.
	Title string
	// Text is what the code means, a typical cause and the way out, in full
	// sentences.
	Text string
}

// ErrorCodes lists every code of the engine, sorted. A code has one meaning and
// is never given another one.
func ErrorCodes() []ErrorCode { return slices.Clone(errorCodes) }

// Explain is the page about a code: its title, a blank line and its text. ok is
// false when there is no such code. Lower case is accepted.
func Explain(code string) (text string, ok bool) {
	code = strings.ToUpper(strings.TrimSpace(code))
	i, ok := slices.BinarySearchFunc(errorCodes, code, func(c ErrorCode, code string) int { return strings.Compare(c.Code, code) })
	if !ok {
		return "", false
	}
	c := errorCodes[i]
	return c.Code + ": " + c.Title + "\n\n" + c.Text + "\n", true
}

// Family is what the codes with the first digit of c have in common.
func (c ErrorCode) Family() string {
	switch c.Code[2] {
	case '1':
		return "SQL and plans"
	case '2':
		return "Configuration"
	case '3':
		return "Connecting"
	case '4':
		return "Data"
	case '5':
		return "State"
	case '6':
		return "Resources"
	case '7':
		return "Learning"
	}
	return "Internal"
}
