package wasm

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/arrowstream/arrowstream/columnar"
)

// descriptor is the bytes of the description of a column: the addresses of its
// values, offsets and validity, and the length of its values.
const descriptor = 16

// place is where the parts of a column are in the memory of a guest.
type place struct{ values, offsets, valid, bytes uint32 }

// block is a layout in the making: parts of a block of memory, one after the
// other on multiples of 8.
type block struct{ size int }

// take is the place of the next part, within the block.
func (b *block) take(bytes int) int {
	at := b.size
	b.size += (bytes + 7) &^ 7
	return at
}

// batch computes rows lo to hi of the result by a function of columns.
//
// Cost: a copy of the arguments into the guest and one of the result out of it.
func (p *pool) batch(at *instance, in *input, out *result, lo, hi int) error {
	n, args := hi-lo, len(in.columns)
	var b block
	b.take((args + 1) * descriptor)
	type part struct{ at, size int }
	parts := make([][3]part, args+1) // values, offsets, validity
	for k := range parts {
		var sizes [3]int
		switch {
		case k < args:
			sizes[0], sizes[1], sizes[2] = in.size(k, lo, hi)
		case out.shape.kind == kindBytes:
			sizes[1], sizes[2] = 4*(n+1), bitBytes(n)
		case out.shape.kind == kindBits:
			sizes[0], sizes[2] = bitBytes(n), bitBytes(n)
		default:
			sizes[0], sizes[2] = n*out.shape.width, bitBytes(n)
		}
		for i, size := range sizes {
			parts[k][i] = part{b.take(size), size}
		}
	}
	if b.size > math.MaxInt32 {
		return p.wrong("%d bytes of arguments are too many for a batch", b.size)
	}
	base, err := p.invoke(at.alloc, uint64(b.size))
	if err != nil {
		return err
	}
	mem, ok := at.memory.Read(uint32(base), uint32(b.size))
	if !ok || uint32(base) == 0 {
		return p.wrong("alloc(%d) returned %d, where there is no such block", b.size, uint32(base))
	}
	for k := range parts {
		view := func(i int) []byte { return mem[parts[k][i].at:][:parts[k][i].size] }
		if k < args {
			in.lay(k, lo, hi, view(0), view(1), view(2))
		} else {
			clear(view(0))
			clear(view(1))
			putBits(view(2), in.valid(lo, hi))
		}
		for i := range parts[k] {
			address := uint32(0)
			if parts[k][i].size > 0 {
				address = uint32(base) + uint32(parts[k][i].at)
			}
			binary.LittleEndian.PutUint32(mem[k*descriptor+4*i:], address)
		}
		binary.LittleEndian.PutUint32(mem[k*descriptor+12:], uint32(parts[k][0].size))
	}
	failed, err := p.invoke(at.call, uint64(n), base)
	if err != nil {
		return err
	}
	return p.fetch(at, uint32(base)+uint32(args*descriptor), uint32(failed) != 0, out, lo, hi)
}

// fetch reads the result that is described at an address.
func (p *pool) fetch(at *instance, address uint32, failed bool, out *result, lo, hi int) error {
	n := hi - lo
	d, ok := at.memory.Read(address, descriptor)
	if !ok {
		return p.wrong("its memory is gone")
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(d[4*i:]) }
	where := place{values: word(0), offsets: word(1), valid: word(2), bytes: word(3)}
	if failed {
		text, ok := at.memory.Read(where.values, min(where.bytes, 1000))
		if !ok || len(text) == 0 {
			return p.wrong("it failed and does not say why")
		}
		return p.wrong("%s", strings.ToValidUTF8(string(text), "\uFFFD"))
	}
	valid := columnar.Bitmap{N: n}
	if where.valid != 0 {
		bits, ok := at.memory.Read(where.valid, uint32(bitBytes(n)))
		if !ok {
			return p.wrong("the validity of its result lies outside of its memory")
		}
		valid = bitmapOf(bits, n)
	}
	size, kind := where.bytes, out.shape.kind
	switch kind {
	case kindBits:
		size = uint32(bitBytes(n))
	case kindFixed:
		size = uint32(n * out.shape.width)
	}
	values, ok := at.memory.Read(where.values, size)
	if !ok {
		return p.wrong("its result lies outside of its memory")
	}
	switch kind {
	case kindBits:
		out.bools(lo, bitmapOf(values, n))
	case kindFixed:
		out.values(lo, values)
	default:
		offsets, ok := at.memory.Read(where.offsets, uint32(4*(n+1)))
		if !ok {
			return p.wrong("the offsets of its result lie outside of its memory")
		}
		if err := out.text(n, offsets, values, valid); err != nil {
			return p.wrong("%v", err)
		}
		return nil
	}
	out.valid(lo, valid)
	return nil
}

// bitmapOf is a copy of a bitmap that a guest wrote.
func bitmapOf(bits []byte, n int) columnar.Bitmap {
	b := columnar.NewBitmap(n)
	copy(b.Bits, bits)
	return b
}
