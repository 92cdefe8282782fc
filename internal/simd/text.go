package simd

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The primitives of text take the offsets of a column, one more than it has
// rows, ascending and inside of data, and set whole words of out, of 64 rows;
// bits behind the last row are clear.

// EqualText sets bit i of out to whether row i is c. The lengths are compared
// first, by vectors; a row of that length is compared by its first and its last
// word. Cost: 0.2 ns per row of another length, 1.2 of the same, in L2.
func EqualText(out []byte, off []int32, data []byte, c string) {
	n := rowsOf("EqualText", out, off)
	compareLengths(out, off, n, len(c), false)
	refine(out, off[:n], data, 0, c)
}

// HasPrefix sets bit i of out to whether row i begins with c. Cost as for
// [EqualText].
func HasPrefix(out []byte, off []int32, data []byte, c string) {
	n := rowsOf("HasPrefix", out, off)
	compareLengths(out, off, n, len(c)-1, true)
	refine(out, off[:n], data, 0, c)
}

// HasSuffix sets bit i of out to whether row i ends with c. Cost as for
// [EqualText].
func HasSuffix(out []byte, off []int32, data []byte, c string) {
	n := rowsOf("HasSuffix", out, off)
	compareLengths(out, off, n, len(c)-1, true)
	refine(out, off[min(1, len(off)):], data, -len(c), c)
}

func rowsOf(name string, out []byte, off []int32) int {
	n := max(0, len(off)-1)
	enoughBits(name, out, (n+63)&^63)
	return n
}

// compareLengths sets bit i of out to whether row i of n has c bytes or, with
// above, more.
func compareLengths(out []byte, off []int32, n, c int, above bool) {
	done := 0
	for n-done >= 64 {
		k := min((n-done)&^63, maxRows)
		if o := off[done : done+k+1]; above {
			lengthsAbove(out[done/8:(done+k)/8], o, int32(c))
		} else {
			lengthsEqual(out[done/8:(done+k)/8], o, int32(c))
		}
		done += k
	}
	if done == n {
		return
	}
	var x uint64
	for i := range n - done {
		size := int(off[done+i+1] - off[done+i])
		x |= uint64(Bit(size == c && !above)|Bit(size > c && above)) << i
	}
	binary.LittleEndian.PutUint64(out[done/8:], x)
}

func lengthsEqualGo(out []byte, off []int32, n int32) {
	for i := range out {
		p := (*[9]int32)(off[8*i:])
		var b byte
		for k := range 8 {
			b |= Bit(p[k+1]-p[k] == n) << k
		}
		out[i] = b
	}
}

func lengthsAboveGo(out []byte, off []int32, n int32) {
	for i := range out {
		p := (*[9]int32)(off[8*i:])
		var b byte
		for k := range 8 {
			b |= Bit(p[k+1]-p[k] > n) << k
		}
		out[i] = b
	}
}

// refine clears the bits of out of the rows where c does not stand move bytes
// behind at[i].
func refine(out []byte, at []int32, data []byte, move int, c string) {
	if c == "" {
		return
	}
	for w := 0; 64*w < len(at); w++ {
		x := binary.LittleEndian.Uint64(out[8*w:])
		if x == 0 {
			continue
		}
		rows := at[64*w:]
		switch {
		case len(c) >= 8:
			x = refineLong(x, rows, data, move, c)
		case len(c) >= 4:
			first, last := load32(c, 0), load32(c, len(c)-4)
			for y := x; y != 0; y &= y - 1 {
				i := bits.TrailingZeros64(y)
				b := data[int(rows[i])+move:][:len(c)]
				differ := (load32(b, 0) ^ first) | (load32(b, len(b)-4) ^ last)
				x &^= uint64(Bit(differ != 0)) << i
			}
		default:
			for y := x; y != 0; y &= y - 1 {
				i := bits.TrailingZeros64(y)
				b := data[int(rows[i])+move:][:len(c)]
				differ := (b[0] ^ c[0]) | (b[len(b)/2] ^ c[len(c)/2]) | (b[len(b)-1] ^ c[len(c)-1])
				x &^= uint64(Bit(differ != 0)) << i
			}
		}
		binary.LittleEndian.PutUint64(out[8*w:], x)
	}
}

// refineLong is refine for a word of rows and 8 bytes or more.
func refineLong(x uint64, rows []int32, data []byte, move int, c string) uint64 {
	first, last := load64(c, 0), load64(c, len(c)-8)
	for y := x; y != 0; y &= y - 1 {
		i := bits.TrailingZeros64(y)
		b := data[int(rows[i])+move:][:len(c)]
		differ := (load64(b, 0) ^ first) | (load64(b, len(b)-8) ^ last)
		if len(c) > 16 && differ == 0 && string(b) != c {
			differ = 1
		}
		x &^= uint64(Bit(differ != 0)) << i
	}
	return x
}

// load32 and load64 are the bytes from i on.
func load32[T []byte | string](b T, i int) uint32 {
	b = b[i : i+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func load64[T []byte | string](b T, i int) uint64 {
	b = b[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// EqualTexts sets bit i of out to whether row i of one column is row i of the
// other. Cost: 2 to 4 ns per row.
func EqualTexts(out []byte, off []int32, data []byte, off2 []int32, data2 []byte) {
	sameLength("EqualTexts", len(off), len(off2))
	n := rowsOf("EqualTexts", out, off)
	for w := 0; 64*w < n; w++ {
		var x uint64
		p, q := off[64*w:], off2[64*w:]
		for i := range min(64, n-64*w) {
			a, b := data[p[i]:p[i+1]], data2[q[i]:q[i+1]]
			x |= uint64(Bit(len(a) == len(b) && sameBytes(a, b))) << i
		}
		binary.LittleEndian.PutUint64(out[8*w:], x)
	}
}

// sameBytes compares texts of the same length, up to 16 bytes without a call.
func sameBytes(a, b []byte) bool {
	switch n := len(a); {
	case n > 16:
		return bytes.Equal(a, b)
	case n >= 8:
		return load64(a, 0) == load64(b, 0) && load64(a, n-8) == load64(b, n-8)
	case n >= 4:
		return load32(a, 0) == load32(b, 0) && load32(a, n-4) == load32(b, n-4)
	case n > 0:
		return a[0] == b[0] && a[n/2] == b[n/2] && a[n-1] == b[n-1]
	}
	return true
}

// ContainsText sets bit i of out to whether row i holds part: one sweep over
// the bytes of all rows for the first and the last byte of part at its distance.
// Cost: 0.05 ns per byte, 3 ns per place that has both, 0.5 per row.
func ContainsText(out []byte, off []int32, data []byte, part string) {
	n := rowsOf("ContainsText", out, off)
	clear(out[:(n+63)/64*8])
	if n == 0 {
		return
	}
	if part == "" {
		compareLengths(out, off, n, -1, true)
		return
	}
	row, from, end := 0, int(off[0]), int(off[n])
	var found [sweepBytes / 8]byte
	for last := end - len(part); from <= last; {
		k := sweep(found[:], data[from:end], part)
		row = markRows(out, off, row, data, from, part, found[:(k+63)/64*8])
		from += k
	}
}

// sweepBytes are the places looked at before the hits are given to rows.
const sweepBytes = 4096

// sweep finds the places of the first bytes of data where the first and the last byte
// of part stand at their distance, and returns how many places it looked at.
func sweep(found, data []byte, part string) int {
	distance := len(part) - 1
	k := min(sweepBytes, len(data)-distance)
	whole := k &^ 63
	if whole > 0 {
		pairs(found[:whole/8], data[:whole], data[distance:distance+whole], part[0], part[distance])
	}
	if whole < k {
		var x uint64
		for i := whole; i < k; i++ {
			x |= uint64(Bit(data[i] == part[0])&Bit(data[i+distance] == part[distance])) << (i - whole)
		}
		binary.LittleEndian.PutUint64(found[whole/8:], x)
	}
	return k
}

// pairsGo looks at eight bytes at a time: what is zero after the exclusive or
// gets the upper bit of its byte, and a multiplication gathers these.
func pairsGo(out, data, ahead []byte, a, b uint8) {
	const ones, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	x, y := ones*uint64(a), ones*uint64(b)
	for i := range out {
		differ := (load64(data, 8*i) ^ x) | (load64(ahead, 8*i) ^ y)
		zero := ^(differ&low + low | differ | low)
		out[i] = byte(zero >> 7 * 0x0102040810204080 >> 56)
	}
}

// markRows sets the rows that hold part at one of the places, which count from
// from, and returns the row it ended in. What crosses the end of a row does not
// count.
func markRows(out []byte, off []int32, row int, data []byte, from int, part string, places []byte) int {
	seen := from // places before belong to rows that are done
	for w := 0; 8*w < len(places); w++ {
		for x := binary.LittleEndian.Uint64(places[8*w:]); x != 0; x &= x - 1 {
			at := from + 64*w + bits.TrailingZeros64(x)
			if at < seen || string(data[at:at+len(part)]) != part {
				continue
			}
			for int(off[row+1]) <= at {
				row++
			}
			if end := int(off[row+1]); at+len(part) <= end {
				out[row>>3] |= 1 << (row & 7)
				seen = end
			}
		}
	}
	return row
}
