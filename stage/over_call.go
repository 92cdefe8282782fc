package stage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// OverCall is one column of [Over].
type OverCall struct {
	// Name of the output column; Func if empty.
	Name string
	// Func is row_number, rank, dense_rank, lag, first_value, last_value,
	// nth_value or an aggregate of kernels/agg; of whole partitions also lead,
	// ntile, percent_rank and cume_dist.
	Func string
	// Args are the arguments: lag(x [, n [, default]]), lead alike,
	// nth_value(x, n) and ntile(n) take a constant n.
	Args []expr.Expr
	// Distinct and Filter are those of an aggregate.
	Distinct bool
	Filter   expr.Expr
	// Order has the directions of the keys by which an aggregate takes the rows of
	// its frame; the keys are the last of Args.
	Order []agg.Order
	// Frame is what aggregates and first_value, last_value, nth_value see.
	Frame Frame
}

// Frame is a part of the rows of a key. The zero value is SQL's default: RANGE
// BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW. Unless partitions are whole, a
// frame ends with the current row, and a RANGE looks back in the time column;
// in whole partitions it looks along the one key of Then, a time that ascends.
type Frame struct {
	// Rows counts rows. Otherwise it is RANGE: rows of equal time and Then are
	// peers and in the frame of each other.
	Rows bool
	// Start is where the frame begins.
	Start FrameStart
	// Preceding is the number of rows before the current one with Rows, and
	// Span the time before it without, both for [Preceding]. In whole
	// partitions, less than 0 is behind the current row.
	Preceding int64
	Span      time.Duration
	// End is where the frame ends.
	End FrameEnd
	// Following is the number of rows behind the current one with Rows, and
	// FollowingSpan the time behind it without, both for [ToFollowing]; less
	// than 0 is before it.
	Following     int64
	FollowingSpan time.Duration
}

// FrameStart says where a frame begins.
type FrameStart int

const (
	// UnboundedPreceding is the first row of the key.
	UnboundedPreceding FrameStart = iota
	// Preceding is a number of rows or a time before the current row.
	Preceding
	// CurrentRow is the current row, with RANGE the first of its peers.
	CurrentRow
)

// FrameEnd says where a frame ends.
type FrameEnd int

const (
	// ToCurrentRow is the current row, with RANGE the last of its peers.
	ToCurrentRow FrameEnd = iota
	// ToFollowing is a number of rows or a time behind the current row.
	ToFollowing
	// UnboundedFollowing is the last row of the partition.
	UnboundedFollowing
)

// overCall is a call that is bound.
type overCall struct {
	kind   overKind
	value  int   // in values, for kinds that look at one row
	n      int64 // how many rows before, or the how-manieth
	orElse *expr.Bound
	frame  overBounds
	agg    *overFrame // and which of its aggregates
	which  int
}

type overKind int

const (
	rowNumber overKind = iota
	rank
	denseRank
	ntile
	percentRank
	cumeDist
	lag
	lead
	firstValue
	lastValue
	nthValue
	aggregate
)

// overKinds are the functions that are no aggregates, with the least and the
// greatest number of arguments.
var overKinds = map[string]struct {
	kind     overKind
	min, max int
}{
	"ntile": {ntile, 1, 1}, "percent_rank": {percentRank, 0, 0}, "cume_dist": {cumeDist, 0, 0}, "lead": {lead, 1, 3},
	"row_number": {rowNumber, 0, 0}, "rank": {rank, 0, 0}, "dense_rank": {denseRank, 0, 0},
	"lag": {lag, 1, 3}, "first_value": {firstValue, 1, 1}, "last_value": {lastValue, 1, 1}, "nth_value": {nthValue, 2, 2},
}

// overBounds is a frame in units of the time column.
type overBounds struct {
	rows  bool
	first bool  // begins with the first row
	n     int64 // else rows or units before the current row; 0 is the row itself, or its peers
	last  bool  // ends with the last row of the partition
	after int64 // else rows or units behind the current row; 0 is the row itself, or its peers
	open  bool  // from the first row to the current one, or to the last one
}

// overFrame is the aggregates of one frame.
type overFrame struct {
	overBounds
	plan    *grouped.Plan
	aggs    []Agg
	column  int           // of the first argument in the store, for bounded frames
	set     *grouped.Set  // by slot of the key if open, else by row or peers
	scratch *grouped.Set  // by row or peers, if open, else by frame
	others  *grouped.Plan // of a bounded frame: those that cannot take rows back
	merges  bool          // the others can be put together from blocks of rows
}

// overValue is an argument of a call that looks at single rows.
type overValue struct {
	source expr.Expr
	bound  *expr.Bound
	typ    arrow.DataType
}

// overNeeds is what later rows need of the rows of a key.
type overNeeds struct {
	heads int32 // that many from the first one
	rows  int32 // that many before the current one
	span  int64 // those of that time before it; -1 for none
	times bool  // some frame is a RANGE
	count bool  // the number of rows of the key
}

// bindCall binds a call and returns its column.
func (o *Over) bindCall(c *OverCall) (arrow.Field, error) {
	f := arrow.Field{Name: c.Name, Type: arrow.PrimitiveTypes.Int64}
	if f.Name == "" {
		f.Name = c.Func
	}
	fail := func(code, msg string) (arrow.Field, error) {
		return f, planError(code, fmt.Sprintf("over: %s: %s", f.Name, msg), "")
	}
	b := overCall{n: 1}
	var err error
	if b.frame, err = o.bounds(c.Frame); err != nil {
		return f, grouped.Error("over: "+f.Name, err)
	}
	k, single := overKinds[strings.ToLower(c.Func)]
	if !single {
		b.kind = aggregate
		return o.bindAgg(c, b, f)
	}
	b.kind = k.kind
	if n := len(c.Args); n < k.min || n > k.max || c.Distinct || c.Filter != nil {
		return fail("AS1601", fmt.Sprintf("%s takes %d to %d arguments, no DISTINCT and no FILTER", c.Func, k.min, k.max))
	}
	switch b.kind {
	case lead, ntile, percentRank, cumeDist:
		if !o.Bounded {
			return fail("AS1405", c.Func+" needs the rows behind the current one")
		}
	}
	if b.kind == ntile || len(c.Args) > 1 {
		l, _ := c.Args[min(1, len(c.Args)-1)].(expr.Lit)
		var ok bool
		if b.n, ok = l.Value.(int64); !ok || b.n < 0 || b.n == 0 && (k.kind == nthValue || k.kind == ntile) || b.n > math.MaxInt32/2 {
			return fail("AS1601", "the number of rows must be a constant that is not negative")
		}
	}
	if b.kind < lag {
		o.needs.count = true
		if b.kind == percentRank || b.kind == cumeDist {
			f.Type = arrow.PrimitiveTypes.Float64
		}
		o.calls = append(o.calls, b)
		return f, nil
	}
	if b.value, err = o.value(c.Args[0]); err != nil {
		return f, grouped.Error("over: "+f.Name, err)
	}
	f.Type, f.Nullable = o.values[b.value].typ, true
	if len(c.Args) > 2 {
		if b.orElse, err = expr.Bind(expr.Cast{Of: c.Args[2], To: f.Type}, o.in); err != nil {
			return f, grouped.Error("over: "+f.Name, err)
		}
	}
	switch {
	case k.kind == lag:
		o.needs.rows = max(o.needs.rows, int32(b.n))
	case o.Bounded, k.kind == lastValue:
	case b.frame.open:
		o.needs.heads, o.needs.count = max(o.needs.heads, int32(b.n)), true
	default:
		o.need(b.frame)
	}
	o.calls = append(o.calls, b)
	return f, nil
}

// bounds checks a frame.
func (o *Over) bounds(f Frame) (overBounds, error) {
	b := overBounds{rows: f.Rows, first: f.Start == UnboundedPreceding, last: f.End == UnboundedFollowing}
	b.open = b.first && f.End != ToFollowing
	if f.End != ToCurrentRow && !o.Bounded {
		return b, planError("AS1405", "a frame that ends behind the current row", "on a stream frames end at the current row")
	}
	var err error
	if f.Start == Preceding {
		if b.n, err = o.offset(f.Rows, f.Preceding, f.Span); err != nil {
			return b, err
		}
		if b.n < 0 && !o.Bounded {
			return b, planError("AS1405", "a frame that begins behind the current row", "on a stream frames end at the current row")
		}
	}
	if f.End == ToFollowing {
		b.after, err = o.offset(f.Rows, f.Following, f.FollowingSpan)
	}
	return b, err
}

// offset is a number of rows, or a time in units of the time column.
func (o *Over) offset(rows bool, n int64, span time.Duration) (int64, error) {
	if rows {
		if n > math.MaxInt32/2 || n < -math.MaxInt32/2 {
			return 0, planError("AS1101", fmt.Sprintf("a frame of %d rows", n), "")
		}
		return n, nil
	}
	if !o.Bounded {
		if len(o.Then) > 0 {
			return 0, planError("AS1101", "RANGE with a time wants an order by time alone", "use ROWS, or leave out the further keys")
		}
		return inUnits(o.what, "frame", span, o.in.Field(o.time).Type)
	}
	if len(o.Then) == 1 && !o.Then[0].Desc {
		if _, _, ok := columnar.Micros(o.keys[len(o.By)].Type()); ok {
			o.needs.times = true
			return inUnits(o.what, "frame", span, o.keys[len(o.By)].Type())
		}
	}
	return 0, planError("AS1101", "RANGE with a time wants an order by one time that ascends", "use ROWS")
}

// need notes that later rows look back at the rows of a frame.
func (o *Over) need(b overBounds) {
	switch {
	case b.rows:
		o.needs.rows = max(o.needs.rows, int32(b.n))
	case b.n > 0:
		o.needs.span, o.needs.times = max(o.needs.span, b.n), true
	}
}

// value is the position of e in values.
func (o *Over) value(e expr.Expr) (int, error) {
	for i, v := range o.values {
		if expr.String(v.source) == expr.String(e) {
			return i, nil
		}
	}
	b, err := expr.Bind(e, o.in)
	if err != nil {
		return 0, err
	}
	o.values = append(o.values, overValue{e, b, agg.Plain(b.Type())})
	return len(o.values) - 1, nil
}

// bindAgg puts an aggregate to the others of its frame.
func (o *Over) bindAgg(c *OverCall, b overCall, f arrow.Field) (arrow.Field, error) {
	for _, g := range o.frames {
		if g.overBounds == b.frame {
			b.agg = g
		}
	}
	if b.agg == nil {
		b.agg = &overFrame{overBounds: b.frame}
		o.frames = append(o.frames, b.agg)
	}
	g := b.agg
	b.which = len(g.aggs)
	g.aggs = append(g.aggs, Agg{Name: f.Name, Func: c.Func, Args: c.Args, Order: c.Order, Distinct: c.Distinct, Filter: c.Filter})
	var err error
	if g.plan, err = grouped.Bind("over", g.aggs, o.in); err != nil {
		return f, err
	}
	if !b.frame.open {
		g.others, g.merges = g.plan.Others()
		if !o.Bounded {
			o.need(b.frame)
		}
	}
	o.calls = append(o.calls, b)
	return g.plan.Fields()[b.which], nil
}

// storeFields are the columns of rows that later ones look back at: their time,
// the arguments of calls that look at single rows, and those of aggregates over
// bounded frames.
func (o *Over) storeFields() []arrow.Field {
	fields := []arrow.Field{{Name: "time", Type: arrow.PrimitiveTypes.Int64}}
	for i, v := range o.values {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("value%d", i), Type: v.typ, Nullable: true})
	}
	for i, g := range o.frames {
		g.column = len(fields)
		if g.open {
			continue
		}
		for k, f := range g.plan.ArgFields() {
			fields = append(fields, arrow.Field{Name: fmt.Sprintf("frame%d_%d", i, k), Type: f.Type, Nullable: true})
		}
	}
	return fields
}

// forgets tells the time after which no call knows a row any more, if there is
// one.
func (o *Over) forgets() (span int64, ok bool) {
	for _, g := range o.frames {
		if g.open {
			return 0, false
		}
	}
	return max(o.needs.span, 0), o.needs.heads == 0 && o.needs.rows == 0 && !o.needs.count
}

// units is a time that is not negative in units of the time column.
func (l *timeline) units(field string, d time.Duration) (int64, error) {
	if d < 0 {
		return 0, planError("AS1101", fmt.Sprintf("%s: %s %s is negative", l.what, field, d), "")
	}
	if d == 0 {
		return 0, nil
	}
	return inUnits(l.what, field, d, l.in.Field(l.time).Type)
}

// inUnits is a time in units of a type.
func inUnits(what, field string, d time.Duration, t arrow.DataType) (int64, error) {
	mul, div, _ := columnar.Micros(t)
	ns := mul * 1000 / div
	if int64(d)%ns != 0 {
		return 0, planError("AS1404", fmt.Sprintf("%s: %s %s is no whole number of units of the time column, which is %s", what, field, d, kernels.SQLName(t)),
			"cast the time to a finer type")
	}
	return int64(d) / ns, nil
}
