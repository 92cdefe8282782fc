package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// patView is what an expression looks at: the rows of a match so far. The last
// one is the current row.
type patView struct {
	part   int32
	steps  []patStep
	number int64
}

// patStep is a row of a match.
type patStep struct {
	place int32
	v     int32
}

// releaseColumns releases the aggregates of groups.
func releaseColumns(aggs map[int][]arrow.Array) {
	for _, a := range aggs {
		grouped.Release(a)
	}
}

// look evaluates what the expressions of s refer to, a row for each view; the
// caller releases the record. aggs are the aggregates that are known, which it
// takes over, and others are put to.
func (p *Pattern) look(s *patScope, views []patView, aggs map[int][]arrow.Array) (arrow.Record, error) {
	cols := make([]arrow.Array, 0, len(s.refs))
	defer func() { grouped.Release(cols) }()
	defer releaseColumns(aggs)
	for _, r := range s.refs {
		var col arrow.Array
		var err error
		switch r.kind {
		case refAgg:
			if aggs[r.group] == nil {
				if aggs[r.group], err = p.aggregate(p.aggs[r.group], views); err != nil {
					return nil, err
				}
			}
			col = aggs[r.group][r.which]
			col.Retain()
		case refClassifier:
			col = p.classified(views)
		case refNumber:
			numbers := make([]int64, len(views))
			for i, v := range views {
				numbers[i] = v.number
			}
			col = int64Array(p.mem, numbers)
		default:
			idx := make([]int32, len(views))
			for i := range views {
				if idx[i] = p.place(r, &views[i]); idx[i] >= 0 {
					idx[i] = p.tick.rows[idx[i]]
				}
			}
			if col, err = kernels.Take(p.mem, p.hand.x.Column(2+r.value), idx); err != nil {
				return nil, err
			}
		}
		cols = append(cols, col)
	}
	return array.NewRecord(s.schema, cols, int64(len(views))), nil
}

// place is that of the row that r refers to, -1 if there is none.
func (p *Pattern) place(r patRef, v *patView) int32 {
	last := len(v.steps) - 1
	left := r.n
	switch r.kind {
	case refCurrent:
		return v.steps[last].place
	case refPrev:
		if at := int64(v.steps[last].place) - r.n; at >= int64(p.tick.parts[v.part].from) {
			return int32(at)
		}
	case refFirst:
		for _, s := range v.steps {
			if r.v >= 0 && int(s.v) != r.v {
				continue
			}
			if left == 0 {
				return s.place
			}
			left--
		}
	case refLast:
		for i := last; i >= 0; i-- {
			s := v.steps[i]
			if r.v >= 0 && int(s.v) != r.v {
				continue
			}
			if left == 0 {
				return s.place
			}
			left--
		}
	}
	return -1
}

// aggregate is the aggregates of g over the rows of its variable in each view,
// added in their order.
func (p *Pattern) aggregate(g *patAgg, views []patView) ([]arrow.Array, error) {
	args := p.hand.x.Columns()[g.column : g.column+len(g.plan.ArgFields())]
	n := len(views)
	slots := numbered(n)
	defer g.set.Reset(slots)
	var q pieces
	for i, v := range views {
		for _, s := range v.steps {
			if g.v >= 0 && int(s.v) != g.v {
				continue
			}
			q.rows, q.slots = append(q.rows, p.tick.rows[s.place]), append(q.slots, uint32(i))
			if len(q.rows) == overPiece {
				if err := q.flush(p.mem, g.set, args, n); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := q.flush(p.mem, g.set, args, n); err != nil {
		return nil, err
	}
	return g.set.Final(slots, nil)
}

// classified is the variables of current rows.
func (p *Pattern) classified(views []patView) arrow.Array {
	b := array.NewStringBuilder(p.mem)
	defer b.Release()
	for _, v := range views {
		b.Append(p.prog.vars[v.steps[len(v.steps)-1].v])
	}
	return b.NewArray()
}
