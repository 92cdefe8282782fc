package stage

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Limit passes Rows rows after the first Offset ones and drops the others. It
// refuses a changelog, where a row that is taken back would make room.
type Limit struct {
	Rows, Offset int64

	seen int64
	mem  memory.Allocator
}

var _ arrowstream.Stateful = (*Limit)(nil)

// Bind implements [arrowstream.Stage].
func (l *Limit) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if l.Rows < 0 || l.Offset < 0 {
		return nil, planError("AS1101", fmt.Sprintf("limit: %d rows after %d: negative", l.Rows, l.Offset), "")
	}
	if err := grouped.AppendOnly("limit", in); err != nil {
		return nil, err
	}
	l.mem = env.Allocator
	return in, nil
}

// Process implements [arrowstream.Stage].
func (l *Limit) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	n := b.NumRows()
	from := min(max(l.Offset-l.seen, 0), n)
	to := from + min(n-from, max(l.Rows-max(l.seen-l.Offset, 0), 0))
	l.seen += n
	if from == to {
		return nil
	}
	out := b.NewSlice(from, to)
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (l *Limit) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Snapshot implements [arrowstream.Stateful]: "meta" has the number of rows.
func (l *Limit) Snapshot(context.Context) (arrowstream.State, error) {
	return arrowstream.State{"meta": grouped.Meta(l.mem, []string{"seen"}, l.seen)}, nil
}

// Restore implements [arrowstream.Stateful].
func (l *Limit) Restore(_ context.Context, st arrowstream.State) error {
	v, ok := grouped.ReadMeta(st["meta"], "seen")
	if !ok {
		return badState("limit", "meta")
	}
	l.seen = v[0][0]
	return nil
}
