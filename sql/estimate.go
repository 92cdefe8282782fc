package sql

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// sized is implemented by sources that know how many rows they have before they
// are opened. Options and predicates may leave some of them out; known is false
// where a source cannot tell.
type sized interface {
	RowCount() (rows int64, known bool)
}

// estimates are the rows that operators are expected to give, NaN where that is
// not known. EXPLAIN shows them; no plan depends on them, so that a query gives
// the same bits whatever its files hold. docs/sql/explain.md states the rules.
type estimates map[*node]float64

// unknownRows is the estimate of an operator of which nothing is known.
var unknownRows = math.NaN()

// rows is the estimate of n, worked out once per node.
func (e estimates) rows(n *node) float64 {
	if rows, ok := e[n]; ok {
		return rows
	}
	in := make([]float64, len(n.in))
	for i, below := range n.in {
		in[i] = e.rows(below)
	}
	e[n] = n.estimate(in)
	return e[n]
}

// text is the estimate of n behind its operator, "" if it is not known.
func (e estimates) text(n *node) string {
	if rows, known := e.whole(n); known {
		if rows == 1 {
			return " ~1 row"
		}
		return fmt.Sprintf(" ~%d rows", rows)
	}
	return ""
}

// whole is the estimate of n as a whole number; what is more than none is one
// at least.
func (e estimates) whole(n *node) (rows int64, known bool) {
	switch r := e.rows(n); {
	case math.IsNaN(r):
		return 0, false
	case r > 0 && r < 1:
		return 1, true
	default:
		return int64(math.Round(min(r, 1e18))), true
	}
}

// sameRows are the operators that give as many rows as come into them.
var sameRows = []string{"over", "rank", "settle", "compact", "periodic", "processing time", "current watermark", "insert", "serve", "temporal join", "asof join", "lookup join"}

// groupShare is the share of groups among the rows, which is not known: a tenth.
const groupShare = 0.1

// estimate is how many rows n gives for so many rows of its inputs.
func (n *node) estimate(in []float64) float64 {
	switch {
	case len(in) == 0:
		return n.sourceRows()
	case n.single():
		return 1
	case n.rowwise, slices.Contains(sameRows, n.kind):
		return in[0]
	case n.rows != nil:
		return n.rows(in)
	case n.where != nil:
		return in[0] * selectivity(n.where)
	case n.kind == "assign window":
		return in[0] * n.window.perRow()
	case n.kind == "window":
		return in[0] * n.window.perRow() * groupShare
	case n.kind == "aggregate", n.kind == "regroup", n.kind == "distinct":
		return in[0] * groupShare
	case n.kind == "union":
		return sum(in)
	}
	return unknownRows
}

// sourceRows is what a source or a list of values says of itself.
func (n *node) sourceRows() float64 {
	if n.table != nil {
		if s, ok := n.table.source.(sized); ok {
			if rows, known := s.RowCount(); known {
				return float64(rows)
			}
		}
	}
	return unknownRows
}

func sum(in []float64) (total float64) {
	for _, x := range in {
		total += x
	}
	return total
}

// perRow is the number of windows that a row is in, on average.
func (w *windowSpec) perRow() float64 {
	switch w.kind {
	case "hop":
		return float64(w.size) / float64(w.slide)
	case "cumulate":
		return (float64(w.size)/float64(w.slide) + 1) / 2
	}
	return 1
}

// atMost is the estimate of an operator that leaves offset rows out and gives at
// most limit rows, all of them if limit is negative. The limit is known where
// the rows are not.
func atMost(limit, offset int64) func(in []float64) float64 {
	return func(in []float64) float64 {
		rows := max(in[0]-float64(offset), 0)
		switch {
		case limit < 0:
			return rows
		case math.IsNaN(rows):
			return float64(limit)
		}
		return min(rows, float64(limit))
	}
}

// perKey is the estimate of an operator that keeps n rows of each of the groups.
func perKey(n int64) func(in []float64) float64 {
	return func(in []float64) float64 { return min(in[0], in[0]*groupShare*float64(n)) }
}

// rows is the estimate of a join: with an equality each row of the larger input
// finds one of the other, as if it were the key there; without, all pairs.
func (j *joinNode) rows(in []float64) float64 {
	l, r := in[0], in[1]
	pairs := l * r
	if len(j.keys[0]) > 0 {
		pairs = max(l, r)
	}
	for _, x := range j.rest {
		pairs *= selectivity(x)
	}
	switch j.kind {
	case stage.LeftJoin:
		return max(pairs, l)
	case stage.RightJoin:
		return max(pairs, r)
	case stage.FullJoin:
		return max(pairs, l, r)
	case stage.SemiJoin, stage.AntiJoin:
		return l / 2
	}
	return pairs
}

// selectivity is the share of rows that a condition keeps, by its form alone.
func selectivity(x expr.Expr) float64 {
	c, ok := x.(expr.Call)
	if !ok {
		return share["other"]
	}
	switch name := strings.ToLower(c.Name); {
	case name == "and" && len(c.Args) == 2:
		return selectivity(c.Args[0]) * selectivity(c.Args[1])
	case name == "or" && len(c.Args) == 2:
		a, b := selectivity(c.Args[0]), selectivity(c.Args[1])
		return a + b - float64(a*b)
	case name == "not" && len(c.Args) == 1:
		return 1 - selectivity(c.Args[0])
	case name == "in":
		return min(share["eq"]*float64(len(c.Args)-1), 0.5)
	default:
		if s, ok := share[name]; ok {
			return s
		}
	}
	return share["other"]
}

// share is the part of the rows that a condition is taken to keep.
var share = map[string]float64{
	"eq": 0.1, "is_not_distinct": 0.1, "is_null": 0.1,
	"ne": 0.9, "is_distinct": 0.9, "is_not_null": 0.9,
	"between": 0.25, "like": 0.25, "ilike": 0.25, "regexp_like": 0.25, "starts_with": 0.25,
	"other": 1.0 / 3,
}
