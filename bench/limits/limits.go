package limits

import (
	"math"
	"runtime"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// best is the highest level of the machine: memory is as fast as that finds it,
// whatever level the kernel beside it runs at.
var best = simd.Levels()[len(simd.Levels())-1]

// Read returns a function that loads every element of the columns, in turns of
// a few thousand rows, as a kernel over them does.
func Read(columns ...[]float64) func() {
	return func() {
		eachChunk(columns, func(x [][]float64) {
			for _, c := range x {
				read(c)
			}
		})
	}
}

// Copy returns a function that copies x to dst.
func Copy(dst, x []float64) func() {
	return func() {
		eachChunk([][]float64{dst, x}, func(v [][]float64) { copyAll(v[0], v[1]) })
	}
}

// Triad returns a function that stores a*b+c: three columns read, one written.
func Triad(dst, a, b, c []float64) func() {
	return func() {
		eachChunk([][]float64{dst, a, b, c}, func(v [][]float64) { triad(v[0], v[1], v[2], v[3]) })
	}
}

// FMA returns a function that does n multiplications with additions of float64
// at the level in use.
func FMA(n int) func() {
	n = max(n/96, 1) * 96
	return func() { fma(n) }
}

// eachChunk calls f with pieces of the columns; what is left over from 64 rows
// is left out.
func eachChunk(columns [][]float64, f func([][]float64)) {
	piece := make([][]float64, len(columns))
	n := len(columns[0]) &^ 63
	for lo := 0; lo < n; lo += chunk {
		for i, c := range columns {
			piece[i] = c[lo:min(lo+chunk, n)]
		}
		f(piece)
	}
}

const chunk = 4096 // rows

// The twins are what a machine without assembly can do.

func readGo(x []float64) {
	a, b, c, d := 0.0, 0.0, 0.0, 0.0
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = max0(a, x[0]), max0(b, x[1]), max0(c, x[2]), max0(d, x[3])
	}
	runtime.KeepAlive(a + b + c + d)
}

func max0(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

func copyAllGo(dst, x []float64) { copy(dst, x) }

func triadGo(dst, a, b, c []float64) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	for i := range dst {
		dst[i] = float64(a[i]*b[i]) + c[i]
	}
}

func fmaGo(n int) {
	a, b, c, d := 0.0, 0.0, 0.0, 0.0
	for range n / 4 {
		a, b, c, d = math.FMA(1, 0, a), math.FMA(1, 0, b), math.FMA(1, 0, c), math.FMA(1, 0, d)
	}
	runtime.KeepAlive(a + b + c + d)
}
