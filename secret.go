package arrowstream

import (
	"fmt"
	"log/slog"
)

// Secret is a password, a token or a key, or a reference to one: env:NAME for a
// variable of the environment, file:PATH for a file. However it is printed,
// formatted, encoded or logged, it is ***; string(s) is the text itself.
type Secret string

// hidden is what is shown of a secret; nothing of none.
func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return "***"
}

// String implements fmt.Stringer.
func (s Secret) String() string { return s.hidden() }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return fmt.Sprintf("Secret(%q)", s.hidden()) }

// Format implements fmt.Formatter for every verb, also those that do not fit.
func (s Secret) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'q':
		fmt.Fprintf(f, "%q", s.hidden())
	case verb == 'v' && f.Flag('#'):
		fmt.Fprint(f, s.GoString())
	default:
		fmt.Fprint(f, s.hidden())
	}
}

// MarshalText implements encoding.TextMarshaler, which also is for JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

// UnmarshalText takes a secret as an option.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }
