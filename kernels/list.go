package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// listArg is an argument that is a list, a vector or a map: the elements of
// all rows, and where those of a row stand.
type listArg struct {
	values arrow.Array // of the array, borrowed
	off    []int32     // of lists and maps
	base   int         // of vectors: the first element of row 0
	width  int
	mask   int
}

func listOf(d Datum) listArg {
	l := listArg{values: d.Array.(array.ListLike).ListValues(), mask: d.mask()}
	if t, ok := d.Type().(*arrow.FixedSizeListType); ok {
		l.width = int(t.Len())
		l.base = d.Array.Data().Offset() * l.width
	} else {
		l.off = offsets[int32](d.Array)
	}
	return l
}

// at is the positions [from, to) of the elements of row i in values.
func (l *listArg) at(i int) (from, to int) {
	i &= l.mask
	if l.off != nil {
		return int(l.off[i]), int(l.off[i+1])
	}
	return l.base + i*l.width, l.base + (i+1)*l.width
}

// position is where element k of row i stands, counted from 1 or, if negative,
// from -1 at the end; -1 if there is none.
func (l *listArg) position(i int, k int64) int32 {
	from, to := l.at(i)
	if k < 0 {
		k += int64(to-from) + 1
	}
	if k < 1 || k > int64(to-from) {
		return -1
	}
	return int32(from) + int32(k) - 1
}

// bothValid is the rows where no argument is NULL.
func bothValid(n int, args ...Datum) columnar.Bitmap {
	v := columnar.Bitmap{N: n}
	for _, d := range args {
		v = columnar.And(v, validBits(d, n))
	}
	return v
}

// elementAt is list[k], NULL where there is no such element. Cost: 3 ns per row
// and the copy of an element.
func elementAt(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l, k := listOf(args[0]), intsOf(args[1])
		valid := bothValid(n, args...)
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = -1
			if valid.Get(i) {
				rows[i] = l.position(i, k.at(i))
			}
		}
		return Take(mem, l.values, rows)
	}
}

// mapValue is map[key], NULL where the key is missing; of equal keys the last
// counts.
func mapValue(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		m := args[0].Array.(*array.Map)
		l := listOf(args[0])
		l.values = m.Keys()
		hits, err := l.match(mem, n, bothValid(n, args...), args[1])
		if err != nil {
			return nil, err
		}
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = -1
			for k := hits.ends[i]; k < hits.ends[i+1]; k++ {
				if hits.bits.Get(int(k)) {
					rows[i] = hits.at[k]
				}
			}
		}
		return Take(mem, m.Items(), rows)
	}
}

// matches are the elements of lists that are equal to the value of their row.
type matches struct {
	at   []int32 // positions of the elements of all rows, row by row
	ends []int32 // row i is at[ends[i]:ends[i+1]]
	bits columnar.Bitmap
}

// match compares the elements of the valid rows with x, whose values have the
// type of the elements; NULL equals NULL.
func (l *listArg) match(mem memory.Allocator, n int, valid columnar.Bitmap, x Datum) (matches, error) {
	m := matches{ends: make([]int32, n+1)}
	var rows []int32
	for i := range n {
		if valid.Get(i) {
			for from, to := l.at(i); from < to; from++ {
				m.at = append(m.at, int32(from))
				if !x.Const {
					rows = append(rows, int32(i))
				}
			}
		}
		m.ends[i+1] = int32(len(m.at))
	}
	elements, err := Take(mem, l.values, m.at)
	if err != nil {
		return m, err
	}
	defer elements.Release()
	if !x.Const {
		a, err := Take(mem, x.Array, rows)
		if err != nil {
			return m, err
		}
		defer a.Release()
		x = Column(a)
	}
	same, err := distinctKernel(false)(mem, len(m.at), []Datum{Column(elements), x})
	if err != nil {
		return m, err
	}
	defer same.Release()
	m.bits = columnar.NewBitmap(same.Len())
	bits := columnar.Bools(same)
	for w := range m.bits.Words() {
		m.bits.PutWord(w, bits.Word(w))
	}
	return m, nil
}

// arrayContains is whether an element equals x; a NULL x looks for a NULL.
func arrayContains(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if args[0].Null() {
		return Nulls(mem, boolType, n), nil
	}
	l := listOf(args[0])
	valid := strict(mem, n, args[0])
	m, err := l.match(mem, n, valid.bits, args[1])
	if err != nil {
		valid.release()
		return nil, err
	}
	out := newBools(mem, n)
	for i := range n {
		if m.first(i) >= 0 {
			out.bits.Set(i)
		}
	}
	return out.finish(valid), nil
}

// first is the first match of row i, counted from 0 within the row, or -1.
func (m *matches) first(i int) int {
	for k := m.ends[i]; k < m.ends[i+1]; k++ {
		if m.bits.Get(int(k)) {
			return int(k - m.ends[i])
		}
	}
	return -1
}

// arrayPosition is where x first occurs, from 1; 0 if nowhere.
func arrayPosition(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	l := listOf(args[0])
	valid := strict(mem, n, args...)
	m, err := l.match(mem, n, valid.bits, args[1])
	if err != nil {
		valid.release()
		return nil, err
	}
	buf, out := fixed[int32](mem, n)
	for i := range out {
		if valid.get(i) {
			out[i] = int32(m.first(i)) + 1
		}
	}
	return finish(int32Type, valid, buf), nil
}

// cardinality is the number of elements.
func cardinality(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	l := listOf(args[0])
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i := range out {
		if valid.get(i) {
			from, to := l.at(i)
			out[i] = int32(to - from)
		}
	}
	return finish(int32Type, valid, buf), nil
}

// arrayExtremum is the greatest element, or with sign -1 the least. NULLs are
// passed over.
func arrayExtremum(t arrow.DataType, sign int) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l := listOf(args[0])
		best := l.extremes(n, bothValid(n, args...), sign)
		return Take(mem, l.values, best)
	}
}

// extremes is the position of the first greatest (or least) element of each
// row, -1 where there is none.
func (l *listArg) extremes(n int, valid columnar.Bitmap, sign int) []int32 {
	best := make([]int32, n)
	for i := range best {
		best[i] = -1
		if !valid.Get(i) {
			continue
		}
		for k, to := l.at(i); k < to; k++ {
			if valueIsNull(l.values, k) {
				continue
			}
			if best[i] < 0 || Compare(l.values, k, l.values, int(best[i])) == sign {
				best[i] = int32(k)
			}
		}
	}
	return best
}

// argMax is the position, from 1, of the first greatest element.
func argMax(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	l := listOf(args[0])
	valid := strict(mem, n, args...)
	best := l.extremes(n, valid.bits, 1)
	buf, out := fixed[int32](mem, n)
	for i, k := range best {
		if k < 0 {
			valid.null(i)
			continue
		}
		from, _ := l.at(i)
		out[i] = k - int32(from) + 1
	}
	return finish(int32Type, valid, buf), nil
}
