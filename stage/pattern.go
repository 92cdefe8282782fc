package stage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Pattern finds rows of a key that follow each other in a pattern: SQL's
// MATCH_RECOGNIZE. The input may be out of order; rows are looked at when the
// watermark has passed them, in the order of time, Then and arrival. Late rows
// are counted and go to the side output "late".
//
// A match begins at the earliest row where one can, and of those the one that
// is preferred wins (see [RowPattern]); the next search goes on as Skip says.
// The output of a tick is ordered by By, and for a key by match.
//
// Conditions that look at the current row and those before it in the input are
// evaluated over whole batches. Those that look at the match so far ([First],
// [Last], [AggOf]) are evaluated for each way to match that is still open, which
// costs some microseconds; aggregates go on from row to row. Without them no more ways are open than the pattern
// has places.
type Pattern struct {
	// By are the columns of the key.
	By []string
	// Time is the time column; the event time of the input if empty.
	Time string
	// Then are the keys of the order after the time.
	Then []SortKey
	// Pattern is what to look for.
	Pattern RowPattern
	// Define are the conditions of variables; one without is TRUE.
	Define []Define
	// Measures are the columns of a match.
	Measures []Measure
	// AllRows emits every row of a match, with its measures so far, instead of
	// one row with By and the measures at its end.
	AllRows bool
	// Skip says where to go on after a match; the zero value is behind its
	// last row.
	Skip Skip
	// Within bounds a match: its last row is less than that after its first.
	Within time.Duration
	// TTL ends the rows of a key when the next one comes that long after the
	// last, or never did; 0 waits for ever.
	TTL time.Duration
	// Endless lets a match have any number of rows, because the input ends or
	// its state may grow. Default: a quantifier without a bound needs Within or
	// TTL.
	Endless bool

	timeline
	groups  *grouped.Keys
	out     *arrow.Schema
	opened  bool
	prog    *program
	conds   []*patScope // by variable, nil is TRUE
	past    uint64      // bit v: the condition of v looks at the match so far
	measure *patScope
	values  []overValue // what references look at
	aggs    []*patAgg
	back    int64 // rows before a match that are looked at
	running int   // aggregates that conditions look at
	numbers bool  // MatchNumber is used
	skipTo  int   // variable
	within  int64
	ttl     int64
	store   *shelf

	life  lives
	state []matcher // by slot
	tick  overTick
	hand  patRows
	ready []arrow.Record // output of this tick, not in order
}

// Define gives a variable its condition.
type Define struct {
	Var  string
	Cond expr.Expr
}

// Measure is an output column of [Pattern].
type Measure struct {
	Name string
	Expr expr.Expr
}

// Skip says where the search goes on after a match.
type Skip struct {
	To  SkipTo
	Var string // for SkipToFirst and SkipToLast
}

// SkipTo is a kind of [Skip].
type SkipTo int

const (
	// SkipPastLastRow goes on behind the last row of the match.
	SkipPastLastRow SkipTo = iota
	// SkipToNextRow goes on at the row after the first one of the match.
	SkipToNextRow
	// SkipToFirst goes on at the first row of Var in the match.
	SkipToFirst
	// SkipToLast goes on at the last row of Var in the match.
	SkipToLast
)

var (
	_ arrowstream.Stateful = (*Pattern)(nil)
	_ arrowstream.Parallel = (*Pattern)(nil)
	_ arrowstream.Sided    = (*Pattern)(nil)
	_ arrowstream.Counted  = (*Pattern)(nil)
)

// Bind implements [arrowstream.Stage].
func (p *Pattern) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "pattern"
	*p = *p.Clone().(*Pattern)
	var err error
	if p.groups, err = p.timeline.openKeyed(what, in, env, p.Time, p.By, p.Then); err != nil {
		return nil, err
	}
	if p.within, err = p.units("within", p.Within); err != nil {
		return nil, err
	}
	if p.ttl, err = p.units("TTL", p.TTL); err != nil {
		return nil, err
	}
	if p.prog, err = compile(p.Pattern); err != nil {
		return nil, err
	}
	if p.prog.unbounded && p.within == 0 && p.ttl == 0 && !p.Endless {
		return nil, planError("AS1409", "pattern: a match can go on for ever", "bound it with WITHIN, give keys a time to live, or write {1,100} instead of +")
	}
	if p.skipTo = p.prog.variable(p.Skip.Var); p.skipTo < 0 && p.Skip.To >= SkipToFirst {
		return nil, planError("AS1409", fmt.Sprintf("pattern: it has no variable %q to skip to", p.Skip.Var), "")
	}
	if err := p.bindDefine(); err != nil {
		return nil, err
	}
	if err := p.bindMeasures(); err != nil {
		return nil, err
	}
	if err := p.groups.Open(p.mem); err != nil {
		return nil, err
	}
	p.opened = true
	p.store = newShelf(p.mem, p.storeFields())
	p.bindRunning()
	for _, g := range p.aggs {
		g.set, g.runs = g.plan.NewSet(p.mem), g.plan.NewSet(p.mem)
	}
	return p.out, nil
}

// bindDefine binds the conditions.
func (p *Pattern) bindDefine() error {
	p.conds = make([]*patScope, len(p.prog.vars))
	for _, d := range p.Define {
		v := p.prog.variable(d.Var)
		switch {
		case v < 0:
			return planError("AS1409", fmt.Sprintf("pattern: DEFINE %s: the pattern has no such variable", d.Var), "")
		case p.conds[v] != nil:
			return planError("AS1409", fmt.Sprintf("pattern: DEFINE %s: it is defined twice", d.Var), "")
		}
		s, err := p.bindScope("pattern: DEFINE "+d.Var, v, d.Cond)
		if err != nil {
			return err
		}
		if id := s.exprs[0].Type().ID(); id != arrow.BOOL && id != arrow.NULL {
			return planError("AS1301", fmt.Sprintf("pattern: DEFINE %s: the condition is %s, not a truth value", d.Var, kernels.SQLName(s.exprs[0].Type())), "")
		}
		if p.conds[v] = s; s.past() {
			p.past |= 1 << v
		}
	}
	return nil
}

// bindMeasures binds the measures and makes the output schema.
func (p *Pattern) bindMeasures() error {
	var of []expr.Expr
	fields, mark := slices.Clone(p.groups.Fields()), ""
	if p.AllRows {
		fields = nil
		for _, f := range p.in.Fields() {
			of = append(of, expr.Col{Name: f.Name})
			fields = append(fields, arrow.Field{Name: f.Name, Type: agg.Plain(f.Type), Nullable: f.Nullable})
		}
		mark = p.in.Field(p.time).Name
	}
	for _, m := range p.Measures {
		of = append(of, m.Expr)
		if c, ok := m.Expr.(expr.Call); ok && c.Name == "match_rowtime" && mark == "" {
			mark = m.Name
		}
	}
	var err error
	if p.measure, err = p.bindScope("pattern: measures", -1, of...); err != nil {
		return err
	}
	bound := p.measure.exprs[len(of)-len(p.Measures):]
	for i, m := range p.Measures {
		fields = append(fields, arrow.Field{Name: m.Name, Type: bound[i].Type(), Nullable: bound[i].Nullable()})
	}
	if err := grouped.Distinct("pattern", fields); err != nil {
		return err
	}
	if len(fields) == 0 {
		return planError("AS1101", "pattern: neither keys nor measures", "")
	}
	p.out = columnar.NewSchema(fields, arrow.Metadata{}, mark)
	return nil
}

// storeFields are the columns of rows that matches may need: their time, for
// which variables their conditions are TRUE, what references look at, and the
// arguments of aggregates.
func (p *Pattern) storeFields() []arrow.Field {
	fields := []arrow.Field{{Name: "time", Type: arrow.PrimitiveTypes.Int64}, {Name: "conditions", Type: arrow.PrimitiveTypes.Uint64}}
	for i, v := range p.values {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("value%d", i), Type: v.typ, Nullable: true})
	}
	for i, g := range p.aggs {
		g.column = len(fields)
		for k, f := range g.plan.ArgFields() {
			fields = append(fields, arrow.Field{Name: fmt.Sprintf("agg%d_%d", i, k), Type: f.Type, Nullable: true})
		}
	}
	return fields
}

// Process implements [arrowstream.Stage].
func (p *Pattern) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return p.add(b, emit)
}

// Advance implements [arrowstream.Stage].
func (p *Pattern) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	err := p.timeline.advance(w, p.take)
	if err == nil {
		err = p.settle(w.Done())
	}
	if err == nil {
		err = p.flush(emit)
	}
	if err != nil {
		return w, err
	}
	if w.Done() {
		return w, p.Close()
	}
	for slot := range p.state {
		if m := &p.state[slot]; m.open() {
			w.Event = min(w.Event, p.micros(m.began))
		}
	}
	return w, nil
}

// flush emits what the matches of the tick have left, in order.
func (p *Pattern) flush(emit arrowstream.Emit) error {
	defer func() {
		releaseRecords(p.ready)
		p.ready = p.ready[:0]
	}()
	if len(p.ready) == 0 {
		return nil
	}
	all, err := kernels.Concat(p.mem, p.ready)
	if err != nil {
		return err
	}
	defer all.Release()
	var by []arrow.Array
	for _, name := range p.By {
		by = append(by, all.Column(columnar.Index(p.out, name)))
	}
	idx, err := grouped.Order(by, int(all.NumRows()))
	if err != nil {
		return err
	}
	for len(idx) > 0 {
		n := min(len(idx), sortedRows)
		part, err := kernels.TakeRecord(p.mem, all, idx[:n])
		if err != nil {
			return err
		}
		out := array.NewRecord(p.out, part.Columns(), part.NumRows())
		part.Release()
		err = emit(out)
		out.Release()
		if err != nil {
			return err
		}
		idx = idx[n:]
	}
	return nil
}

// Clone implements [arrowstream.Parallel].
func (p *Pattern) Clone() arrowstream.Stage {
	return &Pattern{
		By: p.By, Time: p.Time, Then: p.Then, Pattern: p.Pattern, Define: p.Define, Measures: p.Measures,
		AllRows: p.AllRows, Skip: p.Skip, Within: p.Within, TTL: p.TTL, Endless: p.Endless,
	}
}

// Keys implements [arrowstream.Parallel].
func (p *Pattern) Keys() []string { return p.By }

// Order implements [arrowstream.Parallel].
func (p *Pattern) Order() []string { return p.By }

// Counts implements [arrowstream.Counted].
func (p *Pattern) Counts() arrowstream.Counts {
	c := arrowstream.Counts{Late: p.late, Lateness: p.lateness, StateRows: p.timeline.rows, StateBytes: p.timeline.bytes()}
	if p.opened {
		c.StateRows += p.store.rows + int64(p.life.n)
		c.HeapBytes = p.store.bytes() + p.life.bytes() + p.tick.bytes()
		for i := range p.state {
			c.HeapBytes += p.state[i].bytes()
		}
		c.StateBytes += c.HeapBytes + p.groups.Bytes()
		for _, g := range p.aggs {
			c.StateBytes += g.runs.Bytes()
		}
	}
	return c
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (p *Pattern) Close() error {
	p.timeline.release()
	releaseRecords(p.ready)
	p.ready = nil
	if p.opened {
		for slot := range p.state {
			p.dropRuns(uint32(slot))
		}
		for _, g := range p.aggs {
			g.set.Release()
			g.runs.Release()
		}
		p.store.release()
		p.groups.Release()
		p.opened = false
	}
	return nil
}
