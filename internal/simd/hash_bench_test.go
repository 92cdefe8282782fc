package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func BenchmarkHash(b *testing.B) {
	for _, rows := range []int{1024, 32_768} {
		r := rand.New(rand.NewPCG(1, 2))
		x, out, f := make([]uint64, rows), make([]uint64, rows), make([]float64, rows)
		for i := range x {
			x[i], f[i] = r.Uint64(), r.Float64()
		}
		hashLevels(b, "op=hash", rows, func() { simd.Hash(out, x, 7) })
		hashLevels(b, "op=with", rows, func() { simd.HashWith(out, x) })
		hashLevels(b, "op=float-keys", rows, func() { simd.FloatKeys(out, f) })
	}
}

func hashLevels(b *testing.B, name string, rows int, f func()) {
	atLevels(b, fmt.Sprintf("%s/rows=%d", name, rows), func(b *testing.B) { limits.Against(b, rows, nil, f) })
}

// BenchmarkPrefetch hashes blocks of 512 keys and branches on what stands at
// random places of a table outside of every cache, with and without prefetching.
func BenchmarkPrefetch(b *testing.B) {
	const rows, block = 32_768, 512
	table := make([][2]uint64, 1<<22) // 64 MB
	for i := range table {
		table[i][0] = uint64(i) >> 3 & 1
	}
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]uint64, 64*rows)
	for i := range x {
		x[i] = r.Uint64()
	}
	at, sum := 0, uint64(0)
	for _, ahead := range []bool{false, true} {
		hashLevels(b, fmt.Sprintf("ahead=%t", ahead), rows, func() {
			var h [block]uint64
			for lo := at; lo < at+rows; lo += block {
				simd.Hash(h[:], x[lo:lo+block], 0)
				if ahead {
					simd.Prefetch(unsafe.Pointer(&table[0]), h[:], uint64(len(table)-1), 4)
				}
				for _, v := range h {
					if table[v&uint64(len(table)-1)][0] == 0 {
						sum += v
					} else {
						sum ^= v >> 3
					}
				}
			}
			at = (at + rows) % len(x)
		})
	}
	if sum == 1 {
		b.Log(sum)
	}
}
