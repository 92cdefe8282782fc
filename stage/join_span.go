package stage

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// A span is the time of a row and that of the last row of the other input it can
// match, in microseconds. Two rows match when neither comes after the end of the
// other. When the watermark is past the end of a row, the row is settled and
// forgotten.

// spanOf stores the spans of the rows of b, which came on the given input. A row
// that can match nothing ends at never.
type spanOf func(input int, b arrow.Record, from, until []int64)

const never = math.MinInt64

// numberSpans finds the spans of the rows of b. Rows that can match nothing have
// no key.
func (j *HashJoin) numberSpans(input int, b arrowstream.Batch) {
	if j.spanOf == nil {
		return
	}
	n := int(b.NumRows())
	j.from, j.until = sized(j.from, n), sized(j.until, n)
	j.spanOf(input, b, j.from, j.until)
	for i, end := range j.until {
		if end == never && j.ids[i] != agg.NoGroup {
			j.loose = append(j.loose, j.ids[i])
			j.ids[i] = agg.NoGroup
		}
	}
}

// setSpans keeps the spans of the given rows for those of the last chunk.
func (r *joinRows) setSpans(from, until []int64, rows []int32) {
	if !r.spans {
		return
	}
	c := r.chunks[r.order[len(r.order)-1]]
	c.from, c.until, c.first = make([]int64, len(rows)), make([]int64, len(rows)), math.MaxInt64
	for k, i := range rows {
		c.from[k], c.until[k] = from[i], until[i]
		c.first = min(c.first, until[i])
	}
}

// within keeps the pairs of a batch with spans from and until, and others.
func (p *joinPairs) within(from, until []int64, others *joinRows) {
	n := 0
	for k, i := range p.rows {
		at := p.places[k]
		c := others.chunks[at.Chunk]
		if from[i] <= c.until[at.Row] && c.from[at.Row] <= until[i] {
			p.rows[n], p.places[n], p.slots[n] = i, at, p.slots[k]
			n++
		}
	}
	p.rows, p.places, p.slots = p.rows[:n], p.places[:n], p.slots[:n]
}

// close settles and forgets the rows that end before a time. Only chunks that
// have such rows are looked at.
func (j *HashJoin) close(time int64, emit arrowstream.Emit) error {
	for input := range j.sides {
		r := j.sides[input].rows
		if r == nil {
			continue
		}
		j.dead = j.dead[:0]
		j.out.reset()
		for _, n := range r.order {
			c := r.chunks[n]
			if c.first >= time {
				continue
			}
			c.first = math.MaxInt64
			for i, end := range c.until {
				slot, at := c.slots[i], kernels.Place{Chunk: n, Row: uint32(i)}
				if r.rows[slot].place != at {
					continue
				}
				if end >= time {
					c.first = min(c.first, end)
					continue
				}
				r.unlinkSlot(c.keys[i], slot)
				j.dead, j.loose = append(j.dead, slot), append(j.loose, c.keys[i])
				if j.Kind.pads(input) && r.rows[slot].matches == 0 {
					j.out.rows, j.out.places = append(j.out.rows, -1), append(j.out.places, at)
				}
			}
		}
		if err := j.emitPlaces(input, emit); err != nil {
			return err
		}
		if len(j.dead) == 0 {
			continue
		}
		if err := j.settle(input); err != nil {
			return err
		}
	}
	return nil
}

// emitPlaces emits the rows of an input that are in out, without a match.
func (j *HashJoin) emitPlaces(input int, emit arrowstream.Emit) error {
	n := len(j.out.rows)
	if n == 0 {
		return nil
	}
	cols, err := j.plan.gather(j.mem, j.plan.columns, pairing{input: 1 - input, rows: j.out.rows, places: j.out.places}, j.sides[input].rows)
	j.out.reset()
	if err != nil {
		return err
	}
	return j.emitColumns(cols, n, emit)
}

// instants stores the times of a date or timestamp column in micros, never for
// NULL and for what is out of range.
func instants(col arrow.Array, micros []int64) {
	mul, div, _ := columnar.Micros(col.DataType())
	valid := columnar.Validity(col)
	narrow := columnar.FixedWidth(col.DataType()) == 4
	for i := range micros {
		micros[i] = never
		if !valid.Get(i) {
			continue
		}
		var v int64
		if narrow {
			v = int64(columnar.Values[int32](col)[i])
		} else {
			v = columnar.Values[int64](col)[i]
		}
		if v <= math.MaxInt64/mul-1 && v >= math.MinInt64/mul+1 {
			micros[i] = columnar.FloorDiv(v*mul, div)
		}
	}
}

// instantColumn is the position of a column of times of in.
func instantColumn(what string, in *arrow.Schema, name string) (int, error) {
	i, err := grouped.Column(what, in, name)
	if err != nil {
		return 0, err
	}
	if _, _, ok := columnar.Micros(in.Field(i).Type); !ok {
		return 0, planError("AS1403", what+": "+name+" is no time", "")
	}
	return i, nil
}

// after is a+d, at the ends of time where it is out of range.
func after(a, d int64) int64 {
	switch s := a + d; {
	case d > 0 && s < a:
		return math.MaxInt64
	case d < 0 && s > a:
		return math.MinInt64 + 1
	default:
		return s
	}
}
