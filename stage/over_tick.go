package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// overTick is the rows at hand: those of the store that they look back at, then
// the new ones. Places number them by series, in the order of the series.
type overTick struct {
	ids   []uint32
	base  int32   // rows of the store
	rows  []int32 // by place: the row
	parts []overPart
	at    []int32 // by new row: its place

	// Peers are new rows of a series that are equal in time and Then.
	step  []int32 // by new row: its peers
	first []int32 // by peers: the first place
	last  []int32 // by peers: the last place

	lo, hi []int32 // by row or peers: the places of a frame
	slid   overSlide
}

// overPart is the places of a series. Between its first rows, which calls with
// frames from the first row look at, and its tail rows may be missing.
type overPart struct {
	series
	from, tail, fresh, to int32
	step, steps           int32 // the first peers and how many
	count                 int64 // rows that came before the new ones
}

// compute makes the columns of the calls for the rows of b, which are in order.
// The caller releases them, also after an error.
func (o *Over) compute(b arrow.Record, ts []int64) (cols []arrow.Array, err error) {
	t, n := &o.tick, int(b.NumRows())
	t.ids = sized(t.ids, n)
	if err := o.groups.Find(b, t.ids); err != nil {
		return nil, err
	}
	all, rowOf := o.life.spread(t.ids, ts, o.groups.Limit(), o.ttl)
	if more := o.life.slots.Len() - len(o.count); more > 0 {
		more = max(more, len(o.count))
		o.count, o.dense = append(o.count, make([]int64, more)...), append(o.dense, make([]int64, more)...)
	}
	x, starts, err := o.gather(b, ts, all)
	if err != nil {
		return nil, err
	}
	defer x.Release()
	t.lay(all, rowOf, starts, o.store)
	for i := range t.parts {
		p := &t.parts[i]
		if p.count = o.count[p.slot]; int64(p.fresh-p.from) < p.count {
			p.tail = min(p.from+o.needs.heads, p.fresh)
		}
	}
	if err := o.findPeers(b, ts); err != nil {
		return nil, err
	}
	axis, err := o.axis(b, x)
	if err != nil {
		return nil, err
	}
	results := make(map[*overFrame][]arrow.Array, len(o.frames))
	defer func() {
		for _, r := range results {
			grouped.Release(r)
		}
	}()
	for _, f := range o.frames {
		if f.open {
			results[f], err = o.running(f, b)
		} else {
			results[f], err = o.sliding(f, x, axis)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range o.calls {
		c := &o.calls[i]
		var col arrow.Array
		switch c.kind {
		case aggregate:
			col = results[c.agg][c.which]
			col.Retain()
		case percentRank, cumeDist:
			col = o.shares(c, n)
		case rowNumber, rank, denseRank, ntile:
			col = o.numbers(c, n)
		default:
			if col, err = o.single(c, b, x, axis); err != nil {
				return cols, err
			}
		}
		cols = append(cols, col)
	}
	return cols, o.turn(x)
}

// lay gives each row at hand its place: the rows that store has of a series,
// which begin at starts, and the new ones behind them.
func (t *overTick) lay(all []series, rowOf []int32, starts []int32, store *shelf) {
	t.parts, t.rows = t.parts[:0], t.rows[:0]
	place := int32(0)
	for _, s := range all {
		old := store.of(s.slot).n
		t.parts = append(t.parts, overPart{series: s, from: place, tail: place, fresh: place + old, to: place + old})
		place += old + s.rows
	}
	t.rows, t.at = sized(t.rows, int(place)), sized(t.at, len(rowOf))
	for i, p := range t.parts {
		for k := p.from; k < p.fresh; k++ {
			t.rows[k] = starts[i] + k - p.from
		}
	}
	for r, s := range rowOf {
		p := &t.parts[s]
		t.rows[p.to], t.at[r] = t.base+int32(r), p.to
		p.to++
	}
}

// findPeers numbers the peers, series by series.
func (o *Over) findPeers(b arrow.Record, ts []int64) error {
	t := &o.tick
	then, err := evalAll(o.mem, o.what, o.keys[len(o.By):], b)
	if err != nil {
		return err
	}
	defer grouped.Release(then)
	t.step, t.first, t.last = sized(t.step, len(ts)), t.first[:0], t.last[:0]
	for i := range t.parts {
		p := &t.parts[i]
		p.step = int32(len(t.first))
		before := int32(-1)
		for k := p.fresh; k < p.to; k++ {
			r := t.rows[k] - t.base
			if before < 0 || ts[r] != ts[before] || !grouped.Equal(then, int(before), then, int(r)) {
				t.first, t.last = append(t.first, k), append(t.last, k)
			}
			t.step[r] = int32(len(t.first) - 1)
			t.last[t.step[r]], before = k, r
		}
		p.steps = int32(len(t.first)) - p.step
	}
	return nil
}

// bound fills lo and hi with the frames of b, by row or by peers. times are
// those of the rows at hand.
func (t *overTick) bound(b overBounds, times []int64) {
	if b.rows {
		t.lo, t.hi = sized(t.lo, len(t.at)), sized(t.hi, len(t.at))
		for _, p := range t.parts {
			for k := p.fresh; k < p.to; k++ {
				r := t.rows[k] - t.base
				if t.lo[r] = p.tail; !b.first {
					t.lo[r] = max(p.tail, k-int32(b.n))
				}
				if t.hi[r] = p.to - 1; !b.last {
					t.hi[r] = min(p.to-1, k+int32(b.after))
				}
			}
		}
		return
	}
	t.lo, t.hi = sized(t.lo, len(t.first)), sized(t.hi, len(t.first))
	for _, p := range t.parts {
		lo, hi := p.tail, p.tail-1
		for s := p.step; s < p.step+p.steps; s++ {
			now := times[t.rows[t.first[s]]]
			switch {
			case b.first:
			case b.n == 0:
				lo = t.first[s]
			default:
				for lo < p.to && now-times[t.rows[lo]] > b.n {
					lo++
				}
			}
			switch {
			case b.last:
				hi = p.to - 1
			case b.after == 0:
				hi = t.last[s]
			default:
				for hi+1 < p.to && times[t.rows[hi+1]]-now <= b.after {
					hi++
				}
			}
			t.lo[s], t.hi[s] = lo, hi
		}
	}
}

// axis is along what the RANGE frames of rows at hand look: their time or, of
// whole partitions, the key they are ordered by.
func (o *Over) axis(b, x arrow.Record) ([]int64, error) {
	if !o.Bounded || !o.needs.times {
		return columnOfTimes(x), nil
	}
	col, err := o.keys[len(o.By)].Eval(o.mem, b)
	if err != nil {
		return nil, grouped.Failed(o.Then[0].Expr, "", err)
	}
	defer col.Release()
	if col.NullN() > 0 {
		return nil, &arrowstream.DataError{Err: &arrowstream.Error{Code: "AS4006", Msg: "over: the time that a RANGE frame looks along is NULL", Hint: "leave such rows out before"}}
	}
	return slices.Clone(timesOf(col)), nil
}

// frameOf is the number of the frame of a new row.
func (t *overTick) frameOf(b overBounds, r int) int32 {
	if b.rows {
		return int32(r)
	}
	return t.step[r]
}

// shares is percent_rank or cume_dist.
func (o *Over) shares(c *overCall, n int) arrow.Array {
	t, out := &o.tick, make([]float64, n)
	for _, p := range t.parts {
		size := p.to - p.fresh
		for k := p.fresh; k < p.to; k++ {
			r := t.rows[k] - t.base
			switch s := t.step[r]; {
			case c.kind == cumeDist:
				out[r] = float64(t.last[s]-p.fresh+1) / float64(size)
			case size > 1:
				out[r] = float64(t.first[s]-p.fresh) / float64(size-1)
			}
		}
	}
	return grouped.Fixed(o.mem, arrow.PrimitiveTypes.Float64, out)
}

// bucket is ntile(n) of row i of size rows: the first size%n buckets have a row
// more than the others.
func bucket(i, size, n int64) int64 {
	few, more := size/n, size%n
	if i < more*(few+1) {
		return i/(few+1) + 1
	}
	return more + (i-more*(few+1))/few + 1
}

// numbers is row_number, rank, dense_rank or ntile.
func (o *Over) numbers(c *overCall, n int) arrow.Array {
	t, out := &o.tick, make([]int64, n)
	for _, p := range t.parts {
		for k := p.fresh; k < p.to; k++ {
			r := t.rows[k] - t.base
			switch s := t.step[r]; c.kind {
			case rowNumber:
				out[r] = p.count + int64(k-p.fresh) + 1
			case rank:
				out[r] = p.count + int64(t.first[s]-p.fresh) + 1
			case ntile:
				out[r] = bucket(int64(k-p.fresh), int64(p.to-p.fresh), c.n)
			default:
				out[r] = o.dense[p.slot] + int64(s-p.step) + 1
			}
		}
	}
	return int64Array(o.mem, out)
}

// single is a call that takes the value of one row.
func (o *Over) single(c *overCall, b, x arrow.Record, axis []int64) (arrow.Array, error) {
	t, n := &o.tick, int(b.NumRows())
	col := x.Column(1 + c.value)
	missing := int32(-1)
	if c.orElse != nil {
		// Row i that has no value takes row missing+i.
		def, err := c.orElse.Eval(o.mem, b)
		if err != nil {
			return nil, grouped.Error("over: default", err)
		}
		defer def.Release()
		both, err := concatColumns(o.mem, col, def)
		if err != nil {
			return nil, err
		}
		defer both.Release()
		col, missing = both, int32(x.NumRows())
	}
	framed := c.kind > lead && (o.Bounded || !c.frame.open)
	if framed {
		t.bound(c.frame, axis)
	}
	idx := make([]int32, n)
	for _, p := range t.parts {
		for k := p.fresh; k < p.to; k++ {
			r := t.rows[k] - t.base
			place := int32(-1)
			last := k
			if !c.frame.rows {
				last = t.last[t.step[r]]
			}
			switch {
			case c.kind == lag:
				if at := k - int32(c.n); at >= p.tail {
					place = at
				}
			case c.kind == lead:
				if at := k + int32(c.n); at < p.to {
					place = at
				}
			case framed:
				i := t.frameOf(c.frame, int(r))
				switch lo, hi := t.lo[i], t.hi[i]; {
				case lo > hi:
				case c.kind == lastValue:
					place = hi
				case lo+int32(c.n)-1 <= hi:
					place = lo + int32(c.n) - 1
				}
			case c.kind == lastValue:
				place = last
			case p.count+int64(last-p.fresh)+1 >= c.n:
				place = p.from + int32(c.n) - 1
			}
			switch {
			case place >= 0:
				idx[r] = t.rows[place]
			case missing >= 0:
				idx[r] = missing + r
			default:
				idx[r] = -1
			}
		}
	}
	return kernels.Take(o.mem, col, idx)
}

// turn puts what later rows need into the store, counts the rows and frees the
// slots of lives that are over.
func (o *Over) turn(x arrow.Record) error {
	t := &o.tick
	var idx []int32
	var slots []uint32
	var ns []int32
	var whole []uint32
	looks := o.needs.heads > 0 || o.needs.rows > 0 || o.needs.span > 0
	times := columnOfTimes(x)
	for _, p := range t.parts {
		o.count[p.slot] += int64(p.to - p.fresh)
		o.dense[p.slot] += int64(p.steps)
		if p.ended || o.Bounded {
			o.free(p.slot)
			if p.ended {
				o.life.slots.Put(p.slot)
			} else {
				o.life.end(p.kid)
				whole = append(whole, p.kid)
			}
			continue
		}
		o.life.changed.Mark([]uint32{p.kid}, o.groups.Limit())
		if !looks {
			continue
		}
		heads := p.from
		if o.needs.heads > 0 {
			if heads = p.tail; heads == p.from {
				heads = min(p.from+o.needs.heads, p.to)
			}
		}
		tail := max(heads, p.tail, p.to-o.needs.rows)
		if o.needs.span > 0 {
			for k := max(heads, p.tail); k < tail; k++ {
				if p.last-times[t.rows[k]] <= o.needs.span {
					tail = k
				}
			}
		}
		n := len(idx)
		idx = append(append(idx, t.rows[p.from:heads]...), t.rows[tail:p.to]...)
		slots, ns = append(slots, p.slot), append(ns, int32(len(idx)-n))
	}
	o.groups.Remove(whole)
	if len(slots) == 0 {
		return nil
	}
	kept, err := kernels.TakeRecord(o.mem, x, idx)
	if err != nil {
		return err
	}
	return o.store.put(slots, ns, kept)
}

// free puts a slot into its initial state.
func (o *Over) free(slots ...uint32) {
	for _, s := range slots {
		o.count[s], o.dense[s] = 0, 0
	}
	o.store.drop(slots)
	for _, f := range o.frames {
		if f.open {
			f.set.Reset(slots)
		}
	}
}

// forget ends the lives of keys.
func (o *Over) forget(kids []uint32) {
	for _, kid := range kids {
		if !o.life.of[kid].alive {
			continue
		}
		o.free(o.life.of[kid].slot)
		o.life.end(kid)
	}
	o.groups.Remove(kids)
}

func (t *overTick) bytes() int64 {
	return int64(4 * (t.slid.words() + cap(t.ids) + cap(t.rows) + cap(t.at) + cap(t.step) + cap(t.first) + cap(t.last) + cap(t.lo) + cap(t.hi) + 16*cap(t.parts)))
}

// grows appends to s until it has n elements.
func grows[T any](s []T, n int) []T {
	return append(s, make([]T, max(0, n-len(s)))...)
}
