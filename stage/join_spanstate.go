package stage

import (
	"context"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Snapshot implements [arrowstream.Stateful]: beside the state of a hash join,
// "span" has the watermark. The spans of rows are made anew.
func (s *spanJoin) Snapshot(ctx context.Context) (arrowstream.State, error) {
	return s.with(s.hash.Snapshot(ctx))
}

// Delta implements [arrowstream.Incremental].
func (s *spanJoin) Delta(ctx context.Context) (arrowstream.State, error) {
	return s.with(s.hash.Delta(ctx))
}

func (s *spanJoin) with(st arrowstream.State, err error) (arrowstream.State, error) {
	if err == nil {
		st["span"] = grouped.Meta(s.hash.mem, spanNames, s.mark, s.late)
	}
	return st, err
}

var spanNames = []string{"mark", "late"}

// Restore implements [arrowstream.Stateful].
func (s *spanJoin) Restore(ctx context.Context, st arrowstream.State) error { return s.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (s *spanJoin) Apply(ctx context.Context, st arrowstream.State) error {
	meta, ok := grouped.ReadMeta(st["span"], spanNames...)
	if !ok {
		return badState("join", "span")
	}
	s.mark, s.late = meta[0][0], meta[1][0]
	return s.hash.Apply(ctx, st)
}
