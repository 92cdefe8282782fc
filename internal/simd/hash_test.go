package simd

import (
	"math"
	"slices"
	"testing"
	"unsafe"
)

var hashTwins = []twin{
	{"Hash", func(a *arena) { Hash(output[uint64](a, a.n), input[uint64](a, a.n), a.rng.Uint64()) }},
	{"HashInPlace", func(a *arena) {
		x := inout[uint64](a, a.n)
		Hash(x, x, 1)
	}},
	{"HashWith", func(a *arena) { HashWith(inout[uint64](a, a.n), input[uint64](a, a.n)) }},
	{"FloatKeys", func(a *arena) { FloatKeys(output[uint64](a, a.n), input[float64](a, a.n)) }},
	{"Prefetch", func(a *arena) {
		var table [64]uint64
		Prefetch(unsafe.Pointer(&table), input[uint64](a, a.n), 63, 3)
		a.keep(uint64(slices.Max(table[:])))
	}},
	{"PrefetchRows", func(a *arena) {
		var table [64]uint64
		rows := input[uint32](a, a.n) // far outside of the table: nothing may fault
		PrefetchRows(unsafe.Pointer(&table), rows, 24)
		a.keep(uint64(slices.Max(table[:])))
	}},
}

// Mix must not change: it is in snapshots and decides the order of groups.
func TestMixIsStable(t *testing.T) {
	for _, c := range []struct{ x, want uint64 }{{0, 0}, {1, 0x4179b061e0c0e0d0}, {0x0123456789abcdef, 0x3efdea49c590f4ec}} {
		if got := Mix(c.x); got != c.want {
			t.Errorf("Mix(%d) = %#x, want %#x", c.x, got, c.want)
		}
	}
}

// TestHashIsMix compares with one call per value.
func TestHashIsMix(t *testing.T) {
	x := make([]uint64, 70_001)
	for i := range x {
		x[i] = uint64(i) * 0x9e3779b97f4a7c15
	}
	for _, l := range Levels() {
		defer Use(Use(l))
		h := make([]uint64, len(x))
		Hash(h, x, 7)
		for i, v := range x {
			if h[i] != Mix(7^v) {
				t.Fatalf("level %s: hash %d is %#x", l, i, h[i])
			}
		}
		HashWith(h, x)
		for i, v := range x {
			if h[i] != Mix(Mix(7^v)^v) {
				t.Fatalf("level %s: hash %d of two columns is %#x", l, i, h[i])
			}
		}
	}
}

// TestFloatKeysAreCanonical looks at the values that are the same to GROUP BY
// though their bits differ.
func TestFloatKeysAreCanonical(t *testing.T) {
	x := slices.Repeat([]float64{math.NaN(), math.Float64frombits(0xfff0000000000001), 0, math.Copysign(0, -1), -1.5, math.Inf(-1)}, 8)
	want := slices.Repeat([]uint64{0x7ff8000000000000, 0x7ff8000000000000, 0, 0, math.Float64bits(-1.5), math.Float64bits(math.Inf(-1))}, 8)
	for _, l := range Levels() {
		defer Use(Use(l))
		got := make([]uint64, len(x))
		FloatKeys(got, x)
		if !slices.Equal(got, want) {
			t.Errorf("level %s: keys are %#x", l, got)
		}
	}
}

func TestLengthsMustAgree(t *testing.T) {
	defer func() {
		if got := recover(); got != "simd: Hash: lengths 3 and 4" {
			t.Errorf("panic is %v", got)
		}
	}()
	Hash(make([]uint64, 3), make([]uint64, 4), 0)
}
