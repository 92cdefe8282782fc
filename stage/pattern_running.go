package stage

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/grouped"
)

// patRun is the aggregates of a [patAgg] for the way to match that a condition
// has looked at last, which go on from row to row: a match of n rows costs n
// updates, not n for each of its rows. Where ways to match take turns, the
// aggregates are computed anew. It follows from the rows, and is not part of a
// checkpoint.
type patRun struct {
	tip    patTip    // the rows that are added
	finals [2]patSum // the latest results, the last one behind
}

// patTip is the rows of a variable in a way to match: those up to the history
// step at, 0 for none, and then one more row, -1 for none.
type patTip struct {
	at  int32
	row int64
}

// patSum is the results for some rows.
type patSum struct {
	tip  patTip
	cols []arrow.Array
}

// noRows is the tip of a state without rows.
var noRows = patTip{row: -1}

// bindRunning numbers the aggregates that conditions look at.
func (p *Pattern) bindRunning() {
	for _, g := range p.aggs {
		g.run = -1
	}
	for _, s := range p.conds {
		if s == nil {
			continue
		}
		for _, r := range s.refs {
			if r.kind == refAgg && p.aggs[r.group].run < 0 {
				p.aggs[r.group].run = p.running
				p.running++
			}
			s.walks = s.walks || r.kind == refFirst || r.kind == refLast
		}
	}
}

// last is the history step of the last row of g in the way to match that ends
// with a step.
func (p *Pattern) last(m *matcher, g *patAgg, step int32) int32 {
	if step == 0 {
		return 0
	}
	return m.lasts[int(step-1)*p.running+g.run]
}

// took notes a step of the history, which is the newest.
func (p *Pattern) took(m *matcher) {
	if p.running == 0 {
		return
	}
	n := int32(len(m.history))
	step := m.history[n-1]
	for _, g := range p.aggs {
		if g.run < 0 {
			continue
		}
		m.lasts = grows(m.lasts, int(n)*p.running)
		before := p.last(m, g, step.before)
		if g.v >= 0 && g.v != int(step.v) {
			m.lasts[int(n-1)*p.running+g.run] = before
			continue
		}
		m.lasts[int(n-1)*p.running+g.run] = n
		if len(m.aggs) == 0 {
			continue
		}
		r, tried := &m.aggs[g.run], patTip{before, step.row}
		for _, tip := range []*patTip{&r.tip, &r.finals[0].tip, &r.finals[1].tip} {
			if *tip == tried {
				*tip = patTip{n, -1}
			}
		}
	}
}

// aggregated is the aggregates of g for a way to match that ends with the step
// last and then a row of variable v at a place; the caller releases them.
func (p *Pattern) aggregated(g *patAgg, i int, m *matcher, last, place int32, v int) ([]arrow.Array, error) {
	if len(m.aggs) == 0 {
		m.aggs = make([]patRun, p.running)
		for k := range m.aggs {
			m.aggs[k].tip = noRows
		}
	}
	r, want := &m.aggs[g.run], patTip{p.last(m, g, last), -1}
	if g.v < 0 || g.v == v {
		want.row = m.next
	}
	for _, f := range r.finals {
		if f.tip == want && f.cols != nil {
			return retained(f.cols), nil
		}
	}
	// The rows from the tip on, the last one first; all if it is not on the way.
	var rows []int32
	first := place - int32(m.next-m.start)
	at := want.at
	for ; at != 0 && (at != r.tip.at || r.tip.row >= 0); at = p.last(m, g, m.history[at-1].before) {
		rows = append(rows, p.tick.rows[first+int32(m.history[at-1].row-m.start)])
	}
	slot := p.tick.parts[i].slot
	if at == 0 && r.tip != noRows {
		g.runs.Reset([]uint32{slot})
	}
	var q pieces
	for k := len(rows) - 1; k >= 0; k-- {
		q.rows, q.slots = append(q.rows, rows[k]), append(q.slots, slot)
	}
	if want.row >= 0 {
		q.rows, q.slots = append(q.rows, p.tick.rows[place]), append(q.slots, slot)
	}
	if err := q.flush(p.mem, g.runs, p.hand.x.Columns()[g.column:g.column+len(g.plan.ArgFields())], len(p.state)); err != nil {
		return nil, err
	}
	r.tip = want
	cols, err := g.runs.Final([]uint32{slot}, nil)
	if err != nil {
		return nil, err
	}
	grouped.Release(r.finals[0].cols)
	r.finals[0], r.finals[1] = r.finals[1], patSum{want, cols}
	return retained(cols), nil
}

// retained is cols, once more.
func retained(cols []arrow.Array) []arrow.Array {
	for _, c := range cols {
		c.Retain()
	}
	return cols
}

// dropRuns forgets the running aggregates of the matcher of a slot.
func (p *Pattern) dropRuns(slot uint32) {
	m := &p.state[slot]
	for _, r := range m.aggs {
		grouped.Release(r.finals[0].cols)
		grouped.Release(r.finals[1].cols)
	}
	if len(m.aggs) > 0 {
		for _, g := range p.aggs {
			if g.run >= 0 {
				g.runs.Reset([]uint32{slot})
			}
		}
	}
	m.aggs, m.lasts = nil, m.lasts[:0]
}
