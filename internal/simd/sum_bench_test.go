package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func BenchmarkSum(b *testing.B) {
	for _, rows := range sizes {
		x := limits.Column(rows)
		var acc [32]float64
		atLevels(b, fmt.Sprintf("type=float64/rows=%d", rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Read(x), func() { simd.SumFloat64(&acc, x) })
		})
	}
}
