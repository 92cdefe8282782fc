package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Ranking says how rows of a key are numbered that are equal in the order.
type Ranking int

const (
	// RowNumber numbers them in the order of arrival.
	RowNumber Ranking = iota
	// Rank gives them the number of the first, and the next row its row number.
	Rank
	// DenseRank gives them one number, and the next row the one after it.
	DenseRank
)

// Top keeps the first rows of each key: those whose number in OrderBy is at most
// N. With N 1 and RowNumber it keeps one row per key, the first or the last in
// some order.
//
// The output is a changelog: at every tick the net change of each key of the
// tick, keys ascending. Rows that leave come before rows that enter; where a key
// has one row, or rows of its own number, a change is -U and +U.
//
// With WindowEnd the output is appended to only: the rows of a key come when the
// watermark reaches the end of its window, and the key is forgotten. Rows that come later are counted as late.
// With Final all rows come at the end of the input.
//
// The input may be a changelog: then all rows of a key are kept, else only
// those that are in the output. Rows that are taken back are searched for by
// their order: cheap unless many are equal in it.
type Top struct {
	// By are the input columns of the key; without them there is one.
	By []string
	// OrderBy is the order of the rows of a key. Rows that are equal in it stay in
	// the order of arrival; with Latest the one that came last is first, so that
	// a time that descends keeps the last row.
	OrderBy []SortKey
	Latest  bool
	// N is the largest number that is kept, at least 1.
	N int64
	// Ranking is how rows are numbered.
	Ranking Ranking
	// Number names an output column for the number, after those of the input;
	// without it only rows that enter or leave are changes.
	Number string
	// WindowEnd names the column of By that is the end of the key's window.
	WindowEnd string
	// Final emits the rows once, at the end of an input that has one.
	Final bool
	// TTL forgets a key that long after its last row, as in [Aggregate].
	TTL time.Duration

	mem      memory.Allocator
	in       *arrow.Schema
	stored   *arrow.Schema // columns of the input, without changes, and computed keys
	out      *arrow.Schema
	instance int
	changes  bool // the input is a changelog
	exprs    []*expr.Bound
	order    []int // columns of stored
	end      int   // column of stored that ends a window, -1 for none
	endUnit  [2]int64

	keys     *grouped.Keys
	open     bool
	held     []arrow.Record
	rows     rowStore
	lists    [][]uint32 // by key: rows in order
	marks    []uint32   // by row, for comparisons of lists
	epoch    uint32
	changed  grouped.Dirty
	late     int64
	lateness arrowstream.Lateness
	closed   int64              // windows that end until then have been emitted
	ends     map[int64][]uint32 // keys by the end of their window
	gone     []uint32
	life     lifetime
}

var (
	_ arrowstream.Incremental = (*Top)(nil)
	_ arrowstream.Parallel    = (*Top)(nil)
	_ arrowstream.Counted     = (*Top)(nil)
)

// Bind implements [arrowstream.Stage].
func (t *Top) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "top"
	if t.N < 1 {
		return nil, planError("AS1101", fmt.Sprintf("top: %d rows: want at least one", t.N), "")
	}
	t.mem, t.in, t.instance, t.rows = env.Allocator, in, env.Instance, rowStore{mem: env.Allocator}
	t.changes = columnar.Changelog(in)
	visible := in.Fields()
	if t.changes {
		visible = visible[:len(visible)-1]
	}
	var err error
	if t.keys, err = grouped.BindKeys(what, in, t.By); err != nil {
		return nil, err
	}
	fields := slices.Clone(visible)
	t.exprs, t.order = nil, nil
	for i, k := range t.OrderBy {
		b, err := expr.Bind(k.Expr, in)
		if err != nil {
			return nil, grouped.Error(fmt.Sprintf("top: key %d of the order", i+1), err)
		}
		if !kernels.Ordered(b.Type()) {
			return nil, planError("AS1301", fmt.Sprintf("top: key %d of the order is %s, which has no order", i+1, kernels.SQLName(b.Type())), "")
		}
		if c := b.Column(); c >= 0 {
			t.order = append(t.order, c)
			continue
		}
		t.exprs, t.order = append(t.exprs, b), append(t.order, len(fields))
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("__order%d", i), Type: b.Type(), Nullable: true})
	}
	t.stored = arrow.NewSchema(fields, nil)
	if t.end, err = t.bindEnd(); err != nil {
		return nil, err
	}
	fields = slices.Clone(visible)
	if t.Number != "" {
		fields = append(fields, arrow.Field{Name: t.Number, Type: arrow.PrimitiveTypes.Int64})
	}
	if err := grouped.Distinct(what, fields); err != nil {
		return nil, err
	}
	// Rows come out later than their event time.
	t.out = columnar.NewSchema(fields, in.Metadata(), "")
	if !t.once() {
		t.out = columnar.WithChangelog(t.out)
	}
	if err := t.keys.Open(t.mem); err != nil {
		return nil, err
	}
	t.life = newLifetime(t.TTL, in, len(t.By) > 0 && !t.once())
	t.open, t.ends, t.closed = true, map[int64][]uint32{}, arrowstream.NoEventTime
	return t.out, nil
}

// once tells whether rows are emitted when they are final, and never taken back.
func (t *Top) once() bool { return t.end >= 0 || t.Final }

func (t *Top) bindEnd() (int, error) {
	if t.WindowEnd == "" {
		return -1, nil
	}
	if !slices.Contains(t.By, t.WindowEnd) {
		return -1, planError("AS1407", fmt.Sprintf("top: %q closes keys and is no part of them", t.WindowEnd), "partition by window_start and window_end")
	}
	c := columnar.Index(t.in, t.WindowEnd)
	mul, div, ok := columnar.Micros(t.in.Field(c).Type)
	if !ok {
		return -1, planError("AS1403", fmt.Sprintf("top: column %q is %s and cannot be the end of a window", t.WindowEnd, kernels.SQLName(t.in.Field(c).Type)), "")
	}
	t.endUnit = [2]int64{mul, div}
	return c, nil
}

// Process implements [arrowstream.Stage].
func (t *Top) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	if b.NumRows() > 0 {
		b.Retain()
		t.held = append(t.held, b)
	}
	return nil
}

// Advance implements [arrowstream.Stage].
func (t *Top) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	err := t.tick(w, emit)
	switch {
	case err != nil:
	case t.end >= 0:
		err = t.emitClosed(w, emit)
	case t.Final && w.Done():
		err = t.emitOnce(t.live(), emit)
	}
	if w.Done() {
		return w, errors.Join(err, t.Close())
	}
	if err == nil {
		err = t.rows.tidy()
	}
	return w, err
}

// Clone implements [arrowstream.Parallel].
func (t *Top) Clone() arrowstream.Stage {
	return &Top{By: t.By, OrderBy: t.OrderBy, Latest: t.Latest, N: t.N, Ranking: t.Ranking, Number: t.Number, WindowEnd: t.WindowEnd, Final: t.Final, TTL: t.TTL}
}

// Keys implements [arrowstream.Parallel].
func (t *Top) Keys() []string { return t.By }
