package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Position numbers rows from 0 in the order in which they pass, in a BIGINT
// column at the end. The order is that of the input whatever the batches and the
// workers, and a restart goes on where it was: what is a function of the number,
// such as RAND(), is repeated by a replay. Changelogs are refused, since a row
// that is taken back would get another number.
type Position struct {
	// Column is the name of the column; empty leaves rows as they are.
	Column string

	seen int64
	mem  memory.Allocator
	out  *arrow.Schema
}

var _ arrowstream.Stateful = (*Position)(nil)

// Bind implements [arrowstream.Stage].
func (p *Position) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if err := grouped.AppendOnly("row position", in); err != nil {
		return nil, err
	}
	p.mem, p.out = env.Allocator, in
	if p.Column == "" {
		return in, nil
	}
	fields := append(slices.Clone(in.Fields()), arrow.Field{Name: p.Column, Type: arrow.PrimitiveTypes.Int64})
	if err := grouped.Distinct("row position", fields); err != nil {
		return nil, err
	}
	md := in.Metadata()
	p.out = arrow.NewSchema(fields, &md)
	return p.out, nil
}

// Process implements [arrowstream.Stage].
func (p *Position) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	from := p.seen
	p.seen += b.NumRows()
	switch {
	case b.NumRows() == 0:
		return nil
	case p.Column == "":
		return emit(b)
	}
	numbers := make([]int64, b.NumRows())
	for i := range numbers {
		numbers[i] = from + int64(i)
	}
	col := grouped.Fixed(p.mem, arrow.PrimitiveTypes.Int64, numbers)
	defer col.Release()
	out := array.NewRecord(p.out, append(slices.Clone(b.Columns()), col), b.NumRows())
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (p *Position) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Snapshot implements [arrowstream.Stateful]: "meta" has the number of rows.
func (p *Position) Snapshot(context.Context) (arrowstream.State, error) {
	return arrowstream.State{"meta": grouped.Meta(p.mem, []string{"seen"}, p.seen)}, nil
}

// Restore implements [arrowstream.Stateful].
func (p *Position) Restore(_ context.Context, st arrowstream.State) error {
	v, ok := grouped.ReadMeta(st["meta"], "seen")
	if !ok {
		return badState("row position", "meta")
	}
	p.seen = v[0][0]
	return nil
}
