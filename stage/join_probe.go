package stage

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/simd"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// joinPairs are pairs of a row of a batch, -1 for none, and a row of the other
// input: its place, [kernels.NoPlace] for none, and its slot.
type joinPairs struct {
	rows   []int32
	places []kernels.Place
	slots  []uint32
}

func (p *joinPairs) reset() { p.rows, p.places, p.slots = p.rows[:0], p.places[:0], p.slots[:0] }

func (p *joinPairs) bytes() int64 { return int64(4*cap(p.rows) + 8*cap(p.places) + 4*cap(p.slots)) }

const (
	// joinedRows is how many pairs are looked at, and emitted, at a time.
	joinedRows = 1 << 15
	// probeBlock is for how many rows memory is asked for ahead.
	probeBlock = 256
)

// probe joins the rows of b with what is remembered of the other input, and
// emits what that changes. Cost per row with one match: a miss of the cache each
// for its key, the chain and the row found, asked for a block ahead, and the
// values.
func (j *HashJoin) probe(input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	n := int(b.NumRows())
	others := j.sides[1-input].rows
	j.matched = sized(j.matched, n)
	clear(j.matched)
	j.pairs.reset()
	from := 0 // rows before it are done
	if others == nil || others.live == 0 {
		return j.weigh(input, b, from, n, emit)
	}
	var at [probeBlock]uint32
	p := &j.pairs
	for lo := 0; lo < n; lo += probeBlock {
		hi := min(lo+probeBlock, n)
		j.firsts(others, lo, hi, &at)
		for i := lo; i < hi; i++ {
			if j.own != nil && j.own[i] == unknown {
				continue
			}
			for next := at[i-lo]; next != 0; {
				row := &others.rows[next-1]
				p.rows = append(p.rows, int32(i))
				p.places = append(p.places, row.place)
				p.slots = append(p.slots, next-1)
				if next = row.next; len(p.rows) == joinedRows {
					if err := j.weigh(input, b, from, i, emit); err != nil {
						return err
					}
					from = i
				}
			}
		}
	}
	return j.weigh(input, b, from, n, emit)
}

// firsts stores the heads of the chains of rows [lo, hi) in at.
func (j *HashJoin) firsts(others *joinRows, lo, hi int, at *[probeBlock]uint32) {
	heads := others.heads
	if len(heads) == 0 {
		clear(at[:hi-lo])
		return
	}
	simd.PrefetchRows(unsafe.Pointer(unsafe.SliceData(heads)), j.ids[lo:hi], unsafe.Sizeof(joinHead{}))
	var slots [probeBlock]uint32
	for i, kid := range j.ids[lo:hi] {
		at[i] = 0
		if int(kid) < len(heads) {
			at[i] = heads[kid].first
		}
		slots[i] = max(at[i], 1) - 1
	}
	simd.PrefetchRows(unsafe.Pointer(unsafe.SliceData(others.rows)), slots[:hi-lo], unsafe.Sizeof(joinRow{}))
}

// weigh takes the pairs that match, which are all there are of rows [from, to),
// emits what they and those rows change, and forgets the pairs.
func (j *HashJoin) weigh(input int, b arrowstream.Batch, from, to int, emit arrowstream.Emit) error {
	others := j.sides[1-input].rows
	p := &j.pairs
	defer p.reset()
	keep, err := j.plan.matching(j.mem, pairing{input, b, p.rows, p.places}, others)
	if err != nil {
		return err
	}
	if !keep.All() {
		n := 0
		for i := range keep.Ones() {
			p.rows[n], p.places[n], p.slots[n] = p.rows[i], p.places[i], p.slots[i]
			n++
		}
		p.rows, p.places, p.slots = p.rows[:n], p.places[:n], p.slots[:n]
	}
	if j.Kind == InnerJoin {
		j.changes = j.changes[:0]
		for _, i := range p.rows {
			if !j.updates {
				break
			}
			j.changes = append(j.changes, changeOf(j.takesBack(int(i))))
		}
		return j.emitPairs(input, b, p, emit)
	}
	j.out.reset()
	j.changes = j.changes[:0]
	k := 0
	for i := from; i < to || k < len(p.rows); i++ {
		first := k
		for k < len(p.rows) && int(p.rows[k]) == i {
			j.match(input, i, p.places[k], p.slots[k], others)
			k++
		}
		j.matched[i] += uint32(k - first)
		if i < to {
			j.finishRow(input, i)
		}
		if len(j.out.rows) >= joinedRows {
			if err := j.emitPairs(input, b, &j.out, emit); err != nil {
				return err
			}
			j.out.reset()
			j.changes = j.changes[:0]
		}
	}
	return j.emitPairs(input, b, &j.out, emit)
}

func changeOf(takesBack bool) int8 {
	if takesBack {
		return int8(columnar.Delete)
	}
	return int8(columnar.Insert)
}

// put adds a row to what is emitted.
func (j *HashJoin) put(row int32, place kernels.Place, takesBack bool) {
	j.out.rows, j.out.places = append(j.out.rows, row), append(j.out.places, place)
	j.changes = append(j.changes, changeOf(takesBack))
}

// match is what follows from row i of the batch having a match.
func (j *HashJoin) match(input, i int, place kernels.Place, slot uint32, others *joinRows) {
	back := j.takesBack(i)
	was, is := false, true // the other row has a match
	if j.Kind.counts(1 - input) {
		row := &others.rows[slot]
		was = row.matches > 0
		if back {
			row.matches--
		} else {
			row.matches++
		}
		is = row.matches > 0
		others.touch(slot)
	}
	flips := was != is && j.Kind.counts(1-input)
	pads := j.Kind.pads(1-input) && j.updates
	if flips && is && pads {
		j.put(-1, place, true)
	}
	if j.Kind.pairs() {
		j.put(int32(i), place, back)
	}
	if flips && !is && pads {
		j.put(-1, place, false)
	}
	if flips && input == 1 && j.Kind == SemiJoin {
		j.put(-1, place, !is)
	}
}

// finishRow is what follows from row i of the batch having all its matches.
func (j *HashJoin) finishRow(input, i int) {
	if j.own != nil && j.own[i] == unknown {
		return
	}
	has := j.matched[i] > 0
	switch {
	case input == 0 && j.Kind == SemiJoin && has:
		j.put(int32(i), kernels.NoPlace, j.takesBack(i))
	case j.Kind.pads(input) && !has && (j.updates || j.sides[1-input].ended || j.ids[i] == agg.NoGroup):
		j.put(int32(i), kernels.NoPlace, j.takesBack(i))
	}
	if r := j.sides[input].rows; r != nil && j.own[i] != 0 {
		r.rows[j.own[i]-1].matches = j.matched[i]
	}
}

// emitPairs emits the columns of pairs with changes.
func (j *HashJoin) emitPairs(input int, b arrowstream.Batch, p *joinPairs, emit arrowstream.Emit) error {
	if len(p.rows) == 0 {
		return nil
	}
	cols, err := j.plan.gather(j.mem, j.plan.columns, pairing{input, b, p.rows, p.places}, j.sides[1-input].rows)
	if err != nil {
		return err
	}
	return j.emitColumns(cols, len(p.rows), emit)
}

// emitColumns emits n rows of cols, which it takes over, with changes.
func (j *HashJoin) emitColumns(cols []arrow.Array, n int, emit arrowstream.Emit) error {
	if j.updates {
		cols = append(cols, opArray(j.mem, j.changes))
	}
	defer grouped.Release(cols)
	out := array.NewRecord(j.plan.out, cols, int64(n))
	defer out.Release()
	return emit(out)
}
