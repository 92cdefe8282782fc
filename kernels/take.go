package kernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// Take returns the values of a at the positions idx, in their order; position
// -1 gives NULL. A position outside of a is an error, and so is -1 for unions,
// which have no validity of their own, and run-end encoding. Dictionaries are kept as
// they are.
func Take(mem memory.Allocator, a arrow.Array, idx []int32) (arrow.Array, error) {
	holes, err := checkPositions(idx, a.Len())
	if err != nil {
		return nil, err
	}
	return take(mem, a, idx, holes)
}

// TakeRecord returns the rows of b at the positions idx, in their order;
// position -1 gives a row of NULLs, whatever the schema says about nulls.
func TakeRecord(mem memory.Allocator, b arrow.Record, idx []int32) (arrow.Record, error) {
	holes, err := checkPositions(idx, int(b.NumRows()))
	if err != nil {
		return nil, err
	}
	cols := make([]arrow.Array, b.NumCols())
	defer releaseAll(cols)
	for i := range cols {
		if cols[i], err = take(mem, b.Column(i), idx, holes); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(b.Schema(), cols, int64(len(idx))), nil
}

// checkPositions reports whether idx contains -1, and an error when it leaves
// [-1, n).
func checkPositions(idx []int32, n int) (holes bool, err error) {
	if simd.InRange(idx, n) {
		return false, nil
	}
	var least int32
	for _, j := range idx {
		least = min(least, j)
		if int(j) >= n {
			return false, fmt.Errorf("kernels: take: position %d of %d rows", j, n)
		}
	}
	if least < -1 {
		return false, fmt.Errorf("kernels: take: position %d of %d rows", least, n)
	}
	return least < 0, nil
}

func take(mem memory.Allocator, a arrow.Array, idx []int32, holes bool) (arrow.Array, error) {
	t := a.DataType()
	kind, width := layoutOf(t)
	switch kind {
	case layoutNull:
		return array.NewNull(len(idx)), nil
	case layoutDictionary:
		d := a.(*array.Dictionary)
		codes, err := take(mem, d.Indices(), idx, holes)
		if err != nil {
			return nil, err
		}
		defer codes.Release()
		return array.NewDictionaryArray(t, codes, d.Dictionary()), nil
	case layoutExtension:
		s, err := take(mem, a.(array.ExtensionArray).Storage(), idx, holes)
		if err != nil {
			return nil, err
		}
		defer s.Release()
		return rewrap(t, s), nil
	case layoutOther:
		if holes {
			return nil, errorf(CodeTypes, "take: a column of %s has no room for missing rows", SQLName(t))
		}
		return takeSlices(mem, a, idx)
	case layoutRunEnd:
		return nil, errorf(CodeTypes, "cannot take rows of a column of %s: cast it to %s first", SQLName(t), SQLName(t.(*arrow.RunEndEncodedType).Encoded()))
	}

	validity, nulls := takeValidity(mem, a, idx, holes)
	switch kind {
	case layoutBool:
		values := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(len(idx)))
		takeBits(columnar.Bitmap{Bits: values.Bytes(), N: len(idx)}, columnar.Bools(a), idx, holes)
		return newArray(t, len(idx), nulls, []*memory.Buffer{validity, values}), nil
	case layoutFixed, layoutView:
		values := columnar.UnclearedBuffer(mem, len(idx)*width)
		takeFixed(values.Bytes(), a, idx, holes, width)
		if nulls > 0 {
			zeroNulls(values.Bytes(), width, bitmapOf(validity, len(idx)))
		}
		if kind == layoutView {
			return newArray(t, len(idx), nulls, viewBuffers(a, validity, values)), nil
		}
		return newArray(t, len(idx), nulls, []*memory.Buffer{validity, values}), nil
	case layoutBytes:
		return takeBytes[int32](mem, a, idx, holes, validity, nulls)
	case layoutLargeBytes:
		return takeBytes[int64](mem, a, idx, holes, validity, nulls)
	case layoutList:
		return takeList[int32](mem, a, idx, holes, validity, nulls)
	case layoutLargeList:
		return takeList[int64](mem, a, idx, holes, validity, nulls)
	case layoutFixedList:
		child := fixedListValues(a.(*array.FixedSizeList))
		defer child.Release()
		return takeChildren(mem, t, len(idx), nulls, []*memory.Buffer{validity}, child,
			elements(idx, int(t.(*arrow.FixedSizeListType).Len())), holes)
	default:
		fields := make([]arrow.Array, a.(*array.Struct).NumField())
		defer releaseAll(fields)
		for i := range fields {
			var err error
			if fields[i], err = take(mem, a.(*array.Struct).Field(i), idx, holes); err != nil {
				releaseBuffer(validity)
				return nil, err
			}
		}
		return newArray(t, len(idx), nulls, []*memory.Buffer{validity}, fields...), nil
	}
}

// takeValidity returns the validity buffer of the taken values, nil when none
// of them is null, and the number of nulls.
func takeValidity(mem memory.Allocator, a arrow.Array, idx []int32, holes bool) (*memory.Buffer, int) {
	valid := columnar.Validity(a)
	if valid.All() && !holes {
		return nil, 0
	}
	buf := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(len(idx)))
	out := columnar.Bitmap{Bits: buf.Bytes(), N: len(idx)}
	takeBits(out, valid, idx, holes)
	nulls := len(idx) - out.Count()
	if nulls == 0 {
		buf.Release()
		return nil, 0
	}
	return buf, nulls
}

// takeBits sets bit i of dst to bit idx[i] of src, clear for -1. dst has offset
// 0 and whole words.
func takeBits(dst, src columnar.Bitmap, idx []int32, holes bool) {
	if !holes && !src.All() {
		simd.TakeBits(dst.Bits, aligned(src).Bits, idx)
		return
	}
	for w := range dst.Words() {
		var x uint64
		for i, j := range idx[64*w : min(64*w+64, len(idx))] {
			if j >= 0 && src.Get(int(j)) {
				x |= 1 << i
			}
		}
		dst.PutWord(w, x)
	}
}

// takeFixed fills dst; where idx is -1 it may leave anything.
func takeFixed(dst []byte, a arrow.Array, idx []int32, holes bool, width int) {
	switch {
	case a.Len() == 0 || a.Data().Buffers()[1] == nil:
		clear(dst)
	case width == 1:
		takeSlots(dst, slots[uint8](a), idx, holes)
	case width == 2:
		takeSlots(as[uint16](dst), slots[uint16](a), idx, holes)
	case width == 4:
		takeSlots(as[uint32](dst), slots[uint32](a), idx, holes)
	case width == 8:
		takeSlots(as[uint64](dst), slots[uint64](a), idx, holes)
	case width == 16:
		takeSlots(as[wide128](dst), slots[wide128](a), idx, holes)
	case width == 32:
		takeSlots(as[wide256](dst), slots[wide256](a), idx, holes)
	default:
		src := a.Data().Buffers()[1].Bytes()[a.Data().Offset()*width:]
		for i, j := range idx {
			if j >= 0 {
				copy(dst[i*width:(i+1)*width], src[int(j)*width:])
			}
		}
	}
}

// takeSlots is dst[i] = src[idx[i]], leaving dst[i] alone where idx[i] is -1.
func takeSlots[T any](dst, src []T, idx []int32, holes bool) {
	dst = dst[:len(idx)]
	if !holes {
		simd.Take(dst, src, idx)
		return
	}
	for i, j := range idx {
		if j >= 0 {
			dst[i] = src[j]
		}
	}
}

// takeOffsets writes the offsets of the taken rows to a new buffer; nulls have
// no content.
func takeOffsets[O offset](mem memory.Allocator, a arrow.Array, idx []int32, holes bool) (*memory.Buffer, error) {
	in, valid := offsets[O](a), columnar.Validity(a)
	buf := columnar.UnclearedBuffer(mem, (len(idx)+1)*sizeOf[O]())
	out, size := as[O](buf.Bytes()), int64(0)
	if holes || !valid.All() {
		for i, j := range idx {
			out[i] = O(size)
			if j >= 0 && valid.Get(int(j)) {
				size += int64(in[j+1] - in[j])
			}
		}
	} else {
		for i, j := range idx {
			out[i] = O(size)
			size += int64(in[j+1] - in[j])
		}
	}
	out[len(idx)] = O(size)
	if sizeOf[O]() == 4 {
		if err := childSize("take", a.DataType(), size); err != nil {
			buf.Release()
			return nil, err
		}
	}
	return buf, nil
}

func takeBytes[O offset](mem memory.Allocator, a arrow.Array, idx []int32, holes bool, validity *memory.Buffer, nulls int) (arrow.Array, error) {
	offs, err := takeOffsets[O](mem, a, idx, holes)
	if err != nil {
		releaseBuffer(validity)
		return nil, err
	}
	in, out := offsets[O](a), as[O](offs.Bytes())
	data := columnar.UnclearedBuffer(mem, int(out[len(idx)]))
	if dst := data.Bytes(); len(dst) > 0 {
		src := a.Data().Buffers()[2].Bytes()
		for i, j := range idx {
			if size := out[i+1] - out[i]; size > 0 {
				copyText(dst, int(out[i]), src, int(in[j]), int(in[j]+size))
			}
		}
	}
	return newArray(a.DataType(), len(idx), nulls, []*memory.Buffer{validity, offs, data}), nil
}

func takeList[O offset](mem memory.Allocator, a arrow.Array, idx []int32, holes bool, validity *memory.Buffer, nulls int) (arrow.Array, error) {
	offs, err := takeOffsets[O](mem, a, idx, holes)
	if err != nil {
		releaseBuffer(validity)
		return nil, err
	}
	in, out := offsets[O](a), as[O](offs.Bytes())
	rows := make([]int32, out[len(idx)])
	for i, j := range idx {
		for k := out[i]; k < out[i+1]; k++ {
			rows[k] = int32(in[j] + k - out[i])
		}
	}
	return takeChildren(mem, a.DataType(), len(idx), nulls, []*memory.Buffer{validity, offs}, a.(array.ListLike).ListValues(), rows, false)
}

// elements are the positions of the n elements of each row in idx, -1 for the
// elements of -1.
func elements(idx []int32, n int) []int32 {
	out := make([]int32, 0, len(idx)*n)
	for _, j := range idx {
		for k := range int32(n) {
			if j < 0 {
				out = append(out, -1)
			} else {
				out = append(out, j*int32(n)+k)
			}
		}
	}
	return out
}

// takeChildren builds a list column of type t out of the taken elements. It
// takes over the buffers.
func takeChildren(mem memory.Allocator, t arrow.DataType, n, nulls int, buffers []*memory.Buffer, child arrow.Array, idx []int32, holes bool) (arrow.Array, error) {
	c, err := take(mem, child, idx, holes)
	if err != nil {
		for _, b := range buffers {
			releaseBuffer(b)
		}
		return nil, err
	}
	defer c.Release()
	return newArray(t, n, nulls, buffers, c), nil
}

// takeSlices is the way of layouts without a loop of their own: runs of
// neighbours are sliced and put together.
func takeSlices(mem memory.Allocator, a arrow.Array, idx []int32) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() { releaseAll(parts) }()
	for i := 0; i < len(idx); {
		k := i + 1
		for k < len(idx) && idx[k] == idx[k-1]+1 {
			k++
		}
		parts = append(parts, array.NewSlice(a, int64(idx[i]), int64(idx[k-1])+1))
		i = k
	}
	if len(parts) == 0 {
		parts = append(parts, array.NewSlice(a, 0, 0))
	}
	return concatenate(mem, parts)
}
