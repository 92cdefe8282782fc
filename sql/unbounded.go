package sql

import "github.com/arrowstream/arrowstream/sql/syntax"

// unbounded refuses an operator whose state grows for ever, or warns of it, as
// the setting state.unbounded says. msg tells what grows, way how to bound it.
func (s *session) unbounded(at syntax.Span, way, msg string) error {
	switch s.setting("state.unbounded", "refuse") {
	case "refuse":
		return s.src.Error(at, "AS1401", way, msg)
	case "warn":
		s.warn(at, "AS1401", way, msg)
	}
	return nil
}
