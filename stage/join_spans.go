package stage

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// spanJoin is a hash join of rows with spans.
type spanJoin struct {
	hash     HashJoin
	mark     int64 // of the last Advance
	delay    int64 // of the watermark of the output
	lateFrom bool  // a row is late that begins, not ends, before the watermark
	late     int64
	lateness arrowstream.Lateness
	from     []int64
	until    []int64
}

func (s *spanJoin) open(in []*arrow.Schema, env arrowstream.Env, hash HashJoin) (*arrow.Schema, error) {
	s.hash, s.mark = hash, arrowstream.NoEventTime
	return s.hash.Bind(in, env)
}

// eventTime is the column of an input that the output has its event time from.
func (j *HashJoin) eventTime() (joinColumn, bool) {
	i := columnar.EventTime(j.plan.out)
	if i < 0 {
		return joinColumn{}, false
	}
	return j.plan.columns[i], true
}

// Process implements [arrowstream.Join].
func (s *spanJoin) Process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	n := int(b.NumRows())
	s.from, s.until = sized(s.from, n), sized(s.until, n)
	s.hash.spanOf(input, b, s.from, s.until)
	times := s.until
	if s.lateFrom {
		times = s.from
	}
	keep := columnar.NewBitmap(n)
	for i, t := range times {
		if t >= s.mark || t == never {
			keep.Set(i)
		} else {
			s.lateness.Add(s.mark - t)
		}
	}
	late := n - keep.Count()
	if late == 0 {
		return s.hash.Process(ctx, input, b, emit)
	}
	s.late += int64(late)
	onTime, err := kernels.Filter(s.hash.mem, b, keep)
	if err != nil {
		return err
	}
	defer onTime.Release()
	return s.hash.Process(ctx, input, onTime, emit)
}

// Ended implements [arrowstream.Ending].
func (s *spanJoin) Ended(ctx context.Context, input int, emit arrowstream.Emit) error {
	return s.hash.Ended(ctx, input, emit)
}

// Advance implements [arrowstream.Join].
func (s *spanJoin) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if w.Done() {
		return s.hash.Advance(ctx, w, emit)
	}
	if w.Event > s.mark {
		s.mark = w.Event
		if err := s.hash.close(s.mark, emit); err != nil {
			return w, err
		}
	}
	if w.Event != arrowstream.NoEventTime {
		w.Event = after(w.Event, -s.delay)
	}
	return w, nil
}

// Counts implements [arrowstream.Counted].
func (s *spanJoin) Counts() arrowstream.Counts {
	c := s.hash.Counts()
	c.Late, c.Lateness = s.late, s.lateness
	c.HeapBytes += int64(8 * (cap(s.from) + cap(s.until)))
	return c
}

// Close frees the memory of a join that is given up; it may be called twice.
func (s *spanJoin) Close() error { return s.hash.Close() }
