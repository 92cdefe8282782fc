package stage

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// SortKey is one key of an order. SQL's default puts NULL lowest: NullsLast
// together with Desc.
type SortKey struct {
	Expr      expr.Expr
	Desc      bool
	NullsLast bool
}

// Sort collects a bounded input and emits it in order at the end of time; rows
// that are equal in all keys keep their order. With a limit it holds no more
// than a multiple of Offset+Limit rows.
type Sort struct {
	By []SortKey
	// Limit is the number of rows to emit, 0 for all; Offset how many to leave
	// out before.
	Limit, Offset int64

	mem  memory.Allocator
	in   *arrow.Schema
	out  *arrow.Schema
	keys []*expr.Bound
	held []arrow.Record
	rows int64
}

var (
	_ arrowstream.Stateful = (*Sort)(nil)
	_ arrowstream.Counted  = (*Sort)(nil)
)

// sortSlack is how many rows a sort with a limit collects before it drops those
// that cannot be in the result.
const sortSlack = 1 << 16

// Bind implements [arrowstream.Stage].
func (s *Sort) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if s.Limit < 0 || s.Offset < 0 {
		return nil, planError("AS1101", fmt.Sprintf("sort: limit %d, offset %d: negative", s.Limit, s.Offset), "")
	}
	if err := grouped.AppendOnly("sort", in); err != nil {
		return nil, err
	}
	s.mem, s.in, s.keys = env.Allocator, in, nil
	for i, k := range s.By {
		b, err := expr.Bind(k.Expr, in)
		if err != nil {
			return nil, grouped.Error(fmt.Sprintf("sort: key %d", i+1), err)
		}
		if !kernels.Ordered(b.Type()) {
			return nil, planError("AS1301", fmt.Sprintf("sort: key %d is %s, which has no order", i+1, kernels.SQLName(b.Type())), "")
		}
		s.keys = append(s.keys, b)
	}
	// Rows come out in another order than that of their event time.
	s.out = columnar.WithEventTime(in, "")
	return s.out, nil
}

// Process implements [arrowstream.Stage].
func (s *Sort) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	b.Retain()
	s.held, s.rows = append(s.held, b), s.rows+b.NumRows()
	if top := s.top(); top < math.MaxInt64/2 && s.rows >= 2*top+sortSlack {
		return s.shrink()
	}
	return nil
}

// top is the number of rows that can be in the result.
func (s *Sort) top() int64 {
	if s.Limit == 0 || s.Limit > math.MaxInt64-s.Offset {
		return math.MaxInt64
	}
	return s.Limit + s.Offset
}

// shrink keeps the first rows only, in order.
func (s *Sort) shrink() error {
	all, err := s.sorted()
	if err != nil {
		return err
	}
	s.release()
	s.held, s.rows = append(s.held, all), all.NumRows()
	return nil
}

// sorted is the first rows of what is held, in order; the caller releases it.
func (s *Sort) sorted() (arrow.Record, error) {
	all, err := kernels.Concat(s.mem, s.held)
	if err != nil {
		return nil, grouped.Error("sort", err)
	}
	defer all.Release()
	keys := make([]kernels.SortKey, len(s.keys))
	defer func() {
		for _, k := range keys {
			if k.Col != nil {
				k.Col.Release()
			}
		}
	}()
	for i, k := range s.keys {
		col, err := k.Eval(s.mem, all)
		if err != nil {
			return nil, grouped.Error("sort", err)
		}
		keys[i] = kernels.SortKey{Col: col, Desc: s.By[i].Desc, NullsLast: s.By[i].NullsLast}
	}
	n := int(all.NumRows())
	defer columnar.Charge(s.mem, int64(n)*kernels.SortRowBytes)()
	idx, err := kernels.TopK(keys, n, int(min(s.top(), int64(n))))
	if err != nil {
		return nil, grouped.Error("sort", err)
	}
	return kernels.TakeRecord(s.mem, all, idx)
}

// Advance implements [arrowstream.Stage].
func (s *Sort) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if !w.Done() || len(s.held) == 0 {
		return w, nil
	}
	defer s.release()
	all, err := s.sorted()
	if err != nil {
		return w, err
	}
	defer all.Release()
	for from := s.Offset; from < all.NumRows(); from += sortedRows {
		cut := all.NewSlice(from, min(from+sortedRows, all.NumRows()))
		out := withSchema(cut, s.out)
		cut.Release()
		err := emit(out)
		out.Release()
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

func (s *Sort) release() {
	for _, b := range s.held {
		b.Release()
	}
	s.held, s.rows = nil, 0
}

// Close frees the memory of a stage that is given up.
func (s *Sort) Close() error {
	s.release()
	return nil
}

// Counts implements [arrowstream.Counted].
func (s *Sort) Counts() arrowstream.Counts { return arrowstream.Counts{StateRows: s.rows} }

// Snapshot implements [arrowstream.Stateful]: "rows" is what has been collected.
func (s *Sort) Snapshot(context.Context) (arrowstream.State, error) {
	if len(s.held) == 0 {
		return arrowstream.State{"rows": emptyRecord(s.mem, s.in)}, nil
	}
	all, err := kernels.Concat(s.mem, s.held)
	if err != nil {
		return nil, grouped.Error("sort", err)
	}
	return arrowstream.State{"rows": all}, nil
}

// Restore implements [arrowstream.Stateful].
func (s *Sort) Restore(_ context.Context, st arrowstream.State) error {
	if !sameTypes(st["rows"], s.in.Fields()) {
		return badState("sort", "rows")
	}
	s.release()
	if b := st["rows"]; b.NumRows() > 0 {
		s.held, s.rows = append(s.held, withSchema(b, s.in)), b.NumRows()
	}
	return nil
}
