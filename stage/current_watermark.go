package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// CurrentWatermark writes the watermark that held before the tick of a row into a
// column behind the others, of the type of the event time; NULL before there was
// one. How rows are cut into ticks shows in it, as in a processing time; a recorded
// job finds it again.
type CurrentWatermark struct {
	// Column is the name of the column.
	Column string

	mem  memory.Allocator
	out  *arrow.Schema
	unit struct{ mul, div int64 } // of the event time in microseconds
	mark int64                    // µs
}

var _ arrowstream.Stateful = (*CurrentWatermark)(nil)

// Bind implements [arrowstream.Stage].
func (c *CurrentWatermark) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "current watermark"
	if err := grouped.AppendOnly(what, in); err != nil {
		return nil, err
	}
	i := columnar.EventTime(in)
	if i < 0 {
		return nil, planError("AS1403", what+": the input has no event time", "declare a watermark on the source")
	}
	t := in.Field(i).Type
	c.mem, c.mark = env.Allocator, arrowstream.NoEventTime
	c.unit.mul, c.unit.div, _ = columnar.Micros(t)
	fields := append(slices.Clone(in.Fields()), arrow.Field{Name: c.Column, Type: t, Nullable: true})
	if err := grouped.Distinct(what, fields); err != nil {
		return nil, err
	}
	md := in.Metadata()
	c.out = arrow.NewSchema(fields, &md)
	return c.out, nil
}

// Process implements [arrowstream.Stage].
func (c *CurrentWatermark) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	col := c.column(int(b.NumRows()))
	defer col.Release()
	out := array.NewRecord(c.out, append(slices.Clone(b.Columns()), col), b.NumRows())
	defer out.Release()
	return emit(out)
}

// column is n times the watermark.
func (c *CurrentWatermark) column(n int) arrow.Array {
	t := c.out.Field(c.out.NumFields() - 1).Type
	if c.mark == arrowstream.NoEventTime {
		return kernels.Nulls(c.mem, t, n)
	}
	v := columnar.FloorDiv(c.mark*c.unit.div, c.unit.mul)
	if t.(arrow.FixedWidthDataType).BitWidth() == 32 {
		return grouped.Fixed(c.mem, t, slices.Repeat([]int32{int32(v)}, n))
	}
	return grouped.Fixed(c.mem, t, slices.Repeat([]int64{v}, n))
}

// Advance implements [arrowstream.Stage].
func (c *CurrentWatermark) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	c.mark = w.Event
	return w, nil
}

// Snapshot implements [arrowstream.Stateful]: "meta" has the watermark.
func (c *CurrentWatermark) Snapshot(context.Context) (arrowstream.State, error) {
	return arrowstream.State{"meta": grouped.Meta(c.mem, []string{"mark"}, c.mark)}, nil
}

// Restore implements [arrowstream.Stateful].
func (c *CurrentWatermark) Restore(_ context.Context, st arrowstream.State) error {
	v, ok := grouped.ReadMeta(st["meta"], "mark")
	if !ok {
		return badState("current watermark", "meta")
	}
	c.mark = v[0][0]
	return nil
}
