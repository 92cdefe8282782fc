package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// sizes are rows of eight bytes in the second-level cache, the last one and
// memory.
var sizes = []int{1 << 15, 1 << 20, 1 << 24}

// atLevels runs f as a benchmark at every level of the machine.
func atLevels(b *testing.B, name string, f func(b *testing.B)) {
	b.Helper()
	for _, l := range simd.Levels() {
		b.Run(fmt.Sprintf("%s/level=%s", name, l), func(b *testing.B) {
			defer simd.Use(simd.Use(l))
			f(b)
		})
	}
}
