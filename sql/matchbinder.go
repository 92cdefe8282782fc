package sql

import (
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// matchBinder binds the conditions and measures of MATCH_RECOGNIZE, where A.x
// is a column of the rows of a variable.
type matchBinder struct {
	vars []string // in upper case
	own  string   // the variable that is defined, "" in measures
	// row is set while what a call looks at is bound, an expression over one
	// row; of is the variable that it names.
	row bool
	of  *string
}

// lookup binds what has a meaning of its own in a pattern; ok is false for
// anything else.
func (m *matchBinder) lookup(b *binder, e syntax.Expr) (x expr.Expr, ok bool, err error) {
	switch e := e.(type) {
	case *syntax.Column:
		return m.column(b, e)
	case *syntax.Call:
		return m.call(b, e)
	}
	return nil, false, nil
}

// variable is the variable that qualifies a name.
func (m *matchBinder) variable(n syntax.Name) (string, bool) {
	if len(n.Parts) < 2 {
		return "", false
	}
	v := strings.ToUpper(n.Parts[0].Name)
	return v, slices.Contains(m.vars, v)
}

// column is A.x: the last row of A, or the row that a call looks at.
func (m *matchBinder) column(b *binder, c *syntax.Column) (expr.Expr, bool, error) {
	v, ok := m.variable(c.Name)
	switch {
	case !ok && m.row && *m.of != "" && *m.of != allRows:
		return nil, false, m.mixed(b, c)
	case !ok:
		if m.row {
			*m.of = allRows
		}
		return nil, false, nil
	}
	inner := *b
	inner.match = nil
	rest := syntax.Name{Span: c.Span, Parts: c.Parts[1:]}
	x, err := inner.column(&syntax.Column{Name: rest})
	if err != nil {
		return nil, false, err
	}
	if !m.row {
		return stage.Last(v, x, 0), true, nil
	}
	if *m.of != "" && *m.of != v {
		return nil, false, m.mixed(b, c)
	}
	*m.of = v
	return x, true, nil
}

// allRows stands for the rows of any variable.
const allRows = "*"

func (m *matchBinder) mixed(b *binder, at syntax.Node) error {
	return b.err(at, "AS1409", "take the columns of one variable, and compute outside of the call", "a call in a pattern looks at the rows of one variable")
}

// ofRows binds an expression over one row, and tells the variable of its rows,
// "" for any.
func (m *matchBinder) ofRows(b *binder, e syntax.Expr, of *string) (expr.Expr, error) {
	inner := *b
	inner.match = &matchBinder{vars: m.vars, own: m.own, row: true, of: of}
	return inner.expr(e)
}

// call binds the functions of patterns and aggregates.
func (m *matchBinder) call(b *binder, c *syntax.Call) (expr.Expr, bool, error) {
	name := strings.ToLower(c.Fn.Last())
	navigates := name == "first" || name == "last" || name == "prev"
	tells := name == "classifier" || name == "match_number" || name == "match_rowtime"
	if !navigates && !tells && !b.s.isAggregate(c) {
		return nil, false, nil
	}
	refuse := func(msg, hint string) (expr.Expr, bool, error) {
		return nil, false, b.err(c, "AS1409", hint, "%s", msg)
	}
	switch {
	case m.row:
		return refuse(syntax.Text(c)+" stands in a call that looks at rows", "such calls do not nest")
	case c.Over != nil:
		return refuse("OVER in a pattern", "compute it in a query in FROM")
	case tells && (len(c.Args) > 0 || c.Star):
		return nil, false, b.err(c, "AS1601", "write "+strings.ToUpper(name)+"()", "%s takes no arguments", strings.ToUpper(name))
	case name == "classifier":
		return stage.Classifier(), true, nil
	case name == "match_number":
		return stage.MatchNumber(), true, nil
	case name == "match_rowtime":
		return stage.MatchRowtime(), true, nil
	case navigates:
		x, err := m.navigate(b, c, name)
		return x, true, err
	case c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 || len(c.Within) > 0:
		return refuse("an aggregate in a pattern takes all rows of a variable", "leave DISTINCT, FILTER and ORDER BY out")
	}
	f, _ := agg.Find(name)
	of := ""
	var args []expr.Expr
	for _, a := range c.Args {
		if star, ok := a.Value.(*syntax.Star); ok && star.Qualifier != nil {
			if err := b.s.matchStar(m, star, &of); err != nil {
				return nil, false, err
			}
			continue
		}
		x, err := m.ofRows(b, a.Value, &of)
		if err != nil {
			return nil, false, err
		}
		args = append(args, x)
	}
	if of == allRows {
		of = ""
	}
	return stage.AggOf(of, f.Name, args...), true, nil
}

// matchStar is A.* in count(A.*).
func (s *session) matchStar(m *matchBinder, star *syntax.Star, of *string) error {
	v := strings.ToUpper(star.Qualifier.Last())
	if !slices.Contains(m.vars, v) {
		return s.src.Error(star.Span, "AS1409", "variables: "+strings.Join(m.vars, ", "), "the pattern has no variable \""+star.Qualifier.Last()+"\"")
	}
	*of = v
	return nil
}

// navigate binds FIRST, LAST and PREV.
func (m *matchBinder) navigate(b *binder, c *syntax.Call, name string) (expr.Expr, error) {
	if len(c.Args) < 1 || len(c.Args) > 2 || c.Star {
		return nil, b.err(c, "AS1601", "usage: "+strings.ToUpper(name)+"(x [, n])", "%s takes a value and a number of rows", strings.ToUpper(name))
	}
	n := int64(0)
	if name == "prev" {
		n = 1
	}
	if len(c.Args) == 2 {
		var err error
		if n, err = b.s.count(c.Args[1].Value, strings.ToUpper(name)); err != nil {
			return nil, err
		}
	}
	of := ""
	x, err := m.ofRows(b, c.Args[0].Value, &of)
	if err != nil {
		return nil, err
	}
	if of == allRows {
		of = ""
	}
	switch {
	case name == "first":
		return stage.First(of, x, n), nil
	case name == "last":
		return stage.Last(of, x, n), nil
	case of != "" && of != m.own:
		return nil, b.err(c, "AS1409", "write the column without a variable: the row that is looked at", "PREV counts from the row that is looked at, not from that of %s", of)
	}
	return stage.Prev(x, n), nil
}
