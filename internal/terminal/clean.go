// Package terminal makes text fit to be shown on one. Floor 0; no imports of
// this module.
package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean removes what could take over a terminal: control and escape
// characters, and those that turn the direction of text. Line ends and tabs
// become blanks, or stay if keep is set.
func Clean(v []byte, keep bool) string {
	plain := true
	for _, c := range v {
		plain = plain && c >= 0x20 && c < 0x7F
	}
	if plain {
		return string(v)
	}
	var sb strings.Builder
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		v = v[n:]
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			if keep {
				sb.WriteRune(r)
			} else {
				sb.WriteByte(' ')
			}
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F:
		default:
			sb.WriteRune(r)
		}
	}
	return sb.String()
}
