package stage

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// The conditions and measures of a [Pattern] are expressions of kernels/expr. A
// column stands for that of the current row: the one that is tested in a
// condition, the last one of the match in a measure, each row in turn with
// AllRows. What looks at other rows is a call that the functions below make;
// what it looks at is an expression over a single row. Such calls do not nest.
// The stage computes them and puts columns into their place.

// Prev is x of the row n rows before the current one in the input of the key,
// NULL if there is none.
func Prev(x expr.Expr, n int64) expr.Expr {
	return expr.Call{Name: "match_prev", Args: []expr.Expr{x, expr.Lit{Value: n}}}
}

// First is x of the row n rows after the first one of variable v, counted among
// the rows of v in the match so far, NULL if there is none; "" is any variable.
func First(v string, x expr.Expr, n int64) expr.Expr {
	return expr.Call{Name: "match_first", Args: []expr.Expr{expr.Lit{Value: v}, x, expr.Lit{Value: n}}}
}

// Last is x of the row n rows before the last one of variable v, as [First]. In
// the condition of v the current row is the last one. SQL's v.x is Last(v, x, 0).
func Last(v string, x expr.Expr, n int64) expr.Expr {
	return expr.Call{Name: "match_last", Args: []expr.Expr{expr.Lit{Value: v}, x, expr.Lit{Value: n}}}
}

// AggOf is the aggregate fn of kernels/agg over the
// rows of variable v in the match so far, "" for all of them.
func AggOf(v, fn string, args ...expr.Expr) expr.Expr {
	return expr.Call{Name: "match_agg", Args: append([]expr.Expr{expr.Lit{Value: v}, expr.Lit{Value: fn}}, args...)}
}

// Classifier is the variable of the current row, as text.
func Classifier() expr.Expr { return expr.Call{Name: "match_classifier"} }

// MatchNumber counts the matches of a key, from 1.
func MatchNumber() expr.Expr { return expr.Call{Name: "match_number"} }

// MatchRowtime is the time of the current row.
func MatchRowtime() expr.Expr { return expr.Call{Name: "match_rowtime"} }

// patRef is something that a condition or a measure looks at.
type patRef struct {
	kind  refKind
	v     int   // variable, -1 for any
	n     int64 // rows before or after
	value int   // in values
	group int   // of aggregates, and which of them
	which int
}

type refKind int

const (
	refCurrent refKind = iota
	refPrev
	refFirst
	refLast
	refAgg
	refClassifier
	refNumber
)

// patScope is expressions over the same references, which are its columns.
type patScope struct {
	source []expr.Expr
	refs   []patRef
	schema *arrow.Schema
	exprs  []*expr.Bound
	walks  bool // it looks at rows of the match
}

// past reports whether an expression looks at more than the current row and
// those before it in the input.
func (s *patScope) past() bool {
	return slices.ContainsFunc(s.refs, func(r patRef) bool { return r.kind > refPrev })
}

// patAgg is the aggregates over the rows of one variable.
type patAgg struct {
	v      int
	aggs   []Agg
	plan   *grouped.Plan
	set    *grouped.Set // by view
	column int          // of the first argument in the store
	run    int          // in matcher.aggs, -1 if no condition looks at it
	runs   *grouped.Set // by slot of the key
}

// refBinder replaces references by columns.
type refBinder struct {
	p      *Pattern
	own    int // the variable whose condition it is, -1 in measures
	scope  *patScope
	fields []arrow.Field
	err    error
}

// bindScope binds the expressions of a scope; own is the variable whose
// condition it is.
func (p *Pattern) bindScope(what string, own int, of ...expr.Expr) (*patScope, error) {
	s := &patScope{source: of}
	b := refBinder{p: p, own: own, scope: s}
	rewritten := make([]expr.Expr, len(of))
	for i, e := range of {
		if rewritten[i] = b.rewrite(e); b.err != nil {
			return nil, grouped.Error(what, b.err)
		}
	}
	s.schema = arrow.NewSchema(b.fields, nil)
	for _, e := range rewritten {
		bound, err := expr.Bind(e, s.schema)
		if err != nil {
			return nil, grouped.Error(what, err)
		}
		s.exprs = append(s.exprs, bound)
	}
	return s, nil
}

// rewrite is e with columns for what it refers to.
func (b *refBinder) rewrite(e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case expr.Col:
		return b.value(patRef{kind: refCurrent}, e)
	case expr.Call:
		if r, ok := b.ref(e); ok {
			return r
		}
	}
	return expr.Map(e, b.rewrite)
}

// ref is the column of a call that refers to rows.
func (b *refBinder) ref(e expr.Call) (expr.Expr, bool) {
	number := func(i int) int64 {
		n, ok := e.Args[i].(expr.Lit).Value.(int64)
		if !ok || n < 0 {
			b.fail("AS1601", fmt.Sprintf("%s: the number of rows is %v", e.Name, e.Args[i]))
		}
		return n
	}
	switch e.Name {
	case "match_prev":
		n := number(1)
		b.p.back = max(b.p.back, n)
		return b.value(patRef{kind: refPrev, n: n}, e.Args[0]), true
	case "match_first", "match_last":
		r := patRef{kind: refFirst, v: b.variable(e.Args[0]), n: number(2)}
		if e.Name == "match_last" {
			if r.kind = refLast; r.v == b.own && r.n == 0 && b.own >= 0 {
				r = patRef{}
			}
		}
		return b.value(r, e.Args[1]), true
	case "match_agg":
		return b.agg(b.variable(e.Args[0]), Agg{Func: e.Args[1].(expr.Lit).Value.(string), Args: e.Args[2:]}), true
	case "match_classifier":
		return b.column(patRef{kind: refClassifier}, arrow.Field{Type: arrow.BinaryTypes.String}), true
	case "match_number":
		b.p.numbers = true
		return b.column(patRef{kind: refNumber}, arrow.Field{Type: arrow.PrimitiveTypes.Int64}), true
	case "match_rowtime":
		return b.value(patRef{kind: refCurrent}, expr.Col{Name: b.p.in.Field(b.p.time).Name}), true
	}
	return nil, false
}

func (b *refBinder) fail(code, msg string) {
	if b.err == nil {
		b.err = &arrowstream.Error{Code: code, Msg: msg}
	}
}

func (b *refBinder) variable(e expr.Expr) int {
	name := e.(expr.Lit).Value.(string)
	if name == "" {
		return -1
	}
	v := b.p.prog.variable(name)
	if v < 0 {
		b.fail("AS1409", fmt.Sprintf("the pattern has no variable %q", name))
	}
	return v
}

// value is the column of a reference to the value x of a row.
func (b *refBinder) value(r patRef, x expr.Expr) expr.Expr {
	var nullable bool
	var err error
	if r.value, nullable, err = b.p.value(x); err != nil {
		if b.err == nil {
			b.err = err
		}
		return expr.Lit{}
	}
	return b.column(r, arrow.Field{Type: b.p.values[r.value].typ, Nullable: nullable || r.kind != refCurrent})
}

// value is the position of e in values, and whether it can be NULL.
func (p *Pattern) value(e expr.Expr) (int, bool, error) {
	for i, v := range p.values {
		if expr.String(v.source) == expr.String(e) {
			return i, v.bound.Nullable(), nil
		}
	}
	b, err := expr.Bind(e, p.in)
	if err != nil {
		return 0, false, err
	}
	p.values = append(p.values, overValue{e, b, agg.Plain(b.Type())})
	return len(p.values) - 1, b.Nullable(), nil
}

// agg is the column of an aggregate over the rows of v.
func (b *refBinder) agg(v int, a Agg) expr.Expr {
	at := slices.IndexFunc(b.p.aggs, func(g *patAgg) bool { return g.v == v })
	if at < 0 {
		at = len(b.p.aggs)
		b.p.aggs = append(b.p.aggs, &patAgg{v: v})
	}
	g := b.p.aggs[at]
	g.aggs = append(g.aggs, a)
	plan, err := grouped.Bind("pattern", g.aggs, b.p.in)
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return expr.Lit{}
	}
	g.plan = plan
	f := plan.Fields()[len(g.aggs)-1]
	return b.column(patRef{kind: refAgg, group: at, which: len(g.aggs) - 1}, arrow.Field{Type: f.Type, Nullable: true})
}

// column is the column of r, a new one unless there is one.
func (b *refBinder) column(r patRef, f arrow.Field) expr.Expr {
	at := slices.Index(b.scope.refs, r)
	if at < 0 {
		at = len(b.fields)
		f.Name = fmt.Sprintf("ref%d", at)
		b.scope.refs, b.fields = append(b.scope.refs, r), append(b.fields, f)
	}
	return expr.Col{Name: fmt.Sprintf("ref%d", at)}
}
