package stage

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Periodic holds the changes of its input back until processing time has passed
// the next multiple of Every since 1970, and emits their net effect as [Compact]
// does. What is held is compacted as it grows, so that it takes the memory of
// about twice the rows that change in a period.
type Periodic struct {
	// Every is the period, at least a microsecond.
	Every time.Duration
	// By are the columns of the unique key of the rows; all columns if empty.
	By []string

	compact Compact
	due     int64 // processing time at which the changes are emitted, 0 for not known
	held    int64 // rows
	net     int64 // rows when they were compacted last
	bytes   int64
}

var (
	_ arrowstream.Stateful = (*Periodic)(nil)
	_ arrowstream.Parallel = (*Periodic)(nil)
	_ arrowstream.Counted  = (*Periodic)(nil)
)

// dueColumn is the name of [Periodic.due] in the state.
const dueColumn = "__due"

// slack is how many rows are held before they are compacted.
const slack = 1 << 14

// Bind implements [arrowstream.Stage].
func (p *Periodic) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if p.Every < time.Microsecond {
		return nil, planError("AS1301", fmt.Sprintf("periodic: the period is %s", p.Every), "a microsecond or more")
	}
	p.compact, p.due = Compact{By: p.By}, 0
	return p.compact.Bind(in, env)
}

// Process implements [arrowstream.Stage].
func (p *Periodic) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	p.held += b.NumRows()
	p.bytes += recordBytes(b)
	if err := p.compact.Process(ctx, b, emit); err != nil || p.held <= 2*p.net+slack {
		return err
	}
	return p.shrink()
}

// shrink compacts what is held.
func (p *Periodic) shrink() error {
	all, err := kernels.Concat(p.compact.mem, p.compact.held)
	if err != nil {
		return err
	}
	defer all.Release()
	p.drop()
	err = p.compact.emitNet(all, func(b arrowstream.Batch, _ ...int) error {
		b.Retain()
		p.compact.held = append(p.compact.held, b)
		p.held, p.bytes = b.NumRows(), recordBytes(b)
		return nil
	})
	p.net = p.held
	return err
}

func (p *Periodic) drop() {
	p.compact.release()
	p.held, p.net, p.bytes = 0, 0, 0
}

// Advance implements [arrowstream.Stage].
func (p *Periodic) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if p.held == 0 {
		p.due = 0
		return w, nil
	}
	if every := p.Every.Microseconds(); p.due == 0 {
		p.due = math.MaxInt64
		if w.Clock < math.MaxInt64-every {
			p.due = w.Clock - w.Clock%every + every
		}
	}
	if w.Clock < p.due && w.Event < arrowstream.EndOfTime {
		return w, nil
	}
	_, err := p.compact.Advance(ctx, w, emit)
	p.drop()
	p.due = 0
	return w, err
}

// Clone implements [arrowstream.Parallel].
func (p *Periodic) Clone() arrowstream.Stage { return &Periodic{Every: p.Every, By: p.By} }

// Keys implements [arrowstream.Parallel].
func (p *Periodic) Keys() []string {
	if len(p.By) > 0 || p.compact.in == nil {
		return p.By
	}
	names := columnar.Names(p.compact.in)
	return names[:len(names)-1]
}

// Order implements [arrowstream.Parallel].
func (p *Periodic) Order() []string { return append(slices.Clone(p.Keys()), columnar.OpColumn) }

// Snapshot implements [arrowstream.Stateful]: the changes that are held, and when
// they are due.
func (p *Periodic) Snapshot(context.Context) (arrowstream.State, error) {
	if p.held == 0 {
		return arrowstream.State{}, nil
	}
	if err := p.shrink(); err != nil || p.held == 0 {
		return arrowstream.State{}, err
	}
	rows := p.compact.held[0]
	due := int64Array(p.compact.mem, slices.Repeat([]int64{p.due}, int(rows.NumRows())))
	defer due.Release()
	return arrowstream.State{"changes": array.NewRecord(p.stateSchema(), append(slices.Clone(rows.Columns()), due), rows.NumRows())}, nil
}

func (p *Periodic) stateSchema() *arrow.Schema {
	return arrow.NewSchema(append(slices.Clone(p.compact.in.Fields()), arrow.Field{Name: dueColumn, Type: arrow.PrimitiveTypes.Int64}), nil)
}

// Restore implements [arrowstream.Stateful].
func (p *Periodic) Restore(_ context.Context, st arrowstream.State) error {
	b := st["changes"]
	if b == nil || b.NumRows() == 0 {
		return nil
	}
	if !sameTypes(b, p.stateSchema().Fields()) {
		return badState("periodic", "changes")
	}
	last := int(b.NumCols()) - 1
	p.due = slices.Max(columnar.Values[int64](b.Column(last)))
	rows := array.NewRecord(p.compact.in, b.Columns()[:last], b.NumRows())
	p.compact.held = append(p.compact.held, rows)
	p.held, p.net, p.bytes = rows.NumRows(), rows.NumRows(), recordBytes(rows)
	return nil
}

// Counts implements [arrowstream.Counted].
func (p *Periodic) Counts() arrowstream.Counts {
	return arrowstream.Counts{StateRows: p.held, StateBytes: p.bytes}
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (p *Periodic) Close() error {
	p.drop()
	return nil
}
