package wasm

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// result is the column of results under construction.
type result struct {
	typ   arrow.DataType
	shape shape
	n     int
	data  *memory.Buffer // numbers and bits
	nulls *memory.Buffer
	bits  columnar.Bitmap      // of nulls
	texts *array.BinaryBuilder // of text and bytes
}

func newResult(mem memory.Allocator, t arrow.DataType, s shape, n int) *result {
	r := &result{typ: t, shape: s, n: n}
	if s.kind == kindBytes {
		r.texts = array.NewBinaryBuilder(mem, t.(arrow.BinaryDataType))
		r.texts.Reserve(n)
		return r
	}
	r.data, r.nulls = memory.NewResizableBuffer(mem), memory.NewResizableBuffer(mem)
	r.nulls.Resize(columnar.BitmapBytes(n))
	r.bits = columnar.Bitmap{Bits: r.nulls.Bytes(), N: n}
	if s.kind == kindBits {
		r.data.Resize(columnar.BitmapBytes(n))
	} else {
		r.data.Resize(n * s.width)
	}
	clear(r.nulls.Bytes())
	clear(r.data.Bytes())
	return r
}

func (r *result) close() {
	if r.texts != nil {
		r.texts.Release()
		return
	}
	r.data.Release()
	r.nulls.Release()
}

// values sets the numbers from row lo on; BOOLEAN is a byte.
func (r *result) values(lo int, values []byte) {
	if r.shape.kind == kindFixed {
		copy(r.data.Bytes()[lo*r.shape.width:], values)
		return
	}
	for i, v := range values {
		if v != 0 {
			r.data.Bytes()[(lo+i)/8] |= 1 << ((lo + i) % 8)
		}
	}
}

// bools sets the BOOLEANs from row lo on, a multiple of 64.
func (r *result) bools(lo int, b columnar.Bitmap) { putBits(r.data.Bytes()[lo/8:][:bitBytes(b.N)], b) }

// valid sets which rows are not NULL from row lo on, a multiple of 64.
func (r *result) valid(lo int, b columnar.Bitmap) { putBits(r.nulls.Bytes()[lo/8:][:bitBytes(b.N)], b) }

// errOffsets is the error of text that a guest returned wrongly.
var errOffsets = errors.New("the offsets of its result do not lie within its values")

// text appends n values of text. Offsets and values are what a guest wrote.
func (r *result) text(n int, offsets, values []byte, valid columnar.Bitmap) error {
	text := r.typ.ID() == arrow.STRING
	for i := range n {
		from, to := binary.LittleEndian.Uint32(offsets[4*i:]), binary.LittleEndian.Uint32(offsets[4*i+4:])
		if from > to || int64(to) > int64(len(values)) {
			return errOffsets
		}
		v := values[from:to]
		switch {
		case !valid.Get(i):
			r.texts.AppendNull()
		case text && !utf8.Valid(v):
			return errors.New("its result is not UTF-8")
		case r.texts.DataLen()+len(v) > math.MaxInt32:
			return errors.New("its results are more than 2 GiB for a batch")
		default:
			r.texts.Append(v)
		}
	}
	return nil
}

// array is the column.
func (r *result) array() (arrow.Array, error) {
	if r.texts != nil {
		return r.texts.NewArray(), nil
	}
	if r.shape.float {
		r.equalNaNs()
	}
	buffers := []*memory.Buffer{r.nulls, r.data}
	nulls := r.n - r.bits.Count()
	if nulls == 0 {
		buffers[0] = nil
	}
	d := array.NewData(r.typ, r.n, buffers, nil, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

// equalNaNs gives all NaNs the bits of math.NaN.
func (r *result) equalNaNs() {
	if r.shape.width == 4 {
		setNaNs(columnar.AsValues[float32](r.data.Bytes()))
	} else {
		setNaNs(columnar.AsValues[float64](r.data.Bytes()))
	}
}

func setNaNs[T float32 | float64](values []T) {
	nan := T(math.NaN())
	for i, v := range values {
		if v != v {
			values[i] = nan
		}
	}
}
