package agg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// TestUngroupedRowsInPieces updates with slices cut at random, at every level:
// the states are those of rows that come one at a time at level go.
func TestUngroupedRowsInPieces(t *testing.T) {
	mem := columnartest.Allocator(t)
	rng := rand.New(rand.NewPCG(21, 22))
	const rows = 3000
	f, n, u, b := array.NewFloat64Builder(mem), array.NewInt64Builder(mem), array.NewUint64Builder(mem), array.NewBooleanBuilder(mem)
	for range rows {
		if rng.IntN(10) == 0 {
			f.AppendNull()
			n.AppendNull()
			u.AppendNull()
			b.AppendNull()
			continue
		}
		f.Append(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(12))))
		n.Append(int64(rng.Uint64()) / rows)
		u.Append(rng.Uint64())
		b.Append(rng.IntN(3) == 0)
	}
	for _, c := range []struct {
		fn string
		a  arrow.Array
	}{
		{"sum", f.NewArray()},
		{"sum", n.NewArray()},
		{"avg", u.NewArray()},
		{"count_if", b.NewArray()},
		{"max", nil},
		{"min", nil},
		{"count", nil},
	} {
		if c.a == nil {
			for range rows {
				n.Append(int64(rng.Uint64()))
			}
			c.a = n.NewArray()
		}
		defer c.a.Release()
		spec := bind(t, c.fn, c.a.DataType())
		var want string
		for _, l := range simd.Levels() {
			defer simd.Use(simd.Use(l))
			for _, most := range []int{1, 7, 100, 1000, rows} {
				acc := spec.New(mem)
				for lo := 0; lo < rows; {
					hi := min(rows, lo+1+rng.IntN(most))
					s := array.NewSlice(c.a, int64(lo), int64(hi))
					if err := acc.Update(nil, 1, s); err != nil {
						t.Fatal(err)
					}
					s.Release()
					lo = hi
				}
				got := snapshot(t, acc, []uint32{0})
				acc.Release()
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("%s of %s at %s in pieces of at most %d rows:\n%s\nwant:\n%s", c.fn, c.a.DataType(), l, most, got, want)
				}
			}
		}
	}
	for _, builder := range []array.Builder{f, n, u, b} {
		builder.Release()
	}
}

// TestUngroupedUpdatesAllocateNothing is about slices whose validity does not
// begin with a byte.
func TestUngroupedUpdatesAllocateNothing(t *testing.T) {
	mem := columnartest.Allocator(t)
	x := array.NewInt64Builder(mem)
	defer x.Release()
	for i := range 1000 {
		if i%7 == 0 {
			x.AppendNull()
		} else {
			x.Append(int64(i))
		}
	}
	a := x.NewArray()
	defer a.Release()
	s := array.NewSlice(a, 3, 990)
	defer s.Release()
	args := []arrow.Array{s}
	for _, fn := range []string{"sum", "max", "min", "count"} {
		acc := bind(t, fn, s.DataType()).New(mem)
		defer acc.Release()
		if n := testing.AllocsPerRun(20, func() {
			if err := acc.Update(nil, 1, args...); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per batch", fn, n)
		}
	}
}
