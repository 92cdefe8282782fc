package kernels

import (
	"fmt"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Place is a row of one of several chunks.
type Place struct{ Chunk, Row uint32 }

// NoPlace stands for a row that is not there.
var NoPlace = Place{Chunk: ^uint32(0)}

// Gather is [Take] from a column of type t that is cut into chunks: it returns
// the values at the given places, in their order; [NoPlace] gives NULL. Chunks
// that no place names may be nil. A place outside of its chunk panics. Cost:
// that of Take, and a load from the list of chunks per value, for columns of
// fixed width, booleans and text; others are taken chunk by chunk and put in
// order, which is twice the cost of Take.
func Gather(mem memory.Allocator, t arrow.DataType, chunks []arrow.Array, places []Place) (arrow.Array, error) {
	holes, only := false, -1
	for _, p := range places {
		switch {
		case p == NoPlace:
			holes = true
		case only == -1:
			only = int(p.Chunk)
		case only != int(p.Chunk):
			only = -2
		}
	}
	if only == -1 {
		return Nulls(mem, t, len(places)), nil
	}
	if only >= 0 {
		return gatherOne(mem, chunks[only], places)
	}
	kind, width := layoutOf(t)
	if kind != layoutBool && kind != layoutFixed && kind != layoutBytes {
		return gatherParts(mem, t, chunks, places)
	}
	validity, nulls := gatherValidity(mem, chunks, places, holes)
	switch kind {
	case layoutBool:
		values := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(len(places)))
		gatherBits(values.Bytes(), bitmaps(chunks, columnar.Bools), places)
		return newArray(t, len(places), nulls, []*memory.Buffer{validity, values}), nil
	case layoutFixed:
		values := columnar.UnclearedBuffer(mem, len(places)*width)
		gatherFixed(values.Bytes(), chunks, places, width)
		if nulls > 0 {
			zeroNulls(values.Bytes(), width, bitmapOf(validity, len(places)))
		}
		return newArray(t, len(places), nulls, []*memory.Buffer{validity, values}), nil
	}
	return gatherBytes(mem, t, chunks, places, validity, nulls)
}

// gatherOne is Gather where all places are of one chunk.
func gatherOne(mem memory.Allocator, chunk arrow.Array, places []Place) (arrow.Array, error) {
	idx := make([]int32, len(places))
	for i, p := range places {
		if idx[i] = int32(p.Row); p == NoPlace {
			idx[i] = -1
		}
	}
	return Take(mem, chunk, idx)
}

// gatherParts takes the values of each chunk, puts them behind each other, and
// takes those in the order of places.
func gatherParts(mem memory.Allocator, t arrow.DataType, chunks []arrow.Array, places []Place) (arrow.Array, error) {
	rows := make([][]int32, len(chunks))
	for _, p := range places {
		if p != NoPlace {
			rows[p.Chunk] = append(rows[p.Chunk], int32(p.Row))
		}
	}
	var parts []arrow.Array
	defer func() { releaseAll(parts) }()
	from, next := make([]int32, len(chunks)), int32(0)
	for c, idx := range rows {
		if from[c] = next; len(idx) == 0 {
			continue
		}
		part, err := Take(mem, chunks[c], idx)
		if err != nil {
			return nil, err
		}
		parts, next = append(parts, part), next+int32(len(idx))
	}
	all, err := concatenate(mem, parts)
	if err != nil {
		return nil, fmt.Errorf("kernels: gather %s: %w", columnar.TypeName(t), err)
	}
	defer all.Release()
	order := make([]int32, len(places))
	for i, p := range places {
		if p == NoPlace {
			order[i] = -1
			continue
		}
		order[i] = from[p.Chunk]
		from[p.Chunk]++
	}
	return Take(mem, all, order)
}

// gatherValidity is takeValidity for chunks.
func gatherValidity(mem memory.Allocator, chunks []arrow.Array, places []Place, holes bool) (*memory.Buffer, int) {
	nullable := holes
	for _, c := range chunks {
		nullable = nullable || c != nil && c.NullN() > 0
	}
	if !nullable {
		return nil, 0
	}
	buf := columnar.UnclearedBuffer(mem, columnar.BitmapBytes(len(places)))
	gatherBits(buf.Bytes(), bitmaps(chunks, columnar.Validity), places)
	nulls := len(places) - columnar.Bitmap{Bits: buf.Bytes(), N: len(places)}.Count()
	if nulls == 0 {
		buf.Release()
		return nil, 0
	}
	return buf, nulls
}

func bitmaps(chunks []arrow.Array, of func(arrow.Array) columnar.Bitmap) []columnar.Bitmap {
	out := make([]columnar.Bitmap, len(chunks))
	for i, c := range chunks {
		if c != nil {
			out[i] = of(c)
		}
	}
	return out
}

// gatherBits sets bit i of dst, which has whole words, to that of places[i],
// clear for NoPlace.
func gatherBits(dst []byte, chunks []columnar.Bitmap, places []Place) {
	out := columnar.Bitmap{Bits: dst, N: len(places)}
	for w := range out.Words() {
		var x uint64
		for i, p := range places[64*w : min(64*w+64, len(places))] {
			if p != NoPlace && chunks[p.Chunk].Get(int(p.Row)) {
				x |= 1 << i
			}
		}
		out.PutWord(w, x)
	}
}

// gatherFixed fills dst; that of NoPlace holds anything.
func gatherFixed(dst []byte, chunks []arrow.Array, places []Place, width int) {
	switch width {
	case 1:
		gatherSlots(dst, chunks, places)
	case 2:
		gatherSlots(as[uint16](dst), chunks, places)
	case 4:
		gatherSlots(as[uint32](dst), chunks, places)
	case 8:
		gatherSlots(as[uint64](dst), chunks, places)
	case 16:
		gatherSlots(as[wide128](dst), chunks, places)
	case 32:
		gatherSlots(as[wide256](dst), chunks, places)
	default:
		for i, p := range places {
			if p != NoPlace {
				d := chunks[p.Chunk].Data()
				copy(dst[i*width:(i+1)*width], d.Buffers()[1].Bytes()[(d.Offset()+int(p.Row))*width:])
			}
		}
	}
}

func gatherSlots[T any](dst []T, chunks []arrow.Array, places []Place) {
	tables := make([][]T, len(chunks))
	for i, c := range chunks {
		if c != nil {
			tables[i] = slots[T](c)
		}
	}
	dst = dst[:len(places)]
	for i, p := range places {
		if p != NoPlace {
			dst[i] = tables[p.Chunk][p.Row]
		}
	}
}

// gatherBytes is Gather for text with offsets of 32 bits.
func gatherBytes(mem memory.Allocator, t arrow.DataType, chunks []arrow.Array, places []Place, validity *memory.Buffer, nulls int) (arrow.Array, error) {
	type text struct {
		off  []int32
		data []byte
	}
	tables := make([]text, len(chunks))
	for i, c := range chunks {
		if c == nil {
			continue
		}
		tables[i].off = offsets[int32](c)
		if data := c.Data().Buffers()[2]; data != nil {
			tables[i].data = data.Bytes()
		}
	}
	valid := columnar.Bitmap{N: len(places)}
	if validity != nil {
		valid.Bits = validity.Bytes()
	}
	offs := columnar.UnclearedBuffer(mem, (len(places)+1)*int(unsafe.Sizeof(int32(0))))
	out, size := as[int32](offs.Bytes()), int64(0)
	for i, p := range places {
		out[i] = int32(size)
		if valid.Get(i) {
			off := tables[p.Chunk].off
			size += int64(off[p.Row+1] - off[p.Row])
		}
	}
	out[len(places)] = int32(size)
	if err := childSize("gather", t, size); err != nil {
		releaseBuffer(validity)
		offs.Release()
		return nil, err
	}
	data := columnar.UnclearedBuffer(mem, int(size))
	if dst := data.Bytes(); len(dst) > 0 {
		for i, p := range places {
			if n := out[i+1] - out[i]; n > 0 {
				from := tables[p.Chunk].off[p.Row]
				copyText(dst, int(out[i]), tables[p.Chunk].data, int(from), int(from+n))
			}
		}
	}
	return newArray(t, len(places), nulls, []*memory.Buffer{validity, offs, data}), nil
}

// GatherRecord is [Gather] for the columns of records of schema s.
func GatherRecord(mem memory.Allocator, s *arrow.Schema, chunks []arrow.Record, places []Place) (arrow.Record, error) {
	cols := make([]arrow.Array, s.NumFields())
	defer releaseAll(cols)
	column := make([]arrow.Array, len(chunks))
	for i := range cols {
		for k, c := range chunks {
			if c != nil {
				column[k] = c.Column(i)
			}
		}
		var err error
		if cols[i], err = Gather(mem, s.Field(i).Type, column, places); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(s, cols, int64(len(places))), nil
}
