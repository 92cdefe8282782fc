package simd_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// BenchmarkValidUTF8 reports ns per byte; level std is utf8.Valid.
func BenchmarkValidUTF8(b *testing.B) {
	for name, s := range map[string]string{"ascii": "the quick brown fox ", "latin": "Zürich über Köln, ", "mixed": "Ελλάδα €, 日本 😀 "} {
		text := []byte(strings.Repeat(s, 200_000/len(s)))
		b.Run("text="+name+"/level=std", func(b *testing.B) { limits.Against(b, len(text), nil, func() { utf8.Valid(text) }) })
		atLevels(b, "text="+name, func(b *testing.B) { limits.Against(b, len(text), nil, func() { simd.ValidUTF8(text) }) })
	}
}
