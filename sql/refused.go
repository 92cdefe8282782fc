package sql

import (
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// refusedTable is the error of a table in FROM that the planner does not know
// yet.
func (s *session) refusedTable(f syntax.From) error {
	what := "this table is"
	at := f.Range()
	switch f := f.(type) {
	case *syntax.Join:
		what, at = "joins are", f.R.Range()
	case *syntax.Lateral:
		what = "LATERAL is"
	case *syntax.Unnest:
		what = "UNNEST is"
	case *syntax.Version:
		return s.src.Error(f.At.Range(), "AS1410", "write ... JOIN table FOR SYSTEM_TIME AS OF a time of the other side", "FOR SYSTEM_TIME AS OF takes the version of a table for each row of another one: it stands on the right of a join")
	case *syntax.Watermark:
		what, at = "WATERMARK in FROM of what is no table with a connector, or of an expression, is", f.Time.Range()
	}
	return s.src.Error(at, "AS1103", "", what+" not supported yet")
}

// refusedStatement is the error of a statement that cannot stand where it does.
func (s *session) refusedStatement(st syntax.Statement) error {
	return s.src.Error(st.Range(), "AS1103", "", "this statement is not supported here")
}
