package simd

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

var arithTwins = slices.Concat(
	arithRows[int32](Add, Sub, Mul), arithRows[int64](Add, Sub, Mul), arithRows[float32](Add, Sub, Mul, Div), arithRows[float64](Add, Sub, Mul, Div),
	mulAddRows[float32](), mulAddRows[float64](),
	[]twin{{"FMA", func(a *arena) {
		x, y, z := input[float64](a, a.n), input[float64](a, a.n), input[float64](a, a.n)
		FMA(output[float64](a, a.n), x, y, z)
	}}},
)

func arithRows[T interface {
	Number
	element
}](ops ...Operator) (rows []twin) {
	for _, op := range ops {
		rows = append(rows, twin{fmt.Sprintf("Arith/%T/%d", *new(T), op), func(a *arena) {
			x, y, c := input[T](a, a.n), input[T](a, a.n), input[T](a, 1)
			a.keep(Arith(op, output[T](a, a.n), x, y))
			a.keep(Arith(op, output[T](a, a.n), x, c))
			a.keep(Arith(op, output[T](a, a.n), c, y))
			z := inout[T](a, a.n)
			a.keep(Arith(op, z, z, y), Arith(op, z, x, z))
		}})
	}
	return rows
}

func mulAddRows[T interface {
	float32 | float64
	element
}]() []twin {
	return []twin{{fmt.Sprintf("MulAdd/%T", *new(T)), func(a *arena) {
		x, y, z := input[T](a, a.n), input[T](a, a.n), input[T](a, a.n)
		MulAdd(output[T](a, a.n), x, y, z)
		w := inout[T](a, a.n)
		MulAdd(w, w, y, z)
	}}}
}

// TestIntegersOverflowWhereTheExactResultDoes puts one row that does, or just
// does not, overflow among others.
func TestIntegersOverflowWhereTheExactResultDoes(t *testing.T) {
	edges := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 32, -1 << 31, -1<<31 - 1, -2, -1, 0, 1, 2, 1<<31 - 1, 1 << 31, 3037000499, 3037000500, 1 << 32, math.MaxInt64 - 1, math.MaxInt64}
	testOverflow(t, edges, math.MinInt64, math.MaxInt64)
	testOverflow(t, []int32{math.MinInt32, math.MinInt32 + 1, -1 << 16, -46341, -46340, -2, -1, 0, 1, 2, 46340, 46341, 1 << 16, math.MaxInt32 - 1, math.MaxInt32}, math.MinInt32, math.MaxInt32)
}

func testOverflow[T int32 | int64](t *testing.T, edges []T, least, most T) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	low, high := big.NewInt(int64(least)), big.NewInt(int64(most))
	for _, l := range Levels() {
		defer Use(Use(l))
		for _, op := range []Operator{Add, Sub, Mul} {
			for _, a := range edges {
				for _, b := range edges {
					exact := new(big.Int)
					f := [...]func(x, y *big.Int) *big.Int{exact.Add, exact.Sub, exact.Mul}[op]
					f(big.NewInt(int64(a)), big.NewInt(int64(b)))
					want := exact.Cmp(low) < 0 || exact.Cmp(high) > 0
					n := 1 + rng.IntN(100)
					x, y, out := make([]T, n), make([]T, n), make([]T, n)
					i := rng.IntN(n)
					x[i], y[i] = a, b
					if got := Arith(op, out, x, y); got != want {
						t.Errorf("%s: operator %d of %d and %d in row %d of %d: overflow is %v", l, op, a, b, i, n, got)
					}
					if !want && int64(out[i]) != exact.Int64() {
						t.Errorf("%s: operator %d of %d and %d is %d", l, op, a, b, out[i])
					}
					for j := range y {
						y[j] = b
					}
					if got, same := Arith(op, out, x, y[:1]), Arith(op, slices.Clone(out), x, y); got != same {
						t.Errorf("%s: operator %d with the constant %d: overflow is %v", l, op, b, got)
					}
				}
			}
		}
	}
}

// TestFloatsAreThoseOfTheOperators computes row by row.
func TestFloatsAreThoseOfTheOperators(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for _, l := range Levels() {
		defer Use(Use(l))
		for _, n := range []int{0, 1, 31, 32, 33, 200, maxRows + 40} {
			x, y, z, out := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range x {
				x[i], y[i], z[i] = rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
			}
			check := func(name string, want func(i int) float64) {
				for i := range out {
					if out[i] != want(i) {
						t.Fatalf("%s: %s: row %d of %d is %v, want %v", l, name, i, n, out[i], want(i))
					}
				}
			}
			Arith(Sub, out, x, y)
			check("x-y", func(i int) float64 { return x[i] - y[i] })
			Arith(Sub, out, x, []float64{3})
			check("x-3", func(i int) float64 { return x[i] - 3 })
			Arith(Div, out, []float64{3}, y)
			check("3/y", func(i int) float64 { return 3 / y[i] })
			Arith(Mul, out, x, y)
			check("x*y", func(i int) float64 { return x[i] * y[i] })
			Arith(Add, out, []float64{0.1}, y)
			check("0.1+y", func(i int) float64 { return 0.1 + y[i] })
			MulAdd(out, x, y, z)
			check("x*y+z", func(i int) float64 { return float64(x[i]*y[i]) + z[i] })
			FMA(out, x, y, z)
			check("fma", func(i int) float64 { return math.FMA(x[i], y[i], z[i]) })
		}
	}
}
