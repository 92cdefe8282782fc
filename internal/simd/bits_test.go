package simd

import (
	"math/rand/v2"
	"testing"
)

var bitsTwins = []twin{
	{"And", func(a *arena) { And(output[byte](a, a.n), input[byte](a, a.n), input[byte](a, a.n)) }},
	{"Or", func(a *arena) { Or(output[byte](a, a.n), input[byte](a, a.n), input[byte](a, a.n)) }},
	{"AndNot", func(a *arena) { AndNot(output[byte](a, a.n), input[byte](a, a.n), input[byte](a, a.n)) }},
	{"Not", func(a *arena) { Not(output[byte](a, a.n), input[byte](a, a.n)) }},
	{"And/inplace", func(a *arena) {
		x := inout[byte](a, a.n)
		And(x, x, input[byte](a, a.n))
		Or(x, input[byte](a, a.n), x)
		AndNot(x, x, input[byte](a, a.n))
		Not(x, x)
	}},
	{"Count", func(a *arena) { a.keep(Count(input[byte](a, bytesOf(a.n)), a.n)) }},
	{"Count/long", func(a *arena) { a.keep(Count(input[byte](a, 5*a.n), 40*a.n)) }},
	{"Shift", func(a *arena) {
		offset := a.rng.IntN(70)
		Shift(output[byte](a, bytesOf(a.n)), input[byte](a, bytesOf(offset+a.n)), offset, a.n)
	}},
}

// TestBitsAreThoseOfALoop does every operation bit by bit.
func TestBitsAreThoseOfALoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	get := func(b []byte, i int) bool { return b[i/8]>>(i%8)&1 != 0 }
	for _, l := range Levels() {
		defer Use(Use(l))
		for range 200 {
			size, offset := rng.IntN(600), 0
			x, y, and, or, andNot, not := make([]byte, size), make([]byte, size), make([]byte, size), make([]byte, size), make([]byte, size), make([]byte, size)
			for i := range x {
				x[i], y[i] = byte(rng.Uint32()), byte(rng.Uint32())
			}
			And(and, x, y)
			Or(or, x, y)
			AndNot(andNot, x, y)
			Not(not, x)
			n := 0
			if size > 0 {
				n, offset = rng.IntN(8*size), rng.IntN(8)
				n = max(n-offset, 0)
			}
			moved, count := make([]byte, bytesOf(n)), 0
			Shift(moved, x, offset, n)
			for i := range 8 * size {
				a, b := get(x, i), get(y, i)
				if get(and, i) != (a && b) || get(or, i) != (a || b) || get(andNot, i) != (a && !b) || get(not, i) == a {
					t.Fatalf("%s: bit %d of %d bytes", l, i, size)
				}
				if i < n && a {
					count++
				}
			}
			if got := Count(x, n); got != count {
				t.Fatalf("%s: %d of %d bits, want %d", l, got, n, count)
			}
			for i := range 8 * len(moved) {
				if get(moved, i) != (i < n && get(x, offset+i)) {
					t.Fatalf("bit %d of %d shifted by %d", i, n, offset)
				}
			}
		}
	}
}
