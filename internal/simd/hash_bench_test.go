package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// eachLevel runs the benchmark f of rows rows at every level.
func eachLevel(b *testing.B, name string, rows, bytesPerRow int, f func()) {
	for _, l := range simd.Levels() {
		b.Run(fmt.Sprintf("%s/rows=%d/level=%s", name, rows, l), func(b *testing.B) {
			defer simd.Use(simd.Use(l))
			b.SetBytes(int64(rows * bytesPerRow))
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
		})
	}
}

func BenchmarkHash(b *testing.B) {
	for _, rows := range []int{1024, 32_768} {
		r := rand.New(rand.NewPCG(1, 2))
		x, out, f := make([]uint64, rows), make([]uint64, rows), make([]float64, rows)
		for i := range x {
			x[i], f[i] = r.Uint64(), r.Float64()
		}
		eachLevel(b, "op=hash", rows, 8, func() { simd.Hash(out, x, 7) })
		eachLevel(b, "op=with", rows, 8, func() { simd.HashWith(out, x) })
		eachLevel(b, "op=float-keys", rows, 8, func() { simd.FloatKeys(out, f) })
	}
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
		eachLevel(b, fmt.Sprintf("ahead=%t", ahead), rows, 8, func() {
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
