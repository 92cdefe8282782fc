package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// column is n whole numbers from -500 to 499 in memory of their own.
func column[T simd.Number](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	x := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(limits.Column(n*size/8)))), n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = T(rng.IntN(1000)) - 500
	}
	return x
}

// words views a column as what package limits reads.
func words[T simd.Number](x []T) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T)))/8)
}

// nineOfTen is a bitmap in which a tenth is clear at random.
func nineOfTen(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	bits := make([]byte, (n+7)/8)
	for i := range n {
		if rng.IntN(10) > 0 {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// onColumn compares kernels on one column, without nulls and with a tenth of
// them, to reading it.
func onColumn[T simd.Number](b *testing.B, all func(x []T), valid func(x []T, valid []byte)) {
	for _, rows := range sizes {
		x, bits := column[T](rows), nineOfTen(rows)
		read := limits.Read(words(x))
		name := fmt.Sprintf("type=%T/rows=%d", x[0], rows)
		atLevels(b, name+"/nulls=0", func(b *testing.B) { limits.Against(b, rows, read, func() { all(x) }) })
		if valid != nil {
			atLevels(b, name+"/nulls=10", func(b *testing.B) { limits.Against(b, rows, read, func() { valid(x, bits) }) })
		}
	}
}

func BenchmarkSum(b *testing.B) {
	var acc [32]float64
	onColumn(b, func(x []float64) { simd.SumFloat64(&acc, x) }, func(x []float64, v []byte) { simd.SumFloat64Valid(&acc, x, v) })
	onColumn(b, func(x []float32) { simd.SumFloat32(&acc, x) }, func(x []float32, v []byte) { simd.SumFloat32Valid(&acc, x, v) })
	onColumn(b, func(x []int64) { simd.SumInt64(x) }, func(x []int64, v []byte) { simd.SumInt64Valid(x, v) })
	onColumn(b, func(x []int32) { simd.SumInt32(x) }, func(x []int32, v []byte) { simd.SumInt32Valid(x, v) })
}

func BenchmarkMin(b *testing.B) {
	onColumn(b, func(x []float64) { simd.Min(x) }, func(x []float64, v []byte) { simd.MinValid(x, v) })
	onColumn(b, func(x []float32) { simd.Min(x) }, func(x []float32, v []byte) { simd.MinValid(x, v) })
	onColumn(b, func(x []int64) { simd.Min(x) }, func(x []int64, v []byte) { simd.MinValid(x, v) })
	onColumn(b, func(x []int32) { simd.Min(x) }, func(x []int32, v []byte) { simd.MinValid(x, v) })
}

func BenchmarkMax(b *testing.B) {
	onColumn(b, func(x []float64) { simd.Max(x) }, func(x []float64, v []byte) { simd.MaxValid(x, v) })
	onColumn(b, func(x []int64) { simd.Max(x) }, func(x []int64, v []byte) { simd.MaxValid(x, v) })
}

func BenchmarkCompare(b *testing.B) {
	for _, op := range []struct {
		name string
		op   simd.Comparison
	}{{"gt", simd.Gt}, {"eq", simd.Eq}} {
		b.Run("op="+op.name+"/y=const", func(b *testing.B) {
			compareWithConst[float64](b, op.op)
			compareWithConst[float32](b, op.op)
			compareWithConst[int64](b, op.op)
			compareWithConst[int32](b, op.op)
		})
		b.Run("op="+op.name+"/y=column", func(b *testing.B) {
			compareColumns[float64](b, op.op)
			compareColumns[int64](b, op.op)
		})
	}
}

func compareWithConst[T simd.Number](b *testing.B, op simd.Comparison) {
	out, c := make([]byte, sizes[len(sizes)-1]/8), []T{7}
	onColumn(b, func(x []T) { simd.Compare(op, out, x, c) }, nil)
}

// compareColumns has columns that together are as large as one elsewhere.
func compareColumns[T simd.Number](b *testing.B, op simd.Comparison) {
	out := make([]byte, sizes[len(sizes)-1]/8)
	for _, rows := range sizes {
		x, y := column[T](rows/2), column[T](rows/2)
		atLevels(b, fmt.Sprintf("type=%T/rows=%d", x[0], rows/2), func(b *testing.B) {
			limits.Against(b, rows/2, limits.Read(words(x), words(y)), func() { simd.Compare(op, out, x, y) })
		})
	}
}

func BenchmarkArith(b *testing.B) {
	arith[float64](b, simd.Add, "add")
	arith[float64](b, simd.Div, "div")
	arith[float32](b, simd.Mul, "mul")
	arith[int64](b, simd.Add, "add")
	arith[int64](b, simd.Mul, "mul")
	arith[int32](b, simd.Mul, "mul")
}

// arith is two columns read and one written, as is the limit but for its third
// column read, and a column and a constant, against copying.
func arith[T simd.Number](b *testing.B, op simd.Operator, name string) {
	for _, rows := range sizes {
		rows /= 4
		x, y, out := column[T](rows), column[T](rows), column[T](rows)
		for i := range y {
			if y[i] == 0 {
				y[i] = 1
			}
		}
		atLevels(b, fmt.Sprintf("op=%s/type=%T/y=column/rows=%d", name, x[0], rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Triad(words(out), words(x), words(y), words(y)), func() { simd.Arith(op, out, x, y) })
		})
		atLevels(b, fmt.Sprintf("op=%s/type=%T/y=const/rows=%d", name, x[0], rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Copy(words(out), words(x)), func() { simd.Arith(op, out, x, y[:1]) })
		})
	}
}

func BenchmarkMulAdd(b *testing.B) {
	for _, rows := range sizes {
		rows /= 4
		x, y, z, out := column[float64](rows), column[float64](rows), column[float64](rows), column[float64](rows)
		limit := limits.Triad(out, x, y, z)
		atLevels(b, fmt.Sprintf("rounds=2/rows=%d", rows), func(b *testing.B) {
			limits.Against(b, rows, limit, func() { simd.MulAdd(out, x, y, z) })
		})
		atLevels(b, fmt.Sprintf("rounds=1/rows=%d", rows), func(b *testing.B) {
			limits.Against(b, rows, limit, func() { simd.FMA(out, x, y, z) })
		})
	}
}

// BenchmarkBits is of bitmaps of a million rows.
func BenchmarkBits(b *testing.B) {
	const rows = 1 << 20
	x, y, out := nineOfTen(rows), nineOfTen(rows), make([]byte, rows/8)
	for _, op := range []struct {
		name string
		f    func()
	}{
		{"and", func() { simd.And(out, x, y) }},
		{"count", func() { simd.Count(x, rows) }},
		{"shift", func() { simd.Shift(out, x, 3, rows-8) }},
	} {
		atLevels(b, "op="+op.name, func(b *testing.B) { limits.Against(b, rows, nil, op.f) })
	}
}
