package stage

import (
	"slices"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// tick puts the rows that have come into the lists of their keys and, unless
// keys wait for the end of their window, emits what has changed.
func (t *Top) tick(w arrowstream.Watermark, emit arrowstream.Emit) error {
	if t.life.tell(w) {
		all := t.live()
		for _, id := range all {
			t.life.see(id)
		}
		t.changed.Mark(all, t.keys.Limit())
	}
	defer t.clean()
	if len(t.held) == 0 {
		return nil
	}
	all, err := kernels.Concat(t.mem, t.held)
	t.release()
	if err != nil {
		return err
	}
	defer all.Release()
	rows, err := t.store(all)
	if err != nil {
		return err
	}
	defer rows.Release()
	ids := make([]uint32, all.NumRows())
	if err := t.keys.FindArrays(t.keys.Of(all), ids); err != nil {
		return err
	}
	t.lists = grown(t.lists, t.keys.Limit())
	t.life.grow(t.keys.Limit())
	added, back := t.pick(all, rows, ids)
	if t.end >= 0 {
		added, back = t.inTime(rows, ids, added), t.inTime(rows, ids, back)
	}
	if added, err = t.sorted(rows, ids, added); err != nil {
		return err
	}
	if !t.changes {
		added = t.first(rows, ids, added)
	}
	keys := touchedKeys(ids, added, back)
	t.lapse(keys)
	old := make([][]uint32, len(keys))
	for i, id := range keys {
		old[i] = slices.Clone(t.lists[id][:t.kept(t.lists[id])])
	}
	lost, err := t.insert(rows, ids, added)
	if err != nil {
		return err
	}
	for _, row := range back {
		if k, ok := t.take(ids[row], rows, int(row)); ok {
			lost = append(lost, k)
		}
	}
	t.changed.Mark(keys, t.keys.Limit())
	for _, id := range keys {
		t.life.see(id)
		if len(t.lists[id]) == 0 {
			t.gone = append(t.gone, id)
		}
	}
	if !t.once() {
		err = t.emitChanges(keys, old, emit)
	}
	t.rows.drop(lost)
	return err
}

// store is the rows of b in the columns that are stored; the caller releases it.
func (t *Top) store(b arrow.Record) (arrow.Record, error) {
	cols := slices.Clone(b.Columns())
	if t.changes {
		cols = cols[:len(cols)-1]
	}
	from := len(cols)
	defer func() { grouped.Release(cols[from:]) }()
	for _, e := range t.exprs {
		col, err := e.Eval(t.mem, b)
		if err != nil {
			return nil, grouped.Error("top: order", err)
		}
		cols = append(cols, col)
	}
	return array.NewRecord(t.stored, cols, b.NumRows()), nil
}

// pick are the rows that are added, and those that are taken back. Where rows
// only come, one that is not before the last row of a full list has no effect.
func (t *Top) pick(all, rows arrow.Record, ids []uint32) (added, back []int32) {
	takes, _ := grouped.Back(all, t.changes)
	added = make([]int32, 0, len(ids))
	for i, id := range ids {
		if t.changes && takes.Get(i) {
			back = append(back, int32(i))
			continue
		}
		if list := t.lists[id]; t.Ranking == RowNumber && !t.changes && int64(len(list)) == t.N && !t.life.on {
			last, at := t.rows.at(list[len(list)-1])
			if c := t.compare(rows, i, last, at); c > 0 || c == 0 && !t.Latest {
				continue
			}
		}
		added = append(added, int32(i))
	}
	return added, back
}

// inTime are those of rows whose window is open; the others are late.
func (t *Top) inTime(rows arrow.Record, ids []uint32, some []int32) []int32 {
	in := some[:0]
	for _, i := range some {
		end := t.endOf(rows, int(i))
		if end <= t.closed {
			t.late++
			t.lateness.Add(t.closed - end)
			if len(t.lists[ids[i]]) == 0 {
				t.gone = append(t.gone, ids[i])
			}
			continue
		}
		if id := ids[i]; len(t.lists[id]) == 0 {
			t.ends[end] = append(t.ends[end], id) // several times, perhaps
		}
		in = append(in, i)
	}
	return in
}

// endOf is the end of the window of a row; NULL is that of no window, which ends
// with the input.
func (t *Top) endOf(rows arrow.Record, i int) int64 {
	col := rows.Column(t.end)
	if col.IsNull(i) {
		return arrowstream.EndOfTime
	}
	return columnar.FloorDiv(columnar.Values[int64](col)[i]*t.endUnit[0], t.endUnit[1])
}

// sorted puts rows into the order of keys and, in a key, of the order.
func (t *Top) sorted(rows arrow.Record, ids []uint32, some []int32) ([]int32, error) {
	if t.Latest {
		slices.Reverse(some)
	}
	owner := make([]int32, len(some))
	for i, row := range some {
		owner[i] = int32(ids[row])
	}
	owners := fixedArray(t.mem, arrow.PrimitiveTypes.Int32, columnar.AsBytes(owner), len(owner))
	defer owners.Release()
	keys := []kernels.SortKey{{Col: owners}}
	for i, c := range t.order {
		col, err := kernels.Take(t.mem, rows.Column(c), some)
		if err != nil {
			return nil, err
		}
		defer col.Release()
		keys = append(keys, kernels.SortKey{Col: col, Desc: t.OrderBy[i].Desc, NullsLast: t.OrderBy[i].NullsLast})
	}
	order, err := kernels.SortIndices(keys, len(some))
	if err != nil {
		return nil, grouped.Error("top", err)
	}
	for i, k := range order {
		order[i] = some[k]
	}
	return order, nil
}

// first are the rows of each key that could be in its list.
func (t *Top) first(rows arrow.Record, ids []uint32, some []int32) []int32 {
	out, number, from := some[:0], int64(0), 0
	for i, row := range some {
		switch {
		case i == 0 || ids[row] != ids[some[i-1]]:
			number, from = 1, i
		case t.Ranking == DenseRank:
			if t.compare(rows, int(some[i-1]), rows, int(row)) != 0 {
				number++
			}
		case t.Ranking == RowNumber || t.compare(rows, int(some[i-1]), rows, int(row)) != 0:
			number = int64(i - from + 1)
		}
		if number <= t.N {
			out = append(out, row)
		}
	}
	return out
}

// touchedKeys are the keys of rows, each once.
func touchedKeys(ids []uint32, parts ...[]int32) []uint32 {
	var keys []uint32
	for _, rows := range parts {
		for i, row := range rows {
			if i == 0 || ids[row] != ids[rows[i-1]] {
				keys = append(keys, ids[row])
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// insert merges sorted rows into the lists of their keys, and returns the rows
// that are in no list any more, which are still stored.
func (t *Top) insert(rows arrow.Record, ids []uint32, some []int32) (lost []uint32, err error) {
	if len(some) == 0 {
		return nil, nil
	}
	mine, err := kernels.TakeRecord(t.mem, rows, some)
	if err != nil {
		return nil, err
	}
	defer mine.Release()
	numbers := t.rows.add(mine)
	t.marks = grown(t.marks, len(t.rows.places))
	for from := 0; from < len(some); {
		id, to := ids[some[from]], from+1
		for to < len(some) && ids[some[to]] == id {
			to++
		}
		list := t.merge(t.lists[id], numbers[from:to])
		if !t.changes {
			n := t.kept(list)
			lost = append(lost, list[n:]...)
			list = list[:n]
		}
		t.lists[id] = list
		from = to
	}
	return lost, nil
}

// merge is list with more rows; of equal ones those of list come first, unless
// the latest do.
func (t *Top) merge(list, more []uint32) []uint32 {
	if len(list) == 0 {
		return slices.Clone(more)
	}
	n := len(list)
	list = append(list, more...)
	for i, j, k := n-1, len(more)-1, len(list)-1; j >= 0; k-- {
		if i >= 0 && (t.before(more[j], list[i]) || t.Latest && !t.before(list[i], more[j])) {
			list[k] = list[i]
			i--
		} else {
			list[k] = more[j]
			j--
		}
	}
	return list
}

// before tells whether a stored row comes before another one.
func (t *Top) before(a, b uint32) bool {
	x, i := t.rows.at(a)
	y, j := t.rows.at(b)
	return t.compare(x, i, y, j) < 0
}

// compare compares row i of a and row j of b, stored rows, in the order.
func (t *Top) compare(a arrow.Record, i int, b arrow.Record, j int) int {
	for k, c := range t.order {
		x, y, o := a.Column(c), b.Column(c), &t.OrderBy[k]
		if xnull, ynull := x.IsNull(i), y.IsNull(j); xnull || ynull {
			switch {
			case xnull && ynull:
			case xnull == o.NullsLast:
				return 1
			default:
				return -1
			}
			continue
		}
		if d := kernels.Compare(x, i, y, j); d != 0 {
			if o.Desc {
				return -d
			}
			return d
		}
	}
	return 0
}

// kept is how many rows of a list are in the output.
func (t *Top) kept(list []uint32) int {
	n := int(min(t.N, int64(len(list))))
	switch t.Ranking {
	case Rank:
		for n > 0 && n < len(list) && !t.before(list[n-1], list[n]) {
			n++
		}
	case DenseRank:
		number := int64(1)
		for n = min(1, len(list)); n < len(list); n++ {
			if t.before(list[n-1], list[n]) {
				number++
			}
			if number > t.N {
				break
			}
		}
	}
	return n
}

// take takes the oldest stored row of a key that equals row i of rows out of its
// list.
func (t *Top) take(id uint32, rows arrow.Record, i int) (uint32, bool) {
	list := t.lists[id]
	at := sort.Search(len(list), func(k int) bool {
		b, j := t.rows.at(list[k])
		return t.compare(b, j, rows, i) >= 0
	})
	for ; at < len(list); at++ {
		b, j := t.rows.at(list[at])
		if grouped.Equal(rows.Columns(), i, b.Columns(), j) {
			k := list[at]
			t.lists[id] = slices.Delete(list, at, at+1)
			return k, true
		}
		if t.compare(b, j, rows, i) != 0 {
			break
		}
	}
	return 0, false
}

// lapse forgets those of keys that are too old, before they have rows again.
func (t *Top) lapse(keys []uint32) {
	if !t.life.on {
		return
	}
	for _, id := range keys {
		if len(t.lists[id]) > 0 && t.life.over(id) {
			t.rows.drop(t.lists[id])
			t.lists[id] = nil
		}
	}
}

// clean forgets keys that are too old and removes those without rows, if there
// are no checkpoints that must be told.
func (t *Top) clean() {
	if t.life.due() {
		var old []uint32
		for _, id := range t.live() {
			if t.life.over(id) {
				t.rows.drop(t.lists[id])
				t.lists[id] = nil
				old = append(old, id)
			}
		}
		t.changed.Mark(old, t.keys.Limit())
		t.gone = append(t.gone, old...)
	}
	if !t.changed.On() {
		t.remove()
	}
}

// remove removes the keys that have no rows.
func (t *Top) remove() {
	slices.Sort(t.gone)
	t.keys.Remove(slices.DeleteFunc(slices.Compact(t.gone), func(id uint32) bool { return len(t.lists[id]) > 0 }))
	t.gone = t.gone[:0]
}

// live are the keys that have rows.
func (t *Top) live() []uint32 {
	ids := []uint32{}
	for id := range min(len(t.lists), t.keys.Limit()) {
		if len(t.lists[id]) > 0 {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}
