package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func BenchmarkLogisticSteps(b *testing.B) {
	const rows = 256
	for _, d := range []int{6, 10, 16} {
		x, w := matrix(d, rows), make([]float64, d)
		p, y, rate, one := make([]float64, rows), make([]float64, rows), make([]float64, rows), make([]float64, rows)
		for i := range y {
			y[i], rate[i], one[i] = float64(i&1), 0.001, 1
		}
		atLevels(b, fmt.Sprintf("d=%d", d), func(b *testing.B) {
			limits.Against(b, rows, nil, func() { simd.LogisticSteps(p, w, 0, x, 0, y, one, rate, rate) })
		})
	}
}

func BenchmarkLogisticRows(b *testing.B) {
	const rows = 64
	for _, d := range []int{24, 32, 56, 104} {
		x, w := limits.Column(rows*d), make([]float64, d)
		p, y, rate, one := make([]float64, rows), make([]float64, rows), make([]float64, rows), make([]float64, rows)
		for i := range y {
			y[i], rate[i], one[i] = float64(i&1), 0.001, 1
		}
		atLevels(b, fmt.Sprintf("d=%d", d), func(b *testing.B) {
			limits.Against(b, rows, nil, func() { simd.LogisticRows(p, w, 0, x, y, one, rate, rate, simd.Ahead{}) })
		})
	}
}

func BenchmarkTranspose(b *testing.B) {
	for _, d := range []int{10, 32, 100} {
		stride, rows := (d+7)&^7, 1<<15/8/((d+7)&^7)
		x, out := matrix(d, rows), make([]float64, stride*rows)
		atLevels(b, fmt.Sprintf("d=%d/rows=%d", d, rows), func(b *testing.B) {
			limits.Against(b, rows, nil, func() { simd.Transpose(out, stride, x, 0, rows) })
		})
	}
}

// BenchmarkGradient is that of a logistic regression over tiles of 256 rows.
func BenchmarkGradient(b *testing.B) {
	const rows, tile = 1024, 256
	for _, d := range []int{10, 32, 100} {
		x, w, acc := matrix(d, rows), make([]float64, d), make([][32]float64, d)
		y, p, g := make([]float64, rows), make([]float64, tile), make([]float64, tile)
		atLevels(b, fmt.Sprintf("d=%d/rows=%d", d, rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Read(x...), func() {
				for from := 0; from < rows; from += tile {
					simd.MatVec(g, x, from, w)
					simd.LogisticResiduals(p, g, g, y[from:from+tile])
					simd.MatTVec(acc, x, from, g)
				}
			})
		})
	}
}
