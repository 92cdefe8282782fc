package agg

import (
	"iter"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// column is one value of fixed width per group, in memory of an allocator whose
// Allocate returns zeroed memory, as columnar.Pool and all allocators of Go
// memory do. The initial state of a group is the zero value. T has no pointers.
type column[T any] struct {
	mem memory.Allocator
	raw []byte
	v   []T
}

// grow makes room for n values; the new ones are zero.
func (c *column[T]) grow(n int) {
	if n <= len(c.v) {
		return
	}
	if n > cap(c.v) {
		size := int(unsafe.Sizeof(*new(T)))
		more := 2 * cap(c.v)
		if len(c.raw) >= hugeColumn {
			more = cap(c.v) + cap(c.v)/4
		}
		old, bytes := len(c.raw), max(n, more, 16)*size
		if c.raw == nil {
			// Fresh memory is zero, and clearing it would touch every page of
			// a table that stays sparse.
			c.raw = c.mem.Allocate(bytes)
		} else {
			c.raw = c.mem.Reallocate(bytes, c.raw)
			clear(c.raw[old:])
		}
		c.v = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(c.raw))), bytes/size)[:len(c.v)]
	}
	c.v = c.v[:n]
}

// reserve makes room for n values without adding them.
func (c *column[T]) reserve(n int) {
	had := len(c.v)
	c.grow(n)
	c.v = c.v[:had]
}

// blocks are stretches of groups, one after the other. Where the column is
// larger than a cache, the values of the next stretch are asked for before one
// is worked on: a loop that branches on what it reads would wait for every miss
// alone. Groups are less than len(c.v).
func (c *column[T]) blocks(groups []uint32) iter.Seq2[int, int] {
	return func(yield func(lo, hi int) bool) {
		if len(c.raw) <= largeColumn {
			yield(0, len(groups))
			return
		}
		table, size := unsafe.Pointer(unsafe.SliceData(c.raw)), unsafe.Sizeof(*new(T))
		next := min(columnBlock, len(groups))
		simd.PrefetchRows(table, groups[:next], size)
		for lo := 0; lo < len(groups); {
			hi := next
			next = min(hi+columnBlock, len(groups))
			simd.PrefetchRows(table, groups[hi:next], size)
			if !yield(lo, hi) {
				return
			}
			lo = hi
		}
	}
}

const (
	largeColumn = 1 << 20  // bytes
	hugeColumn  = 64 << 20 // bytes, from which on a column grows by a quarter
	columnBlock = 32       // groups
)

// reset zeroes the values of groups, of all when groups is nil.
func (c *column[T]) reset(groups []uint32) {
	if groups == nil {
		clear(c.v)
		return
	}
	var zero T
	for _, g := range groups {
		if int(g) < len(c.v) {
			c.v[g] = zero
		}
	}
}

func (c *column[T]) bytes() int64 { return int64(len(c.raw)) }

func (c *column[T]) release() {
	if c.raw != nil {
		c.mem.Free(c.raw)
		c.raw, c.v = nil, nil
	}
}

// all is groups itself, or 0 to n-1 when it is nil.
func all(groups []uint32, n int) []uint32 {
	if groups != nil {
		return groups
	}
	groups = make([]uint32, n)
	for i := range groups {
		groups[i] = uint32(i)
	}
	return groups
}

// need is the number of groups that must exist to look at groups.
func need(groups []uint32) int {
	n := 0
	for _, g := range groups {
		n = max(n, int(g)+1)
	}
	return n
}

// zeros lends group numbers for rows that all belong to group 0.
type zeros []uint32

// of is groups itself, or n zeros when it is nil.
func (z *zeros) of(groups []uint32, n int) []uint32 {
	if groups != nil {
		return groups
	}
	if len(*z) < n {
		*z = make([]uint32, max(n, 1024))
	}
	return (*z)[:n]
}

// result is a column under construction: n values of fixed width, none of them
// null at first.
type result[T any] struct {
	v      []T
	mem    memory.Allocator
	values *memory.Buffer
	valid  *validity
	nulls  int
}

// newResult starts a column of n zeros.
func newResult[T any](mem memory.Allocator, n int) *result[T] {
	r := &result[T]{mem: mem, values: memory.NewResizableBuffer(mem)}
	r.values.Resize(n * int(unsafe.Sizeof(*new(T))))
	clear(r.values.Bytes())
	r.v = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(r.values.Bytes()))), n)
	return r
}

// null makes value i NULL; v[i] is left zero.
func (r *result[T]) null(i int) {
	if r.valid == nil {
		r.valid = newValid(r.mem, len(r.v))
	}
	r.valid.bits.Clear(i)
	r.nulls++
}

// array ends the construction.
func (r *result[T]) array(t arrow.DataType) arrow.Array {
	return newArray(t, len(r.v), r.nulls, []*memory.Buffer{r.valid.buffer(r.nulls), r.values})
}

// validity is the bitmap of a column under construction, all set at first.
type validity struct {
	buf  *memory.Buffer
	bits columnar.Bitmap
}

func newValid(mem memory.Allocator, n int) *validity {
	v := &validity{buf: memory.NewResizableBuffer(mem)}
	v.buf.Resize(columnar.BitmapBytes(n))
	v.bits = columnar.Bitmap{Bits: v.buf.Bytes(), N: n}
	v.bits.CopyFrom(columnar.Bitmap{N: n})
	return v
}

// buffer is the bitmap, nil if there are no nulls.
func (v *validity) buffer(nulls int) *memory.Buffer {
	if v == nil {
		return nil
	}
	if nulls == 0 {
		v.buf.Release()
		return nil
	}
	return v.buf
}

// newArray builds a column out of buffers, which it takes over, and children,
// which it borrows.
func newArray(t arrow.DataType, n, nulls int, buffers []*memory.Buffer, children ...arrow.Array) arrow.Array {
	data := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		data[i] = c.Data()
	}
	d := array.NewData(t, n, buffers, data, nulls, 0)
	defer d.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return array.MakeFromData(d)
}

// boolArray builds a bool column out of one byte per value: 0 false, 1 true,
// 2 NULL.
func boolArray(mem memory.Allocator, vals []uint8) arrow.Array {
	values, valid, nulls := newResult[byte](mem, columnar.BitmapBytes(len(vals))), newValid(mem, len(vals)), 0
	bits := columnar.Bitmap{Bits: values.v, N: len(vals)}
	for i, x := range vals {
		switch x {
		case 1:
			bits.Set(i)
		case 2:
			valid.bits.Clear(i)
			nulls++
		}
	}
	return newArray(arrow.FixedWidthTypes.Boolean, len(vals), nulls, []*memory.Buffer{valid.buffer(nulls), values.values})
}

// releaseAll releases every array that is there.
func releaseAll(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
