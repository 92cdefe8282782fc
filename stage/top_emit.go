package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// topChange is a row that leaves or enters the output, with its number.
type topChange struct {
	row    uint32
	op     int8
	number int64
}

// emitChanges emits, for every key, how its rows differ from those of old.
func (t *Top) emitChanges(keys []uint32, old [][]uint32, emit arrowstream.Emit) error {
	order, err := t.ordered(keys)
	if err != nil || len(order) == 0 {
		return err
	}
	var out []topChange
	for _, i := range order {
		list := t.lists[keys[i]]
		list = list[:t.kept(list)]
		switch {
		case t.Ranking == RowNumber && (t.Number != "" || t.N == 1):
			out = pairChanges(out, old[i], list)
		case t.Number != "":
			out = t.numberChanges(out, old[i], list)
		default:
			out = t.rowChanges(out, old[i], list)
		}
	}
	if out = t.net(out); len(out) == 0 {
		return nil
	}
	return t.emitRows(out, emit)
}

// ordered is the order of keys by their values.
func (t *Top) ordered(keys []uint32) ([]int32, error) {
	cols, err := t.keys.Columns(keys)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(cols)
	return grouped.Order(cols, len(keys))
}

// pairChanges compares the rows of each number.
func pairChanges(out []topChange, old, list []uint32) []topChange {
	for i := range max(len(old), len(list)) {
		n := int64(i + 1)
		switch {
		case i >= len(list):
			out = append(out, topChange{old[i], int8(columnar.Delete), n})
		case i >= len(old):
			out = append(out, topChange{list[i], int8(columnar.Insert), n})
		case old[i] != list[i]:
			out = append(out, topChange{old[i], int8(columnar.UpdateBefore), n}, topChange{list[i], int8(columnar.UpdateAfter), n})
		}
	}
	return out
}

// rowChanges are the rows that are in one list and not in the other.
func (t *Top) rowChanges(out []topChange, old, list []uint32) []topChange {
	t.epoch += 2
	for _, k := range list {
		t.marks[k] = t.epoch
	}
	for _, k := range old {
		if t.marks[k] == t.epoch {
			t.marks[k]++
		} else {
			out = append(out, topChange{k, int8(columnar.Delete), 0})
		}
	}
	for _, k := range list {
		if t.marks[k] == t.epoch {
			out = append(out, topChange{k, int8(columnar.Insert), 0})
		}
	}
	return out
}

// numberChanges are the rows that are in one list and not, with the same number,
// in the other, for numbers that several rows may have.
func (t *Top) numberChanges(out []topChange, old, list []uint32) []topChange {
	was, is := t.numbers(old), t.numbers(list)
	at := make(map[uint32]int64, len(old))
	for i, k := range old {
		at[k] = was[i]
	}
	for i, k := range list {
		if at[k] == is[i] {
			at[k] = -1 // stays
		}
	}
	for i, k := range old {
		if at[k] >= 0 {
			out = append(out, topChange{k, int8(columnar.Delete), was[i]})
		}
	}
	for i, k := range list {
		if at[k] >= 0 {
			out = append(out, topChange{k, int8(columnar.Insert), is[i]})
		}
	}
	return out
}

// numbers are the numbers of the rows of a list.
func (t *Top) numbers(list []uint32) []int64 {
	out := make([]int64, len(list))
	for i := range list {
		switch {
		case t.Ranking == RowNumber, i == 0, t.Ranking == Rank && t.before(list[i-1], list[i]):
			out[i] = int64(i + 1)
		case t.Ranking == DenseRank && t.before(list[i-1], list[i]):
			out[i] = out[i-1] + 1
		default:
			out[i] = out[i-1]
		}
	}
	return out
}

// net leaves out changes that take a row back and give an equal one: two rows of
// the same number with equal columns, or one that was taken back and came again.
func (t *Top) net(changes []topChange) []topChange {
	out := changes[:0]
	for i := 0; i < len(changes); i++ {
		c := changes[i]
		if c.op == int8(columnar.UpdateBefore) {
			if !t.equal(c.row, changes[i+1].row) {
				out = append(out, c, changes[i+1])
			}
			i++
			continue
		}
		if c.op != int8(columnar.Insert) || !t.cancel(out, c) {
			out = append(out, c)
		}
	}
	return slices.DeleteFunc(out, func(c topChange) bool { return c.op < 0 })
}

// cancel looks for a deletion of an equal row with the same number among the
// last changes, and voids it.
func (t *Top) cancel(changes []topChange, c topChange) bool {
	if !t.changes {
		return false // rows only leave for rows before them
	}
	for i := len(changes) - 1; i >= 0; i-- {
		switch o := &changes[i]; {
		case o.op == int8(columnar.Insert), o.op < 0:
			continue
		case o.op != int8(columnar.Delete):
			return false
		case o.number == c.number && t.equal(o.row, c.row):
			o.op = -1
			return true
		case !t.sameKey(o.row, c.row):
			return false
		}
	}
	return false
}

func (t *Top) equal(a, b uint32) bool {
	x, i := t.rows.at(a)
	y, j := t.rows.at(b)
	return grouped.Equal(x.Columns(), i, y.Columns(), j)
}

func (t *Top) sameKey(a, b uint32) bool {
	x, i := t.rows.at(a)
	y, j := t.rows.at(b)
	return grouped.Equal(slices.Clone(t.keys.Of(x)), i, t.keys.Of(y), j)
}

// emitRows emits rows that are stored.
func (t *Top) emitRows(changes []topChange, emit arrowstream.Emit) error {
	numbers := make([]uint32, len(changes))
	for i, c := range changes {
		numbers[i] = c.row
	}
	rows, err := t.rows.take(numbers)
	if err != nil {
		return err
	}
	defer rows.Release()
	cols := slices.Clone(rows.Columns()[:rows.NumCols()-int64(len(t.exprs))])
	if t.Number != "" {
		vals := make([]int64, len(changes))
		for i, c := range changes {
			vals[i] = c.number
		}
		col := int64Array(t.mem, vals)
		defer col.Release()
		cols = append(cols, col)
	}
	if !t.once() {
		vals := make([]int8, len(changes))
		for i, c := range changes {
			vals[i] = c.op
		}
		col := opArray(t.mem, vals)
		defer col.Release()
		cols = append(cols, col)
	}
	out := array.NewRecord(t.out, cols, int64(len(changes)))
	defer out.Release()
	return emit(out)
}

// emitClosed emits the rows of the keys whose window the watermark has passed,
// keys ascending, and forgets them.
func (t *Top) emitClosed(w arrowstream.Watermark, emit arrowstream.Emit) error {
	t.closed = max(t.closed, w.Event)
	var keys []uint32
	for end, ids := range t.ends {
		if end <= w.Event {
			for _, id := range ids {
				// The number of a key that has gone may be that of another one.
				if list := t.lists[id]; len(list) > 0 && t.endOf(t.rows.at(list[0])) <= w.Event {
					keys = append(keys, id)
				}
			}
			delete(t.ends, end)
		}
	}
	slices.Sort(keys)
	return t.emitOnce(slices.Compact(keys), emit)
}

// emitOnce emits the rows of keys, which are forgotten.
func (t *Top) emitOnce(keys []uint32, emit arrowstream.Emit) error {
	if len(keys) == 0 {
		return nil
	}
	order, err := t.ordered(keys)
	if err != nil {
		return err
	}
	var out []topChange
	var lost []uint32
	for _, i := range order {
		list := t.lists[keys[i]]
		lost = append(lost, list...)
		list = list[:t.kept(list)]
		for k, n := range t.numbers(list) {
			out = append(out, topChange{list[k], 0, n})
		}
		t.lists[keys[i]] = nil
	}
	for some := range slices.Chunk(out, sortedRows) {
		if err := t.emitRows(some, emit); err != nil {
			return err
		}
	}
	t.rows.drop(lost)
	t.changed.Mark(keys, t.keys.Limit())
	t.gone = append(t.gone, keys...)
	t.clean()
	return nil
}

// Order implements [arrowstream.Parallel]: the rows of a key come from one
// instance, in order.
func (t *Top) Order() []string { return t.By }

// Counts implements [arrowstream.Counted].
func (t *Top) Counts() arrowstream.Counts {
	c := arrowstream.Counts{Late: t.late, Lateness: t.lateness}
	if t.open {
		lists := int64(24 * cap(t.lists))
		for _, l := range t.lists {
			lists += int64(4 * cap(l))
		}
		c.HeapBytes = t.rows.bytes() + lists + int64(4*cap(t.marks)) + t.changed.Bytes() + t.life.bytes()
		c.StateRows, c.StateBytes = int64(t.rows.live), t.keys.Bytes()+t.rows.size()+c.HeapBytes
	}
	return c
}

// release lets go of the rows of the tick.
func (t *Top) release() {
	for _, b := range t.held {
		b.Release()
	}
	t.held = t.held[:0]
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (t *Top) Close() error {
	t.release()
	if t.open {
		t.rows.release()
		t.keys.Release()
		t.open = false
	}
	return nil
}
