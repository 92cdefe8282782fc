package simd

import (
	"encoding/binary"
	"math/bits"
)

// And sets out to x & y. Bitmaps are bytes here, all of the same number; out
// may be x or y.
// Cost: 0.01 ns a row in cache, as of the other operations on bits.
func And(out, x, y []byte) {
	sameLength("And", len(x), len(y))
	sameLength("And", len(out), len(x))
	n := len(x) &^ 127
	if n > 0 {
		andBits(out[:n], x[:n], y[:n])
	}
	andBitsGo(out[n:], x[n:], y[n:])
}

// Or sets out to x | y, as [And] does.
func Or(out, x, y []byte) {
	sameLength("Or", len(x), len(y))
	sameLength("Or", len(out), len(x))
	n := len(x) &^ 127
	if n > 0 {
		orBits(out[:n], x[:n], y[:n])
	}
	orBitsGo(out[n:], x[n:], y[n:])
}

// AndNot sets out to x &^ y, as [And] does.
func AndNot(out, x, y []byte) {
	sameLength("AndNot", len(x), len(y))
	sameLength("AndNot", len(out), len(x))
	n := len(x) &^ 127
	if n > 0 {
		andNotBits(out[:n], x[:n], y[:n])
	}
	andNotBitsGo(out[n:], x[n:], y[n:])
}

// Not sets out to ^x, as [And] does: bits after the last row are set.
func Not(out, x []byte) {
	sameLength("Not", len(out), len(x))
	n := len(x) &^ 127
	if n > 0 {
		notBits(out[:n], x[:n])
	}
	notBitsGo(out[n:], x[n:])
}

// Count is how many of the first n bits of x are set.
func Count(x []byte, n int) int {
	enoughBits("Count", x, n)
	count, whole := 0, n/8&^127
	if whole > 0 {
		count = countBits(x[:whole])
	}
	count += countBitsGo(x[whole : n/8])
	if n&7 != 0 {
		count += bits.OnesCount8(x[n/8] << (8 - n&7))
	}
	return count
}

// Shift copies the n bits of x that begin at bit offset to the start of out,
// and clears the others of its last byte. Kernels take bitmaps that begin with
// a byte. It reads only bytes that hold one of the bits.
func Shift(out, x []byte, offset, n int) {
	enoughBits("Shift", out, n)
	enoughBits("Shift", x, offset+n)
	if n == 0 {
		return
	}
	size, s := bytesOf(n), uint(offset&7)
	out, x = out[:size], x[offset>>3:bytesOf(offset+n)]
	if s == 0 {
		copy(out, x)
	} else {
		i := 0
		for ; i+9 <= len(x) && i+8 <= size; i += 8 {
			binary.LittleEndian.PutUint64(out[i:], binary.LittleEndian.Uint64(x[i:])>>s|uint64(x[i+8])<<(64-s))
		}
		for ; i < size; i++ {
			b := x[i] >> s
			if i+1 < len(x) {
				b |= x[i+1] << (8 - s)
			}
			out[i] = b
		}
	}
	if n&7 != 0 {
		out[size-1] &= 1<<(n&7) - 1
	}
}

func andBitsGo(out, x, y []byte) {
	for ; len(x) >= 8; out, x, y = out[8:], x[8:], y[8:] {
		binary.LittleEndian.PutUint64(out, binary.LittleEndian.Uint64(x)&binary.LittleEndian.Uint64(y))
	}
	for i := range x {
		out[i] = x[i] & y[i]
	}
}

func orBitsGo(out, x, y []byte) {
	for ; len(x) >= 8; out, x, y = out[8:], x[8:], y[8:] {
		binary.LittleEndian.PutUint64(out, binary.LittleEndian.Uint64(x)|binary.LittleEndian.Uint64(y))
	}
	for i := range x {
		out[i] = x[i] | y[i]
	}
}

func andNotBitsGo(out, x, y []byte) {
	for ; len(x) >= 8; out, x, y = out[8:], x[8:], y[8:] {
		binary.LittleEndian.PutUint64(out, binary.LittleEndian.Uint64(x)&^binary.LittleEndian.Uint64(y))
	}
	for i := range x {
		out[i] = x[i] &^ y[i]
	}
}

func notBitsGo(out, x []byte) {
	for ; len(x) >= 8; out, x = out[8:], x[8:] {
		binary.LittleEndian.PutUint64(out, ^binary.LittleEndian.Uint64(x))
	}
	for i := range x {
		out[i] = ^x[i]
	}
}

func countBitsGo(x []byte) (n int) {
	for ; len(x) >= 8; x = x[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(x))
	}
	for _, b := range x {
		n += bits.OnesCount8(b)
	}
	return n
}

// Bit is 1 for true. The compiler makes it a conditional set.
func Bit(b bool) byte {
	var x byte
	if b {
		x = 1
	}
	return x
}
