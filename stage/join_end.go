package stage

import (
	"context"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Ended tells that nothing follows on an input. What is remembered of the other
// input is settled, and forgotten.
func (j *HashJoin) Ended(ctx context.Context, input int, emit arrowstream.Emit) error {
	if j.Over.On() {
		return j.Over.Ended(ctx, input, emit)
	}
	if !j.open || j.sides[input].ended {
		return nil
	}
	j.sides[input].ended = true
	other := 1 - input
	r := j.sides[other].rows
	if r == nil {
		return nil
	}
	if j.Kind.pads(other) && !j.updates {
		if err := j.emitUnmatched(other, emit); err != nil {
			return err
		}
	}
	for _, n := range r.order {
		j.loose = append(j.loose, r.chunks[n].keys...)
	}
	j.drop(other)
	j.removeLoose()
	return nil
}

// emitUnmatched emits the rows of an input that have no match, in the order in
// which they came.
func (j *HashJoin) emitUnmatched(input int, emit arrowstream.Emit) error {
	r := j.sides[input].rows
	j.out.reset()
	for _, n := range r.order {
		for i, slot := range r.chunks[n].slots {
			at := kernels.Place{Chunk: n, Row: uint32(i)}
			if r.rows[slot].place != at || !j.unmatched(r, at, r.rows[slot].matches > 0) {
				continue
			}
			j.out.rows, j.out.places = append(j.out.rows, -1), append(j.out.places, at)
			if len(j.out.rows) == joinedRows {
				if err := j.emitPlaces(input, emit); err != nil {
					return err
				}
			}
		}
	}
	return j.emitPlaces(input, emit)
}

// unmatched reports whether a row at a place passes for want of a match.
func (j *HashJoin) unmatched(r *joinRows, at kernels.Place, matched bool) bool {
	if !j.list.on {
		return !matched
	}
	null := r.records[at.Chunk].Column(j.plan.inputs[0].keys[0]).IsNull(int(at.Row))
	return j.list.state().passes(null, matched)
}

// Advance implements [arrowstream.Join].
func (j *HashJoin) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if j.Over.On() {
		return j.Over.Advance(ctx, w, emit)
	}
	if err := j.net.flush(j.mem, emit); err != nil {
		return w, err
	}
	if w.Done() {
		for input := range j.sides {
			if err := j.Ended(ctx, input, emit); err != nil {
				return w, err
			}
		}
		return w, j.Close()
	}
	for input := range j.sides {
		if err := j.expire(input, w); err != nil {
			return w, err
		}
	}
	return w, j.Over.Check(ctx, j, w, w)
}

// expire forgets the rows of an input whose time is over.
func (j *HashJoin) expire(input int, w arrowstream.Watermark) error {
	s := &j.sides[input]
	if s.ttl == 0 || s.rows == nil {
		return nil
	}
	now := w.Clock
	if columnar.EventTime(j.plan.inputs[input].in) >= 0 {
		now = w.Event
	}
	s.mark = max(s.mark, now)
	if s.mark == arrowstream.NoEventTime {
		return nil // rows that came before there was an event time begin to age then
	}
	if s.since == arrowstream.NoEventTime {
		s.since = s.mark
	}
	s.rows.date(s.mark)
	slots, kids := s.rows.until(s.mark - s.ttl.Microseconds())
	if len(slots) == 0 {
		return nil
	}
	s.rows.drop(slots)
	j.loose = append(j.loose, kids...)
	j.removeLoose()
	return s.rows.tidy()
}
