package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// patRows is the rows at hand and what is found in them.
type patRows struct {
	x       arrow.Record
	times   []int64  // by row of x
	masks   []uint64 // bit v: the condition of v is TRUE, unless it looks at the match so far
	matches []patView

	runs  []matchRun
	seen  []uint64 // by instruction: when it was reached
	stamp uint64
	stack []int32
	steps []patStep
}

// take looks for matches in the rows of b, which are in order, and those of
// before.
func (p *Pattern) take(b arrow.Record, ts []int64) error {
	t := &p.tick
	t.ids = sized(t.ids, int(b.NumRows()))
	if err := p.groups.Find(b, t.ids); err != nil {
		return err
	}
	all, rowOf := p.life.spread(t.ids, ts, p.groups.Limit(), p.ttl)
	p.state = grows(p.state, p.life.slots.Len())
	fresh, err := p.fresh(b, ts)
	if err != nil {
		return err
	}
	defer fresh.Release()
	return p.match(all, rowOf, fresh, false)
}

// fresh is the rows of b as the store keeps them, without conditions.
func (p *Pattern) fresh(b arrow.Record, ts []int64) (arrow.Record, error) {
	cols := plainColumns{mem: p.mem, cols: []arrow.Array{
		int64Array(p.mem, ts), grouped.Fixed(p.mem, arrow.PrimitiveTypes.Uint64, make([]uint64, len(ts))),
	}}
	defer cols.release()
	if err := cols.values(p.values, b); err != nil {
		return nil, err
	}
	for _, g := range p.aggs {
		if err := cols.args(g.set, b); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(p.store.schema, cols.cols, b.NumRows()), nil
}

// settle looks again at keys for which the watermark decides: whose first row
// is so old that no match goes on, or whose life is over.
func (p *Pattern) settle(done bool) error {
	var all []series
	var over []uint32
	if p.ttl > 0 && !done {
		for _, kid := range p.life.expired(p.mark, p.ttl) {
			if k := &p.life.of[kid]; k.alive {
				all, over = append(all, series{kid: kid, slot: k.slot, ended: true}), append(over, kid)
				k.alive = false // a key may come twice
			}
		}
		for _, kid := range over {
			p.life.of[kid].alive = true
		}
	}
	if done || p.within > 0 {
		for _, kid := range p.life.kids() {
			slot := p.life.of[kid].slot
			m := &p.state[slot]
			if m.open() && (done || p.mark-m.began >= p.within) && (p.ttl == 0 || done || p.mark-p.life.of[kid].last < p.ttl) {
				all = append(all, series{kid: kid, slot: slot, ended: done})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	fresh := emptyRecord(p.mem, p.store.schema)
	defer fresh.Release()
	if err := p.match(all, nil, fresh, true); err != nil {
		return err
	}
	for _, kid := range over {
		if p.life.of[kid].alive {
			p.life.end(kid)
		}
	}
	p.groups.Remove(over)
	return nil
}

// match searches the rows of series.
func (p *Pattern) match(all []series, rowOf []int32, fresh arrow.Record, settled bool) error {
	t, h := &p.tick, &p.hand
	x, starts, err := t.join(p.store, fresh, all)
	if err != nil {
		return err
	}
	defer func() {
		x.Release()
		h.x, h.matches = nil, h.matches[:0]
	}()
	t.lay(all, rowOf, starts, p.store)
	h.x, h.times = x, columnOfTimes(x)
	h.masks = append(h.masks[:0], columnar.Values[uint64](x.Column(1))...)
	if err := p.test(len(rowOf)); err != nil {
		return err
	}
	for i, part := range t.parts {
		p.state[part.slot].count += int64(part.to - part.fresh)
		if err := p.search(i, part.ended, settled); err != nil {
			return err
		}
	}
	if err := p.show(); err != nil {
		return err
	}
	return p.keepRows(settled)
}

// test evaluates the conditions that do not look at matches for the n new rows.
func (p *Pattern) test(n int) error {
	t, h := &p.tick, &p.hand
	base := len(h.masks) - n
	all := uint64(1)<<len(p.conds) - 1
	for i := range n {
		h.masks[base+i] = all
	}
	if n == 0 {
		return nil
	}
	steps, views := make([]patStep, n), make([]patView, n)
	for i, part := range t.parts {
		for k := part.fresh; k < part.to; k++ {
			r := t.rows[k] - t.base
			steps[r].place = k
			views[r] = patView{part: int32(i), steps: steps[r : r+1]}
		}
	}
	for v, s := range p.conds {
		if s == nil || p.past>>v&1 != 0 {
			continue
		}
		rec, err := p.look(s, views, nil)
		if err != nil {
			return err
		}
		rows, err := s.exprs[0].Select(p.mem, rec)
		rec.Release()
		if err != nil {
			return grouped.Failed(s.source[0], "", err)
		}
		for i := range n {
			if !rows.Get(i) {
				h.masks[base+i] &^= 1 << v
			}
		}
	}
	return nil
}

// show makes the output rows of the matches.
func (p *Pattern) show() error {
	views := p.hand.matches
	if p.AllRows {
		views = nil
		for _, m := range p.hand.matches {
			for i := range m.steps {
				views = append(views, patView{m.part, m.steps[:i+1], m.number})
			}
		}
	}
	if len(views) == 0 {
		return nil
	}
	rec, err := p.look(p.measure, views, make(map[int][]arrow.Array))
	if err != nil {
		return err
	}
	defer rec.Release()
	var cols []arrow.Array
	defer func() { grouped.Release(cols) }()
	if !p.AllRows {
		kids := make([]uint32, len(views))
		for i, v := range views {
			kids[i] = p.tick.parts[v.part].kid
		}
		if cols, err = p.groups.Columns(kids); err != nil {
			return err
		}
	}
	for i, e := range p.measure.exprs {
		col, err := e.Eval(p.mem, rec)
		if err != nil {
			return grouped.Failed(p.measure.source[i], "", err)
		}
		cols = append(cols, col)
	}
	p.ready = append(p.ready, array.NewRecord(p.out, cols, int64(len(views))))
	return nil
}

// keepRows puts the rows that are needed again into the store and forgets the
// keys that have none.
func (p *Pattern) keepRows(settled bool) error {
	t, h := &p.tick, &p.hand
	var idx, ns []int32
	var slots, gone []uint32
	for _, part := range t.parts {
		m := &p.state[part.slot]
		switch {
		case part.ended:
			p.free(part.slot)
			if !settled {
				p.life.slots.Put(part.slot)
			}
			continue
		case !m.open() && p.back == 0 && !p.numbers && p.ttl == 0:
			p.free(part.slot)
			p.life.end(part.kid)
			gone = append(gone, part.kid)
			continue
		}
		n := min(int64(part.to-part.from), m.count-m.start+p.back)
		idx = append(idx, t.rows[part.to-int32(n):part.to]...)
		slots, ns = append(slots, part.slot), append(ns, int32(n))
	}
	p.groups.Remove(gone)
	if len(slots) == 0 {
		return nil
	}
	cols := append([]arrow.Array{}, h.x.Columns()...)
	cols[1] = grouped.Fixed(p.mem, arrow.PrimitiveTypes.Uint64, h.masks)
	defer cols[1].Release()
	all := array.NewRecord(p.store.schema, cols, h.x.NumRows())
	defer all.Release()
	kept, err := kernels.TakeRecord(p.mem, all, idx)
	if err != nil {
		return err
	}
	return p.store.put(slots, ns, kept)
}

// free puts a slot into its initial state.
func (p *Pattern) free(slot uint32) {
	p.dropRuns(slot)
	p.state[slot] = matcher{}
	p.store.drop([]uint32{slot})
}
