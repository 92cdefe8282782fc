package columnar

import (
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// Bitmap is a view of n bits, least significant first, starting at a bit
// offset. A nil Bits stands for n set bits: a column without nulls.
type Bitmap struct {
	Bits   []byte
	Offset int
	N      int
}

// Validity is the validity bitmap of a: a set bit is a value, a clear one a
// null. A column of type null is all clear.
func Validity(a arrow.Array) Bitmap {
	d := a.Data()
	if a.DataType().ID() == arrow.NULL {
		return Bitmap{Bits: make([]byte, BitmapBytes(d.Len())), N: d.Len()}
	}
	if a.NullN() == 0 || d.Buffers()[0] == nil {
		return Bitmap{N: d.Len()}
	}
	return Bitmap{Bits: d.Buffers()[0].Bytes(), Offset: d.Offset(), N: d.Len()}
}

// Bools is the values of a boolean column.
func Bools(a arrow.Array) Bitmap {
	d := a.Data()
	if d.Buffers()[1] == nil {
		return Bitmap{Bits: []byte{}, N: d.Len()}
	}
	return Bitmap{Bits: d.Buffers()[1].Bytes(), Offset: d.Offset(), N: d.Len()}
}

// NewBitmap returns a bitmap of n clear bits.
func NewBitmap(n int) Bitmap { return Bitmap{Bits: make([]byte, BitmapBytes(n)), N: n} }

// BitmapBytes is the number of bytes of n bits, rounded up to whole words, so
// that word loops need no tail.
func BitmapBytes(n int) int { return (n + 63) / 64 * 8 }

// All reports whether every bit is set without looking: no bitmap is kept.
func (b Bitmap) All() bool { return b.Bits == nil }

// Get is bit i.
func (b Bitmap) Get(i int) bool {
	if b.Bits == nil {
		return true
	}
	i += b.Offset
	return b.Bits[i>>3]>>(i&7)&1 != 0
}

// Set sets bit i.
func (b Bitmap) Set(i int) {
	i += b.Offset
	b.Bits[i>>3] |= 1 << (i & 7)
}

// Clear clears bit i.
func (b Bitmap) Clear(i int) {
	i += b.Offset
	b.Bits[i>>3] &^= 1 << (i & 7)
}

// Slice is the view of bits [i, j).
func (b Bitmap) Slice(i, j int) Bitmap {
	return Bitmap{Bits: b.Bits, Offset: b.Offset + i, N: j - i}
}

// Words is the number of 64-bit words of b.
func (b Bitmap) Words() int { return (b.N + 63) / 64 }

// Word is bits [64*w, 64*w+64), clear past the end, whatever the offset. It
// reads only bytes that hold bits of b.
func (b Bitmap) Word(w int) uint64 {
	n := min(64, b.N-64*w)
	mask := ^uint64(0) >> (64 - n)
	if b.Bits == nil {
		return mask
	}
	from := b.Offset + 64*w
	shift := uint(from & 7)
	p := b.Bits[from>>3:]
	if len(p) >= 9 {
		x := binary.LittleEndian.Uint64(p) >> shift
		if shift > 0 {
			x |= uint64(p[8]) << (64 - shift)
		}
		return x & mask
	}
	var x uint64
	for i, c := range p[:min(len(p), (int(shift)+n+7)/8)] {
		if i < 8 {
			x |= uint64(c) << (8 * i) >> shift
		} else {
			x |= uint64(c) << (64 - shift)
		}
	}
	return x & mask
}

// Count is the number of set bits.
func (b Bitmap) Count() int {
	if b.Bits == nil || b.N == 0 {
		return b.N
	}
	first, skip := b.Bits[b.Offset>>3:], b.Offset&7
	return simd.Count(first, skip+b.N) - bits.OnesCount8(first[0]&(1<<skip-1))
}

// Aligned is the bits as bytes of which the first begins with bit 0 of b, as
// primitives want them; nil if there is no bitmap. They are a view when b
// begins with a byte, else scratch, which grows as needed and is reused.
func (b Bitmap) Aligned(scratch *[]byte) []byte {
	if b.Bits == nil {
		return nil
	}
	if b.Offset&7 == 0 {
		return b.Bits[b.Offset>>3:]
	}
	if n := BitmapBytes(b.N); cap(*scratch) < n {
		*scratch = make([]byte, n)
	}
	out := (*scratch)[:BitmapBytes(b.N)]
	simd.Shift(out, b.Bits, b.Offset, b.N)
	return out
}

// Ones yields the positions of the set bits in order.
func (b Bitmap) Ones() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w := range b.Words() {
			for x := b.Word(w); x != 0; x &= x - 1 {
				if !yield(64*w + bits.TrailingZeros64(x)) {
					return
				}
			}
		}
	}
}

// PutWord stores word w of b, which has offset 0 and owns whole words.
func (b Bitmap) PutWord(w int, x uint64) {
	binary.LittleEndian.PutUint64(b.Bits[8*w:], x)
}

// CopyFrom makes b, which has offset 0 and owns whole words, equal to o.
func (b Bitmap) CopyFrom(o Bitmap) {
	n := (b.N + 7) / 8
	if o.Bits == nil {
		for i := range n {
			b.Bits[i] = 0xFF
		}
		if b.N&7 != 0 {
			b.Bits[n-1] = 1<<(b.N&7) - 1
		}
	} else {
		simd.Shift(b.Bits, o.Bits, o.Offset, b.N)
	}
	clear(b.Bits[n:BitmapBytes(b.N)])
}

// AndWith clears the bits of b, which has offset 0 and owns whole words, that
// are clear in o.
func (b Bitmap) AndWith(o Bitmap) {
	switch {
	case o.Bits == nil:
	case o.Offset&7 == 0:
		out, from := b.Bits[:(b.N+7)/8], o.Bits[o.Offset>>3:]
		simd.And(out, out, from[:len(out)])
	default:
		for w := range b.Words() {
			b.PutWord(w, b.Word(w)&o.Word(w))
		}
	}
}

// OrWith sets the bits of b, which has offset 0 and owns whole words, that are
// set in o.
func (b Bitmap) OrWith(o Bitmap) {
	if o.Bits == nil {
		b.CopyFrom(o)
		return
	}
	for w := range b.Words() {
		b.PutWord(w, b.Word(w)|o.Word(w))
	}
}

// Invert flips the bits of b, which has offset 0 and owns whole words.
func (b Bitmap) Invert() {
	n := (b.N + 7) / 8
	simd.Not(b.Bits[:n], b.Bits[:n])
	if b.N&7 != 0 {
		b.Bits[n-1] &= 1<<(b.N&7) - 1
	}
}

// And is a & b in a new bitmap, or the one that is not all set.
func And(a, b Bitmap) Bitmap {
	if a.N != b.N {
		panic("columnar: And of bitmaps of different length")
	}
	switch {
	case a.All():
		return b
	case b.All():
		return a
	}
	out := NewBitmap(a.N)
	out.CopyFrom(a)
	out.AndWith(b)
	return out
}
