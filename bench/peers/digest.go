package main

import (
	"fmt"
	"hash/maphash"
	"math"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// column is one column of a block of result rows, in the memory of whichever
// engine made it: one of the three kinds of values, and which are not NULL.
type column struct {
	ints   []int64 // integers, and instants in microseconds
	floats []float64
	text   func(i int) string // of strings
	valid  columnar.Bitmap
}

// Digest sums up the rows of a result in any order. Both engines deliver their
// rows into one, inside the time that is measured: a fast wrong answer fails,
// and none is measured without looking at its values.
type Digest struct {
	Rows int64
	// Exact is the sum of one hash per row over its integers, strings and NULLs.
	Exact uint64
	// Floats are the sums of every column, NULL and floats left out, each value
	// weighted by a number in [1, 2) out of the hash of its row, and the sums
	// of their absolute values.
	Floats, Sizes []float64

	hashes []uint64
}

var hashSeed = maphash.MakeSeed()

// Add takes in n rows: about 2 ns a value.
func (d *Digest) Add(n int, columns []column) {
	d.Rows += int64(n)
	if len(d.Floats) < len(columns) {
		d.Floats, d.Sizes = make([]float64, len(columns)), make([]float64, len(columns))
	}
	if cap(d.hashes) < n {
		d.hashes = make([]uint64, n)
	}
	h := d.hashes[:n]
	clear(h)
	for _, c := range columns {
		for i := range h {
			var v uint64
			switch {
			case !c.valid.Get(i):
				v = 1
			case c.ints != nil:
				v = simd.Mix(uint64(c.ints[i]))
			case c.text != nil:
				v = maphash.String(hashSeed, c.text(i))
			}
			h[i] = simd.Mix(h[i] + v)
		}
	}
	for _, v := range h {
		d.Exact += v
	}
	for j, c := range columns {
		if c.floats == nil {
			continue
		}
		for i, v := range c.floats[:n] {
			if c.valid.Get(i) {
				v *= 1 + fraction(h[i])
				d.Floats[j] += v
				d.Sizes[j] += math.Abs(v)
			}
		}
	}
}

// Differs says in what d and other differ, nil if in nothing but the rounding
// of floating-point sums.
func (d *Digest) Differs(other *Digest) error {
	if d.Rows != other.Rows {
		return fmt.Errorf("%d rows, not %d", d.Rows, other.Rows)
	}
	if d.Exact != other.Exact {
		return fmt.Errorf("integers, strings or NULLs of the %d rows differ", d.Rows)
	}
	for j, v := range d.Floats {
		if !(math.Abs(v-other.Floats[j]) <= 1e-9*d.Sizes[j]) {
			return fmt.Errorf("floating-point column %d: sum %v, not %v", j+1, v, other.Floats[j])
		}
	}
	return nil
}
