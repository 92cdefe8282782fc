package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

var compareTwins = slices.Concat(
	compareRows[int32](), compareRows[int64](), compareRows[float32](), compareRows[float64](), compareRows[uint8](), compareRows[uint64](),
)

var operators = []Comparison{Eq, Ne, Lt, Le, Gt, Ge}

// compareRows compare columns of one type with columns and with a constant on
// either side, which is a value of the column now and then.
func compareRows[T Fixed]() []twin {
	name := fmt.Sprintf("Compare/%T", *new(T))
	return []twin{
		{name, func(a *arena) {
			x, y := input[T](a, a.n), input[T](a, a.n)
			for i := range x {
				if a.rng.IntN(4) == 0 {
					y[i] = x[i]
				}
			}
			a.touched()
			for _, op := range operators {
				Compare(op, output[byte](a, bytesOf(a.n)), x, y)
			}
		}},
		{name + "/const", func(a *arena) {
			x, c := input[T](a, a.n), input[T](a, 1)
			if a.n > 0 && a.rng.IntN(2) == 0 {
				c[0] = x[a.rng.IntN(a.n)]
				a.touched()
			}
			for _, op := range operators {
				Compare(op, output[byte](a, bytesOf(a.n)), x, c)
				Compare(op, output[byte](a, bytesOf(a.n)), c, x)
			}
		}},
	}
}

// TestCompareIsInOrder compares all pairs of special values with their places
// in the order of values.
func TestCompareIsInOrder(t *testing.T) {
	inf := math.Inf(1)
	testOrder(t, []float64{-inf, -math.MaxFloat64, -1, math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64, 1, inf, math.NaN(), math.Float64frombits(0xfff8000000000123)},
		[]int{0, 1, 2, 3, 3, 4, 5, 6, 7, 7})
	testOrder(t, []float32{-float32(inf), -1, float32(math.Copysign(0, -1)), 0, math.SmallestNonzeroFloat32, float32(inf), float32(math.NaN())}, []int{0, 1, 2, 2, 3, 4, 5})
	testOrder(t, []int64{math.MinInt64, math.MinInt32, -1, 0, 1, 1 << 32, math.MaxInt64}, []int{0, 1, 2, 3, 4, 5, 6})
	testOrder(t, []int32{math.MinInt32, -1, 0, 1, math.MaxInt32}, []int{0, 1, 2, 3, 4})
	testOrder(t, []uint64{0, 1, 1 << 63, math.MaxUint64}, []int{0, 1, 2, 3})
}

func testOrder[T Fixed](t *testing.T, values []T, place []int) {
	t.Helper()
	var x, y []T
	var px, py []int
	for n := range 3 * len(values) * len(values) { // so that there are whole blocks
		i, j := n%len(values), n/len(values)%len(values)
		x, y, px, py = append(x, values[i]), append(y, values[j]), append(px, place[i]), append(py, place[j])
	}
	out := make([]byte, bytesOf(len(x)))
	for _, l := range Levels() {
		defer Use(Use(l))
		for _, op := range operators {
			Compare(op, out, x, y)
			for i := range x {
				if got := out[i/8]>>(i%8)&1 != 0; got != holds(op, px[i], py[i]) {
					t.Errorf("%s: %v %v %v is %v", l, x[i], op, y[i], got)
				}
			}
			for j, c := range values {
				Compare(op, out, x, []T{c})
				for i := range x {
					if got := out[i/8]>>(i%8)&1 != 0; got != holds(op, px[i], place[j]) {
						t.Fatalf("%s: %v %v constant %v is %v", l, x[i], op, c, got)
					}
				}
				Compare(op, out, []T{c}, x)
				for i := range x {
					if got := out[i/8]>>(i%8)&1 != 0; got != holds(op, place[j], px[i]) {
						t.Fatalf("%s: constant %v %v %v is %v", l, c, op, x[i], got)
					}
				}
			}
			if n := len(x); n%8 != 0 && out[n/8]>>(n%8) != 0 {
				t.Errorf("%s: bits after the last row are set", l)
			}
		}
	}
}

func holds(op Comparison, a, b int) bool {
	return [...]bool{a == b, a != b, a < b, a <= b, a > b, a >= b}[op]
}
