package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// ranking is a number of rows that a bound may make a Top-N.
type ranking struct {
	spec    *overSpec
	kind    stage.Ranking
	number  string // its column
	ttl     time.Duration
	stays   bool  // rows come in their order, so that a number never changes
	refusal error // why it cannot be computed without a bound, nil if it can
}

func (p *block) ranking(o *overSpec, c stage.OverCall, refusal error) *ranking {
	return &ranking{spec: o, kind: rankings[c.Func], number: c.Name, ttl: p.longestTTL(), refusal: refusal}
}

// rankNode is a number of rows that must be bounded: a filter above puts
// [session.topNode] into its place.
func (p *block) rankNode(in *node, o *overSpec, c stage.OverCall, refusal error) *node {
	n := &node{kind: "rank", detail: c.Func + "() over (" + o.text() + ")", plain: same, rank: p.ranking(o, c, refusal)}
	n.in, n.bounded = []*node{in}, in.bounded
	n.schema = n.rank.schema(in.schema)
	n.build = func(columns) (arrowstream.Stage, error) { return nil, refusal }
	return n
}

// schema is the schema of rows with their number.
func (r *ranking) schema(in *arrow.Schema) *arrow.Schema {
	md := in.Metadata()
	out := arrow.NewSchema(append(slices.Clone(visible(in)), arrow.Field{Name: r.number, Type: arrow.PrimitiveTypes.Int64}), &md)
	out = columnar.WithEventTime(out, "")
	if columnar.Changelog(in) {
		return columnar.WithChangelog(out)
	}
	return out
}

// unranked is the error of the first number of rows that nothing bounds and that
// cannot be computed without, or of the first rows of keys without a bound.
func (p *plan) unranked() error {
	for _, n := range p.order {
		switch {
		case n.rank != nil && n.rank.refusal != nil:
			return n.rank.refusal
		case n.refusal != nil:
			return n.refusal
		}
	}
	return nil
}

// where is in where cond holds. A bound of the number of rows makes their
// ranking a Top-N.
func (s *session) where(in *node, cond expr.Expr, at syntax.Span) (*node, error) {
	n, rest, err := s.topped(in, cond, at)
	if err == nil && rest != nil {
		n, err = filterNode(n, rest)
	}
	if err != nil {
		return nil, s.coded(at, "AS1301", err)
	}
	return n, nil
}

// topped puts a Top-N into the place of the ranking that cond bounds, if there
// is one; rest is what is left of cond.
func (s *session) topped(in *node, cond expr.Expr, at syntax.Span) (out *node, rest expr.Expr, err error) {
	var of *node
	var most int64
	list := conjuncts(cond)
	bounds := func(c expr.Expr) (from *node, n int64, alone bool) {
		column, n, alone, ok := upper(c)
		if !ok {
			return nil, 0, false
		}
		from, name := in.origin(column)
		if from.rank == nil || name != from.rank.number || !chain(in, from) {
			return nil, 0, false
		}
		return from, n, alone
	}
	for _, c := range list {
		switch from, n, _ := bounds(c); {
		case from == nil:
		case of == nil:
			of, most = from, max(n, 1)
		case of == from:
			most = min(most, max(n, 1))
		}
	}
	if of == nil {
		return in, cond, nil
	}
	r := of.rank
	if r.stays {
		return in, cond, s.topAllowed(r, at)
	}
	top, err := s.topNode(of.in[0], r, most, at)
	if err != nil {
		return nil, nil, err
	}
	if out, err = rebuilt(in, of, top); err != nil {
		return nil, nil, err
	}
	return out, allOf(slices.DeleteFunc(list, func(c expr.Expr) bool {
		from, n, alone := bounds(c)
		return from == of && alone && n >= most
	})), nil
}

// upper is the largest number that c lets a column be; alone tells that it says
// nothing else of one that is 1 at least.
func upper(c expr.Expr) (column string, n int64, alone, ok bool) {
	e, isCall := c.(expr.Call)
	if !isCall || len(e.Args) < 2 {
		return "", 0, false, false
	}
	number := func(x expr.Expr) int64 {
		v, constant := constantFor(x, arrow.PrimitiveTypes.Int64)
		n, whole := v.(int64)
		ok = ok && constant && whole
		return n
	}
	op, args := e.Name, e.Args
	col, isCol := args[0].(expr.Col)
	if !isCol && len(args) == 2 {
		col, isCol = args[1].(expr.Col)
		op, args = map[string]string{"eq": "eq", "gt": "lt", "ge": "le"}[op], []expr.Expr{args[1], args[0]}
	}
	ok = isCol
	switch {
	case op == "le" && len(args) == 2:
		n = number(args[1])
		return col.Name, n, n >= 1, ok
	case op == "lt" && len(args) == 2:
		n = number(args[1]) - 1
		return col.Name, n, n >= 1, ok
	case op == "eq" && len(args) == 2:
		n = number(args[1])
		return col.Name, n, n == 1, ok
	case op == "between" && len(args) == 3:
		least := number(args[1])
		n = number(args[2])
		return col.Name, n, n >= 1 && least <= 1, ok
	case op == "in":
		for _, x := range args[1:] {
			n = max(n, number(x))
		}
		return col.Name, n, n == 1 && len(args) == 2, ok
	}
	return "", 0, false, false
}

// chain reports whether nothing but projections and filters is between n and
// from.
func chain(n, from *node) bool {
	for n != from {
		if n.project == nil && n.where == nil {
			return false
		}
		n = n.in[0]
	}
	return true
}

// rebuilt is the chain of nodes down to from, over to instead.
func rebuilt(n, from, to *node) (*node, error) {
	if n == from {
		return to, nil
	}
	in, err := rebuilt(n.in[0], from, to)
	if err != nil {
		return nil, err
	}
	var out *node
	if n.project != nil {
		out, err = projectNode(in, n.project)
	} else {
		out, err = filterNode(in, n.where)
	}
	if err == nil && out != in {
		out.onError = n.onError
	}
	return out, err
}

// topAllowed refuses the first rows of keys that are remembered for ever.
func (s *session) topAllowed(r *ranking, at syntax.Span) error {
	if r.ttl > 0 || len(r.spec.by) == 0 {
		return nil
	}
	_, err := s.bound(keeps{what: "the first rows of every " + strings.Join(r.spec.by, ", "), way: "PARTITION BY window_start, window_end", at: at})
	return err
}

// topNode is the first n rows of a ranking.
func (s *session) topNode(in *node, r *ranking, n int64, at syntax.Span) (*node, error) {
	o := r.spec
	_, end, windowed := windowKeysOf(in, o.by)
	windowed = windowed && !in.updating()
	latest := false
	if len(o.order) > 0 && r.kind == stage.RowNumber && o.order[0].Desc {
		c, ok := o.order[0].Expr.(expr.Col)
		latest = ok && c.Name == in.eventTime()
	}
	t := &node{kind: "top", detail: fmt.Sprintf("%d by %s over (%s)", n, map[stage.Ranking]string{stage.RowNumber: "row_number", stage.Rank: "rank", stage.DenseRank: "dense_rank"}[r.kind], o.text()), plain: same, rows: perKey(n)}
	if len(o.by) == 0 {
		t.rows = atMost(n, 0)
	}
	if latest {
		t.detail += ", of equal ones the last"
	}
	kept := fmt.Sprintf("%d rows", n)
	if n == 1 {
		kept = "one row"
	}
	if in.updating() {
		kept = "all rows"
	}
	if r.kind != stage.RowNumber {
		kept += " and those equal to them"
	}
	switch ttl := fmt.Sprintf(" for %s", r.ttl); {
	case windowed:
		t.kind = "window top"
		t.notes = append(t.notes, "state: "+kept+" per key of open windows, until the watermark passes their end")
	case in.bounded:
		t.notes = append(t.notes, "state: "+kept+" per key, emitted at the end of the input")
	default:
		t.refusal = s.topAllowed(r, at)
		if r.ttl == 0 {
			ttl = ", unbounded"
		}
		if len(o.by) == 0 {
			ttl = ""
		}
		t.notes = append(t.notes, "state: "+kept+" per key"+ttl)
	}
	t.build = func(want columns) (arrowstream.Stage, error) {
		st := &stage.Top{By: o.by, OrderBy: o.order, Latest: latest, N: n, Ranking: r.kind, Final: in.bounded && !windowed}
		if want.has(r.number) {
			st.Number = r.number
		}
		switch {
		case windowed:
			st.WindowEnd = end
		case !in.bounded:
			st.TTL = r.ttl
		}
		return st, nil
	}
	t.uniqueOf = func() ([]string, bool) {
		key, ok := in.unique()
		switch {
		case r.kind == stage.RowNumber && n == 1:
			return o.by, true
		case r.kind == stage.RowNumber && !ok:
			return append(slices.Clone(o.by), r.number), true
		}
		return key, ok
	}
	if latest && n == 1 {
		t.last = r.number
	}
	t.needs = func(want columns) columns { return o.needs(want, []stage.OverCall{{Name: r.number}}) }
	return derive(t, in)
}

// qualify plans QUALIFY, which may name outputs by their alias.
func (p *block) qualify(b *binder, sel *syntax.Select) error {
	if sel.Qualify == nil {
		return nil
	}
	q := *b
	q.params = map[string]expr.Expr{}
	for _, it := range sel.Items {
		if it.Alias == nil {
			continue
		}
		name := syntax.Name{Span: it.Alias.Span, Parts: []syntax.Ident{*it.Alias}}
		if _, found, err := b.resolve(name); found || err != nil {
			continue
		}
		x, err := b.expr(it.X)
		if err != nil {
			return err
		}
		q.params[strings.ToLower(it.Alias.Name)] = x
	}
	cond, err := q.condition(sel.Qualify, "QUALIFY")
	if err != nil {
		return err
	}
	n, err := p.s.where(*b.input, cond, sel.Qualify.Range())
	if err != nil {
		return err
	}
	*b.input, b.scope.schema = n, n.schema
	return nil
}

// distinctOn plans DISTINCT ON: the first row of each key, in the order of ORDER
// BY or of time.
func (p *block) distinctOn(b *binder, sel *syntax.Select) error {
	if len(sel.DistinctOn) == 0 {
		return nil
	}
	at := sel.DistinctOn[0].Range()
	w := &syntax.Window{Span: at, Partition: sel.DistinctOn}
	for i, o := range p.order {
		if i < len(sel.DistinctOn) && slices.ContainsFunc(sel.DistinctOn, func(k syntax.Expr) bool { return syntax.Text(k) == syntax.Text(o.X) }) {
			continue // is equal for all rows of a key
		}
		w.OrderBy = append(w.OrderBy, o)
	}
	o, err := p.overSpec(b, w)
	if err != nil {
		return err
	}
	if et := (*b.input).eventTime(); len(o.order) == 0 && et != "" {
		o.order = []stage.SortKey{{Expr: expr.Col{Name: et}}}
	}
	number := unusedName(visibleNames((*b.input).schema), "row_number")
	o.calls = []stage.OverCall{{Name: number, Func: "row_number"}}
	n, err := p.overNodes(*b.input, o)
	if err != nil {
		return err
	}
	if n, err = p.s.where(n, call("le", expr.Col{Name: number}, expr.Lit{Value: int64(1)}), at); err != nil {
		return err
	}
	if !n.bounded {
		p.order = nil
	}
	*b.input, b.scope.schema = n, n.schema
	return nil
}
