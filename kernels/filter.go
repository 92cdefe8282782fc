package kernels

import (
	"fmt"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// Filter returns the rows of b whose bit in keep is set, in order. When all
// bits are set that is b itself, retained. Dictionaries are kept as they are.
func Filter(mem memory.Allocator, b arrow.Record, keep columnar.Bitmap) (arrow.Record, error) {
	if int64(keep.N) != b.NumRows() {
		return nil, fmt.Errorf("kernels: filter: %d bits for %d rows", keep.N, b.NumRows())
	}
	count := keep.Count()
	if count == keep.N {
		b.Retain()
		return b, nil
	}
	keep = aligned(keep)
	cols := make([]arrow.Array, b.NumCols())
	defer releaseAll(cols)
	for i := range cols {
		var err error
		if cols[i], err = filter(mem, b.Column(i), keep, count); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(b.Schema(), cols, int64(count)), nil
}

// FilterArray returns the values of a whose bit in keep is set, in order. When
// all bits are set that is a itself, retained.
func FilterArray(mem memory.Allocator, a arrow.Array, keep columnar.Bitmap) (arrow.Array, error) {
	if keep.N != a.Len() {
		return nil, fmt.Errorf("kernels: filter: %d bits for %d rows", keep.N, a.Len())
	}
	count := keep.Count()
	if count == keep.N {
		a.Retain()
		return a, nil
	}
	return filter(mem, a, aligned(keep), count)
}

// filter keeps the count values of a whose bit is set in keep, which has offset
// 0. Cost: that of [simd.Filter], 0.05 to 0.2 ns per row of 8 bytes; of texts 2
// to 4 ns per kept row.
func filter(mem memory.Allocator, a arrow.Array, keep columnar.Bitmap, count int) (arrow.Array, error) {
	t := a.DataType()
	kind, width := layoutOf(t)
	switch kind {
	case layoutNull:
		return array.NewNull(count), nil
	case layoutDictionary:
		d := a.(*array.Dictionary)
		codes, err := filter(mem, d.Indices(), keep, count)
		if err != nil {
			return nil, err
		}
		defer codes.Release()
		return array.NewDictionaryArray(t, codes, d.Dictionary()), nil
	case layoutExtension:
		s, err := filter(mem, a.(array.ExtensionArray).Storage(), keep, count)
		if err != nil {
			return nil, err
		}
		defer s.Release()
		return rewrap(t, s), nil
	case layoutOther:
		return filterSlices(mem, a, keep)
	case layoutRunEnd:
		return nil, errorf(CodeTypes, "cannot filter a column of %s: cast it to %s first", SQLName(t), SQLName(t.(*arrow.RunEndEncodedType).Encoded()))
	}

	validity, nulls := filterValidity(mem, a, keep, count)
	switch kind {
	case layoutBool:
		values := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(count))
		simd.FilterBits(values.Bytes(), aligned(columnar.Bools(a)).Bits, keep.Bits, keep.N)
		return newArray(t, count, nulls, []*memory.Buffer{validity, values}), nil
	case layoutFixed, layoutView:
		values := columnar.UnclearedBuffer(mem, count*width)
		filterFixed(values.Bytes(), a, keep, width)
		if nulls > 0 {
			zeroNulls(values.Bytes(), width, bitmapOf(validity, count))
		}
		if kind == layoutView {
			return newArray(t, count, nulls, viewBuffers(a, validity, values)), nil
		}
		return newArray(t, count, nulls, []*memory.Buffer{validity, values}), nil
	case layoutBytes:
		return filterBytes[int32](mem, a, keep, count, validity, nulls), nil
	case layoutLargeBytes:
		return filterBytes[int64](mem, a, keep, count, validity, nulls), nil
	case layoutList:
		return filterList[int32](mem, a, keep, count, validity, nulls)
	case layoutLargeList:
		return filterList[int64](mem, a, keep, count, validity, nulls)
	case layoutFixedList:
		n := int(t.(*arrow.FixedSizeListType).Len())
		child := fixedListValues(a.(*array.FixedSizeList))
		defer child.Release()
		rows := columnar.NewBitmap(child.Len())
		for lo, hi := range keep.Runs() {
			setBits(rows, lo*n, hi*n)
		}
		kept, err := filter(mem, child, rows, count*n)
		if err != nil {
			releaseBuffer(validity)
			return nil, err
		}
		defer kept.Release()
		return newArray(t, count, nulls, []*memory.Buffer{validity}, kept), nil
	default:
		fields := make([]arrow.Array, a.(*array.Struct).NumField())
		defer releaseAll(fields)
		for i := range fields {
			var err error
			if fields[i], err = filter(mem, a.(*array.Struct).Field(i), keep, count); err != nil {
				releaseBuffer(validity)
				return nil, err
			}
		}
		return newArray(t, count, nulls, []*memory.Buffer{validity}, fields...), nil
	}
}

// filterValidity returns the validity buffer of the kept values, nil when none
// of them is null, and the number of nulls.
func filterValidity(mem memory.Allocator, a arrow.Array, keep columnar.Bitmap, count int) (*memory.Buffer, int) {
	valid := columnar.Validity(a)
	if valid.All() {
		return nil, 0
	}
	buf := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(count))
	out := columnar.Bitmap{Bits: buf.Bytes(), N: count}
	if keep.All() {
		for w := range out.Words() {
			out.PutWord(w, valid.Word(w))
		}
	} else {
		simd.FilterBits(out.Bits, aligned(valid).Bits, keep.Bits, keep.N)
	}
	nulls := count - out.Count()
	if nulls == 0 {
		buf.Release()
		return nil, 0
	}
	return buf, nulls
}

func filterFixed(dst []byte, a arrow.Array, keep columnar.Bitmap, width int) {
	switch {
	case a.Len() == 0:
	case a.Data().Buffers()[1] == nil:
		clear(dst)
	case width == 1:
		simd.Filter(dst, slots[uint8](a), keep.Bits)
	case width == 2:
		simd.Filter(as[uint16](dst), slots[uint16](a), keep.Bits)
	case width == 4:
		simd.Filter(as[uint32](dst), slots[uint32](a), keep.Bits)
	case width == 8:
		simd.Filter(as[uint64](dst), slots[uint64](a), keep.Bits)
	case width == 16:
		simd.Filter(as[wide128](dst), slots[wide128](a), keep.Bits)
	case width == 32:
		simd.Filter(as[wide256](dst), slots[wide256](a), keep.Bits)
	default:
		src := a.Data().Buffers()[1].Bytes()[a.Data().Offset()*width:]
		n := 0
		for lo, hi := range keep.Runs() {
			n += copy(dst[n:], src[lo*width:hi*width])
		}
	}
}

// aligned is b with offset 0: a view where bits begin at a byte, else a copy. A
// missing bitmap stays missing.
func aligned(b columnar.Bitmap) columnar.Bitmap {
	if b.Bits == nil || b.Offset == 0 {
		return b
	}
	if b.Offset&7 == 0 {
		return columnar.Bitmap{Bits: b.Bits[b.Offset/8:], N: b.N}
	}
	out := columnar.NewBitmap(b.N)
	for w := range out.Words() {
		out.PutWord(w, b.Word(w))
	}
	return out
}

// offset is the type of the offsets of lists and strings.
type offset interface{ int32 | int64 }

// offsets views the offsets of a: one more than it has rows, nil if it has none.
func offsets[O offset](a arrow.Array) []O {
	d := a.Data()
	if d.Len() == 0 || d.Buffers()[1] == nil {
		return nil
	}
	return as[O](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
}

// filterOffsets writes the offsets of the kept rows to out and returns the
// bitmap of the rows that bring content: nulls bring none.
func filterOffsets[O offset](out, in []O, keep, valid columnar.Bitmap) columnar.Bitmap {
	n, size := 0, O(0)
	for w := range keep.Words() {
		x, v := keep.Word(w), valid.Word(w)
		row := in[64*w:]
		if runs := bits.OnesCount64(x &^ (x << 1)); runs <= 8 && x&v == x {
			n, size = shiftRuns(out, n, size, row, x)
			continue
		}
		for range bits.OnesCount64(x) {
			i := bits.TrailingZeros64(x) & 63
			x &= x - 1
			out[n] = size
			n++
			size += (row[i+1] - row[i]) & -O(v>>i&1)
		}
	}
	out[n] = size
	return columnar.And(keep, valid)
}

// shiftRuns is filterOffsets for the rows of a word, run by run: the offsets of
// a run move all by the same.
func shiftRuns[O offset](out []O, n int, size O, row []O, x uint64) (int, O) {
	for x != 0 {
		i := bits.TrailingZeros64(x)
		k := bits.TrailingZeros64(^(x >> i))
		move := size - row[i]
		to := out[n : n+k]
		for j, o := range row[i : i+k] {
			to[j] = o + move
		}
		n, size = n+k, row[i+k]+move
		if i+k == 64 {
			break
		}
		x &^= (1<<k - 1) << i
	}
	return n, size
}

func filterBytes[O offset](mem memory.Allocator, a arrow.Array, keep columnar.Bitmap, count int, validity *memory.Buffer, nulls int) arrow.Array {
	in := offsets[O](a)
	offs := columnar.UnclearedBuffer(mem, (count+1)*sizeOf[O]())
	out := as[O](offs.Bytes())
	live := filterOffsets(out, in, keep, columnar.Validity(a))
	data := columnar.UnclearedBuffer(mem, int(out[count]))
	if dst := data.Bytes(); len(dst) > 0 {
		moveTexts(dst, a.Data().Buffers()[2].Bytes(), in, live)
	}
	return newArray(a.DataType(), count, nulls, []*memory.Buffer{validity, offs, data})
}

// moveTexts copies the content of the rows of live, run by run.
func moveTexts[O offset](dst, src []byte, in []O, live columnar.Bitmap) {
	n := 0
	for w := range live.Words() {
		row := in[64*w:]
		for x := live.Word(w); x != 0; {
			i := bits.TrailingZeros64(x)
			k := bits.TrailingZeros64(^(x >> i))
			from, to := int(row[i]), int(row[i+k])
			copyText(dst, n, src, from, to)
			n += to - from
			if i+k == 64 {
				break
			}
			x &^= (1<<k - 1) << i
		}
	}
}

func filterList[O offset](mem memory.Allocator, a arrow.Array, keep columnar.Bitmap, count int, validity *memory.Buffer, nulls int) (arrow.Array, error) {
	in := offsets[O](a)
	offs := columnar.UnclearedBuffer(mem, (count+1)*sizeOf[O]())
	out := as[O](offs.Bytes())
	live := filterOffsets(out, in, keep, columnar.Validity(a))
	child := a.(array.ListLike).ListValues()
	rows := columnar.NewBitmap(child.Len())
	for lo, hi := range live.Runs() {
		setBits(rows, int(in[lo]), int(in[hi]))
	}
	kept, err := filter(mem, child, rows, int(out[count]))
	if err != nil {
		releaseBuffer(validity)
		offs.Release()
		return nil, err
	}
	defer kept.Release()
	return newArray(a.DataType(), count, nulls, []*memory.Buffer{validity, offs}, kept), nil
}

// filterSlices is the way of layouts without a loop of their own.
func filterSlices(mem memory.Allocator, a arrow.Array, keep columnar.Bitmap) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() { releaseAll(parts) }()
	for lo, hi := range keep.Runs() {
		parts = append(parts, array.NewSlice(a, int64(lo), int64(hi)))
	}
	if len(parts) == 0 {
		parts = append(parts, array.NewSlice(a, 0, 0))
	}
	return concatenate(mem, parts)
}

// fixedListValues is the values of the rows of a, without those before its
// offset.
func fixedListValues(a *array.FixedSizeList) arrow.Array {
	n := int64(a.DataType().(*arrow.FixedSizeListType).Len())
	from := int64(a.Data().Offset()) * n
	return array.NewSlice(a.ListValues(), from, from+int64(a.Len())*n)
}

// setBits sets bits [lo, hi) of b, which has offset 0.
func setBits(b columnar.Bitmap, lo, hi int) {
	for lo < hi && lo&7 != 0 {
		b.Set(lo)
		lo++
	}
	for ; lo+8 <= hi; lo += 8 {
		b.Bits[lo>>3] = 0xff
	}
	for ; lo < hi; lo++ {
		b.Set(lo)
	}
}

// bitmapOf views a validity buffer of n bits; a missing one is all set.
func bitmapOf(b *memory.Buffer, n int) columnar.Bitmap {
	if b == nil {
		return columnar.Bitmap{N: n}
	}
	return columnar.Bitmap{Bits: b.Bytes(), N: n}
}

func releaseBuffer(b *memory.Buffer) {
	if b != nil {
		b.Release()
	}
}
