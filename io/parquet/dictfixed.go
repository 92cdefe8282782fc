package parquet

import (
	"math/bits"
	"slices"

	"github.com/arrowstream/arrowstream/columnar"
)

const (
	// A dictionary of fixed-width values that grew beyond maxFixedDict is not
	// used for further pages.
	maxFixedDict = 1 << 14
	// dictTrial is the number of rows after which a dictionary of fixed-width
	// values is given up if most values are new.
	dictTrial = 8 * pageStep
)

// fixedCodes numbers the distinct bit patterns of a column in the order they
// come: open addressing with linear probing, at most a quarter full. NaNs of
// different bits and the two zeros are different values, so that a file gives
// back what was written.
type fixedCodes struct {
	small [256]int32  // codes plus one of the values below 256: labels, flags
	slots []fixedSlot // of the others; a power of two
	shift int
}

// fixedSlot holds a value and its code plus one; 0 is empty.
type fixedSlot struct {
	value uint64
	code  int32
}

// find is the code of x, which is next if x is new. About 2 ns while the table
// is in L1.
func (f *fixedCodes) find(x uint64, next int32) int32 {
	for i := x * 0x9e3779b97f4a7c15 >> f.shift; ; i++ {
		s := &f.slots[i&uint64(len(f.slots)-1)]
		if s.code == 0 {
			*s = fixedSlot{x, next + 1}
			return next
		}
		if s.value == x {
			return s.code - 1
		}
	}
}

// reset forgets all values.
func (f *fixedCodes) reset() {
	clear(f.small[:])
	clear(f.slots)
}

// reserve makes room for n values.
func (f *fixedCodes) reserve(n int) {
	if 4*n <= len(f.slots) {
		return
	}
	before := f.slots
	size := 1 << bits.Len(uint(8*n-1))
	f.slots, f.shift = make([]fixedSlot, size), 64-bits.TrailingZeros(uint(size))
	for _, s := range before {
		if s.code > 0 {
			f.find(s.value, s.code-1)
		}
	}
}

// appendCodes replaces the values in c.data from byte at on by codes.
func (c *chunkOut) appendCodes(at int) {
	if c.width == 4 {
		c.codes = appendFixedCodes(c.dict, c.codes, columnar.AsValues[uint32](c.data[at:]))
	} else {
		c.codes = appendFixedCodes(c.dict, c.codes, columnar.AsValues[uint64](c.data[at:]))
	}
	c.data = c.data[:at]
}

// appendFixedCodes appends the code of every value, about 1.5 ns each for small
// integers.
func appendFixedCodes[T uint32 | uint64](d *dictOut, codes []int32, v []T) []int32 {
	f := &d.fixed
	f.reserve(d.n + len(v))
	at := len(codes)
	codes = slices.Grow(codes, len(v))[:at+len(v)]
	for i, x := range v {
		var code int32
		if uint64(x) < uint64(len(f.small)) {
			code = f.small[x] - 1
		} else {
			code = f.find(uint64(x), int32(d.n))
		}
		if code < 0 {
			code = int32(d.n)
			f.small[x] = code + 1
		}
		if int(code) == d.n {
			d.n++
			d.data = append(d.data, columnar.AsBytes(v[i:i+1])...)
		}
		codes[at+i] = code
	}
	return codes
}

// judgeDict gives up the dictionary of a fixed-width column if more than half
// of the values so far are new: what is on the page becomes plain values.
func (c *chunkOut) judgeDict() {
	d := c.dict
	if c.text || d == nil || !d.active || c.coded > 0 || 2*d.n <= c.ones {
		return
	}
	for _, x := range c.codes {
		c.data = append(c.data, d.data[int(x)*c.width:][:c.width]...)
	}
	c.codes = c.codes[:0]
	c.stats.fixed(c.data)
	d.reset()
	d.active = false
}
