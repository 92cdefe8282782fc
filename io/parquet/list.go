package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// maxElements bounds the elements of one list column in one batch.
const maxElements = 64 << 20

// listReader reads a list of plain values, as a list or, when every list has
// the same length, as a fixed-size list.
type listReader struct {
	c          *chunk
	shape      *shape
	typ        arrow.DataType
	elem       arrow.DataType
	mem        memory.Allocator
	pos        int // next level of the page
	thresholds []int
	present    []*bitBuffer
}

func (r *listReader) skip(n int64) error {
	for n > 0 {
		k := min(n, 4096)
		a, err := r.read(int(k))
		if err != nil {
			return err
		}
		a.Release()
		n -= k
	}
	return nil
}

// lists is the state of one read.
type lists struct {
	n        int // rows asked for
	rows     int // rows begun
	elements int
	nulls    int // null lists
	missing  int // null elements
	offsets  *memory.Buffer
	valid    *bitBuffer // of lists
	there    *bitBuffer // of elements
	values   builder
}

func (r *listReader) read(n int) (arrow.Array, error) {
	values, err := newBuilder(r.mem, r.c.leaf, r.elem)
	if err != nil {
		return nil, err
	}
	l := lists{n: n, offsets: memory.NewResizableBuffer(r.mem), valid: newBitBuffer(r.mem), there: newBitBuffer(r.mem), values: values}
	defer l.values.release()
	defer l.offsets.Release()
	defer l.valid.release()
	defer l.there.release()
	l.offsets.Resize(4 * (n + 1))
	l.valid.grow(n)
	r.releasePresent()
	for range r.thresholds {
		p := newBitBuffer(r.mem)
		r.present = append(r.present, p)
		p.grow(n)
	}
	for {
		if r.c.vals == 0 {
			ok, err := r.c.load(nil)
			if err != nil {
				return nil, err
			}
			if !ok {
				if l.rows < n {
					return nil, errColumnEnds
				}
				break
			}
			r.pos = 0
		}
		done, err := r.page(&l)
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
	}
	columnar.AsValues[int32](l.offsets.Bytes())[n] = int32(l.elements)
	return r.array(&l)
}

// page takes what belongs to the wanted rows out of the current page. It is
// done when it meets the row after them.
func (r *listReader) page(l *lists) (done bool, err error) {
	offsets := columnar.AsValues[int32](l.offsets.Bytes())
	reps, defs := r.c.reps[r.pos:r.pos+r.c.vals], r.c.defs[r.pos:r.pos+r.c.vals]
	end, first, elements := 0, l.rows, 0
	for ; end < len(reps); end++ {
		if reps[end] == 0 {
			if l.rows == l.n {
				done = true
				break
			}
			offsets[l.rows] = int32(l.elements + elements)
			l.rows++
		} else if l.rows == first && first == 0 {
			return false, fmt.Errorf("the first repetition level is not 0")
		}
		if int(defs[end]) >= r.shape.element {
			elements++
		} else if reps[end] != 0 {
			return false, fmt.Errorf("an element of a list that has none")
		}
	}
	if l.elements+elements > maxElements {
		return false, fmt.Errorf("the lists of one batch have more than %d elements (read fewer rows per batch)", maxElements)
	}
	l.values.grow(l.elements + elements)
	l.there.grow(l.elements + elements)
	row, at, k := first, l.elements, 0
	for i := range end {
		d := int(defs[i])
		if reps[i] == 0 {
			if d >= r.shape.present {
				l.valid.set(row)
			} else {
				l.nulls++
			}
			for j, t := range r.thresholds {
				if d >= t {
					r.present[j].set(row)
				}
			}
			row++
		}
		if d >= r.shape.element {
			if d == r.c.leaf.def {
				l.there.set(at)
				k++
			}
			at++
		}
	}
	if err := l.values.fill(&r.c.dense, l.elements, elements, k, l.there.bytes()); err != nil {
		return false, err
	}
	l.missing += elements - k
	l.elements += elements
	r.pos += end
	r.c.vals -= end
	return done, nil
}

func (b *bitBuffer) set(i int) { b.buf.Bytes()[i>>3] |= 1 << (i & 7) }

func (r *listReader) array(l *lists) (arrow.Array, error) {
	elems := l.values.array(l.elements, l.there.finish(l.elements, l.missing), l.missing)
	defer elems.Release()
	valid := l.valid.finish(l.n, l.nulls)
	if t, ok := r.typ.(*arrow.FixedSizeListType); ok {
		return fixedLists(r.mem, t, l, elems, valid)
	}
	return makeArray(r.typ, l.n, l.nulls, []*memory.Buffer{valid, l.offsets}, []arrow.ArrayData{elems.Data()}), nil
}

// fixedLists makes lists that all have the length of t; null lists, which have
// no elements in the file, get empty slots.
func fixedLists(mem memory.Allocator, t *arrow.FixedSizeListType, l *lists, elems arrow.Array, valid *memory.Buffer) (arrow.Array, error) {
	size := int(t.Len())
	offsets := columnar.AsValues[int32](l.offsets.Bytes())
	bits := columnar.Bitmap{N: l.n}
	if valid != nil {
		bits.Bits = valid.Bytes()
	}
	for i := range bits.Ones() {
		if got := int(offsets[i+1] - offsets[i]); got != size {
			return nil, fmt.Errorf("a list of %d elements in a column of vectors of %d", got, size)
		}
	}
	if l.nulls == 0 {
		return makeArray(t, l.n, 0, []*memory.Buffer{nil}, []arrow.ArrayData{elems.Data()}), nil
	}
	blank := array.MakeArrayOfNull(mem, t.Elem(), size)
	defer blank.Release()
	var parts []arrow.Array
	defer func() { releaseAll(parts) }()
	for from := 0; from < l.n; {
		to := from
		for to < l.n && bits.Get(to) == bits.Get(from) {
			to++
		}
		if bits.Get(from) {
			parts = append(parts, array.NewSlice(elems, int64(offsets[from]), int64(offsets[to])))
		} else {
			for range to - from {
				blank.Retain()
				parts = append(parts, blank)
			}
		}
		from = to
	}
	all, err := array.Concatenate(parts, mem)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	return makeArray(t, l.n, l.nulls, []*memory.Buffer{valid}, []arrow.ArrayData{all.Data()}), nil
}

func (r *listReader) releasePresent() {
	for _, p := range r.present {
		p.release()
	}
	r.present = r.present[:0]
}

func (r *listReader) release() {
	r.releasePresent()
	r.c.release()
}

// vectorReader reads Spark's ML vectors: type 1 is dense, its values are the
// vector; type 0 is sparse, with a size, indices and values.
type vectorReader struct{ *structReader }

func (r *vectorReader) read(n int) (arrow.Array, error) {
	cols, err := r.columns(n)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	valid, nulls := r.validity(n)
	kinds := columnar.Values[int8](cols[0])
	sizes := columnar.Values[int32](cols[1])
	indices, values := cols[2].(*array.List), cols[3].(*array.List)
	idx := columnar.Values[int32](indices.ListValues())
	vals := columnar.Values[float64](values.ListValues())

	offsets, bits, out := memory.NewResizableBuffer(r.mem), newBitBuffer(r.mem), memory.NewResizableBuffer(r.mem)
	defer offsets.Release()
	defer bits.release()
	defer out.Release()
	offsets.Resize(4 * (n + 1))
	off := columnar.AsValues[int32](offsets.Bytes())
	total := 0
	for i := range n {
		if valid.Get(i) {
			from, to := values.ValueOffsets(i)
			size := int(to - from)
			if kinds[i] != 1 {
				size = int(sizes[i])
			}
			if size < 0 || total+size > maxElements {
				return nil, fmt.Errorf("vector of %d elements is too long", size)
			}
			total += size
		}
		off[i+1] = int32(total)
	}
	out.Resize(8 * total)
	bits.grow(n)
	dst := columnar.AsValues[float64](out.Bytes())
	clear(dst)
	for i := range valid.Ones() {
		bits.set(i)
		v := dst[off[i]:off[i+1]]
		from, to := values.ValueOffsets(i)
		if kinds[i] == 1 {
			copy(v, vals[from:to])
			continue
		}
		at, end := indices.ValueOffsets(i)
		if end-at != to-from {
			return nil, fmt.Errorf("sparse vector of %d indices and %d values", end-at, to-from)
		}
		for j := range int(end - at) {
			k := idx[int(at)+j]
			if k < 0 || int(k) >= len(v) {
				return nil, fmt.Errorf("sparse vector of %d elements with the index %d", len(v), k)
			}
			v[k] = vals[int(from)+j]
		}
	}
	elems := makeArray(arrow.PrimitiveTypes.Float64, total, 0, []*memory.Buffer{nil, out}, nil)
	defer elems.Release()
	return makeArray(r.typ, n, nulls, []*memory.Buffer{bits.finish(n, nulls), offsets}, []arrow.ArrayData{elems.Data()}), nil
}
