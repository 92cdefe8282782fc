package sql

import (
	"fmt"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// refused is the error of the first form of a block that the planner does not
// know yet, nil if there is none. What is planned leaves this list.
func (s *session) refused(sel *syntax.Select) error {
	exprs := append([]syntax.Expr{sel.Where, sel.Having}, sel.GroupBy...)
	for _, it := range sel.Items {
		exprs = append(exprs, it.X)
	}
	for _, e := range exprs {
		if err := s.refusedExpr(e); err != nil {
			return err
		}
	}
	return nil
}

// refusedExpr is the error of the first call in e that [session.refusedCall]
// refuses.
func (s *session) refusedExpr(e syntax.Expr) error {
	var err error
	syntax.Any(e, func(x syntax.Expr) bool {
		if c, ok := x.(*syntax.Call); ok {
			err = s.refusedCall(c)
		}
		return err != nil
	})
	return err
}

// refusedCall is the error of a call with clauses that the planner does not
// know yet.
func (s *session) refusedCall(c *syntax.Call) error {
	what, at := "", c.Span
	switch {
	case len(c.Within) > 0:
		what = "WITHIN GROUP"
	case c.JSON != nil:
		what, at = "a clause of "+c.Fn.Last(), c.JSON.Span
	default:
		return nil
	}
	return s.src.Error(at, "AS1103", "", what+" is not supported yet")
}

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
		what, at = "WATERMARK in FROM is", f.Time.Range()
	}
	return s.src.Error(at, "AS1103", "", what+" not supported yet")
}

// refusedHints is the error of hints after a table.
func (s *session) refusedHints(hints []syntax.Hint) error {
	if len(hints) == 0 {
		return nil
	}
	return s.src.Error(hints[0].Span, "AS1103", "write it into WITH (...) of the table or as SET", fmt.Sprintf("hint %s is not supported yet", hints[0].Name))
}

// refusedStatement is the error of a statement that the planner does not know
// yet.
func (s *session) refusedStatement(st syntax.Statement) error {
	what := "this statement"
	switch st := st.(type) {
	case *syntax.CreateStream:
		what = "CREATE STREAM"
	case *syntax.CreateScan:
		what = "CREATE SCAN"
	case *syntax.CreateDatabase:
		what = "CREATE DATABASE"
	case *syntax.Use:
		what = "USE"
	case *syntax.Alter:
		what = "ALTER " + st.Kind
	case *syntax.Summarize:
		what = "SUMMARIZE"
	}
	return s.src.Error(st.Range(), "AS1103", "", what+" is not supported yet")
}
