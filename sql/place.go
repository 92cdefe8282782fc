package sql

import (
	"errors"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// place is where an expression or an aggregate stands in the script. Only the
// pair is kept while planning: its text is made when a run has failed.
type place struct {
	x    expr.Expr // nil for an aggregate
	text string    // the column of an aggregate
	at   syntax.Span
}

func (p place) String() string {
	if p.x == nil {
		return p.text
	}
	return arrowstream.CutValue([]byte(expr.String(p.x)))
}

// place gives an error of a run the place of the expression that it is about:
// the first in the statement that has it. There is none for what the planner
// has rewritten, and where two statements have the same expression.
func (s *session) place(err error) {
	var e *arrowstream.Error
	if !errors.As(err, &e) || e.Expr == "" || e.Pos.Line > 0 {
		return
	}
	var found *place
	for i := range s.places {
		p := &s.places[i]
		switch {
		case p.at.End == 0 || p.String() != e.Expr: // nothing that is written, or another
		case found == nil:
			found = p
		case s.statementAt(p.at) != s.statementAt(found.at):
			return
		}
	}
	if found != nil {
		e.Pos = s.src.Pos(found.at)
	}
}

// statementAt is the number of the statement that holds a place.
func (s *session) statementAt(at syntax.Span) int {
	for i, st := range s.statements {
		if r := st.Range(); r.Start <= at.Start && at.End <= r.End {
			return i
		}
	}
	return -1
}
