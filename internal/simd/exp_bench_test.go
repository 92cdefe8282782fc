package simd_test

import (
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func BenchmarkExp(b *testing.B) {
	const rows = 8192
	x, out := limits.Column(rows), limits.Column(rows)
	for name, f := range map[string]func(out, x []float64){"exp": simd.Exps, "log": simd.Logs, "sigmoid": simd.Sigmoids} {
		atLevels(b, "f="+name+"/type=float64/rows=8192", func(b *testing.B) {
			limits.Against(b, rows, nil, func() { f(out, x) })
		})
	}
}
