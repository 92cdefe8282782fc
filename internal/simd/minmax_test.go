package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var minmaxTwins = slices.Concat(
	minmaxRows[int32](), minmaxRows[int64](), minmaxRows[float32](), minmaxRows[float64](), minmaxRows[uint8](), minmaxRows[uint64](),
)

func minmaxRows[T Fixed]() []twin {
	name := fmt.Sprintf("%T", *new(T))
	return []twin{
		{"MinMax/" + name, func(a *arena) {
			x := input[T](a, a.n)
			keepValue(a, Min(x), Max(x))
		}},
		{"MinMaxValid/" + name, func(a *arena) {
			x, valid := input[T](a, a.n), bitmap(a, a.n)
			keepValue(a, MinValid(x, valid), MaxValid(x, valid))
		}},
	}
}

func keepValue[T Fixed](a *arena, v ...T) {
	for _, x := range v {
		if isReal[T]() {
			a.keep(float64(x))
		} else {
			a.keep(uint64(x))
		}
	}
}

// TestMinMaxIsThatOfASort sorts the valid rows in the order of values.
func TestMinMaxIsThatOfASort(t *testing.T) {
	testMinMax(t, math.NaN(), math.Inf(-1), specialFloat64s)
	testMinMax(t, float32(math.NaN()), float32(math.Inf(-1)), []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))})
	testMinMax(t, math.MaxInt64, math.MinInt64, []int64{0, 1, -1, math.MinInt64, math.MaxInt64, 1 << 32})
	testMinMax(t, math.MaxInt32, math.MinInt32, []int32{0, 1, -1, math.MinInt32, math.MaxInt32})
	testMinMax(t, math.MaxUint16, 0, []uint16{0, 1, 1 << 15, math.MaxUint16})
}

func testMinMax[T Fixed](t *testing.T, least, most T, values []T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		n := rng.IntN(200)
		some := values[:1+rng.IntN(len(values))]
		x, valid, all := make([]T, n), make([]byte, bytesOf(n)), []T(nil)
		nulls := rng.IntN(3)
		for i := range x {
			x[i] = some[rng.IntN(len(some))]
			if rng.IntN(2) >= nulls {
				valid[i/8] |= 1 << (i % 8)
				all = append(all, x[i])
			}
		}
		for _, l := range Levels() {
			defer Use(Use(l))
			for _, c := range []struct {
				name string
				rows []T
				min  T
				max  T
			}{{"all", x, Min(x), Max(x)}, {"valid", all, MinValid(x, valid), MaxValid(x, valid)}} {
				wantMin, wantMax := least, most
				if len(c.rows) > 0 {
					wantMin, wantMax = slices.MinFunc(c.rows, order), slices.MaxFunc(c.rows, order)
				}
				if order(c.min, wantMin) != 0 || order(c.max, wantMax) != 0 {
					t.Fatalf("%s: %s of %v: min %v, max %v, want %v, %v", l, c.name, c.rows, c.min, c.max, wantMin, wantMax)
				}
				if isReal[T]() && (c.min == 0 && 1/c.min < 0 || c.max == 0 && 1/c.max < 0) {
					t.Fatalf("%s: -0 came out of %v", l, c.rows)
				}
			}
		}
	}
}

// order compares with NaN as the greatest value.
func order[T Fixed](a, b T) int {
	switch {
	case lt(a, b) != 0:
		return -1
	case lt(b, a) != 0:
		return 1
	}
	return 0
}
