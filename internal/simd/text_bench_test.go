package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// BenchmarkText searches 32,768 texts of 9 to 11 bytes: lengths differ, and a
// tenth of the rows of the length of the constant are equal to it.
func BenchmarkText(b *testing.B) {
	const rows = 32_768
	r := rand.New(rand.NewPCG(1, 2))
	off, data := make([]int32, 1, rows+1), make([]byte, 0, 16*rows)
	for range rows {
		data = fmt.Appendf(data, "channel-%d", r.IntN(120))
		off = append(off, int32(len(data)))
	}
	out := make([]byte, rows/8)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"equal", func() { simd.EqualText(out, off, data, "channel-7") }},
		{"equal-long", func() { simd.EqualText(out, off, data, "channel-77") }},
		{"prefix", func() { simd.HasPrefix(out, off, data, "channel-1") }},
		{"suffix", func() { simd.HasSuffix(out, off, data, "-77") }},
		{"contains-often", func() { simd.ContainsText(out, off, data, "nel-7") }},
		{"contains-rarely", func() { simd.ContainsText(out, off, data, "77") }},
		{"contains-never", func() { simd.ContainsText(out, off, data, "xyz") }},
		{"equal-columns", func() { simd.EqualTexts(out, off, data, off, data) }},
	} {
		atLevels(b, fmt.Sprintf("op=%s/rows=%d", c.name, rows), func(b *testing.B) { limits.Against(b, rows, nil, c.f) })
	}
}
