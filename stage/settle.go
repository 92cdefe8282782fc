package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// Settle emits, at the end of a bounded changelog, the rows that are left of it,
// ordered by all columns: a stream that is appended to only, for what takes no
// updates. It counts the copies of every row, as EXCEPT ALL of nothing.
type Settle struct {
	op SetOp
	by []string
}

var (
	_ arrowstream.Stateful = (*Settle)(nil)
	_ arrowstream.Parallel = (*Settle)(nil)
	_ arrowstream.Counted  = (*Settle)(nil)
)

// Bind implements [arrowstream.Stage].
func (s *Settle) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.op = SetOp{Kind: Except, All: true}
	return bindAlone(&s.op, in, env, &s.by)
}

// bindAlone binds op to in, and to nothing for its second input; by gets the
// visible columns.
func bindAlone(op *SetOp, in *arrow.Schema, env arrowstream.Env, by *[]string) (*arrow.Schema, error) {
	visible := in
	if columnar.Changelog(in) {
		visible = arrow.NewSchema(in.Fields()[:in.NumFields()-1], nil)
	}
	*by = columnar.Names(visible)
	if i := columnar.EventTime(in); i >= 0 {
		visible = columnar.WithEventTime(visible, in.Field(i).Name)
	}
	return op.Bind([]*arrow.Schema{in, visible}, env)
}

// Process implements [arrowstream.Stage].
func (s *Settle) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return s.op.Process(ctx, 0, b, emit)
}

// Advance implements [arrowstream.Stage].
func (s *Settle) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	return s.op.Advance(ctx, w, emit)
}

// Snapshot implements [arrowstream.Stateful].
func (s *Settle) Snapshot(ctx context.Context) (arrowstream.State, error) { return s.op.Snapshot(ctx) }

// Restore implements [arrowstream.Stateful].
func (s *Settle) Restore(ctx context.Context, st arrowstream.State) error {
	return s.op.Restore(ctx, st)
}

// Clone implements [arrowstream.Parallel].
func (s *Settle) Clone() arrowstream.Stage { return &Settle{} }

// Keys implements [arrowstream.Parallel].
func (s *Settle) Keys() []string { return slices.Clone(s.by) }

// Order implements [arrowstream.Parallel].
func (s *Settle) Order() []string { return s.Keys() }

// Counts implements [arrowstream.Counted].
func (s *Settle) Counts() arrowstream.Counts { return s.op.Counts() }

// Close frees the memory of a stage that is given up; it may be called twice.
func (s *Settle) Close() error { return s.op.Close() }
