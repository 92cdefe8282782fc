package limits

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// sizes are those of a column in the first two caches, the last one and memory.
var sizes = []int{1 << 11, 1 << 15, 1 << 20, 1 << 24}

// BenchmarkLimit is what the machine can do: GB/s of memory read, copied and
// combined, by one core and by two; GFMA/s at every level.
func BenchmarkLimit(b *testing.B) {
	for _, cores := range []int{1, 2} {
		for _, rows := range sizes {
			for _, m := range []struct {
				name    string
				columns int
				make    func(c [][]float64) func()
			}{
				{"read", 1, func(c [][]float64) func() { return Read(c...) }},
				{"copy", 2, func(c [][]float64) func() { return Copy(c[0], c[1]) }},
				{"triad", 4, func(c [][]float64) func() { return Triad(c[0], c[1], c[2], c[3]) }},
			} {
				b.Run(fmt.Sprintf("%s=%s/rows=%d/cores=%d", m.name, best, rows, cores), func(b *testing.B) {
					work := make([]func(), cores)
					for i := range work {
						c := make([][]float64, m.columns)
						for j := range c {
							c[j] = Column(rows)
						}
						work[i] = m.make(c)
					}
					bytes := 8 * rows * m.columns * cores
					b.ReportMetric(float64(bytes)/together(b, work), "GB/s")
				})
			}
		}
	}
	for _, l := range simd.Levels() {
		b.Run(fmt.Sprintf("fma=%s", l), func(b *testing.B) {
			defer simd.Use(simd.Use(l))
			const n = 96_000
			b.ReportMetric(n/together(b, []func(){FMA(n)}), "GFMA/s")
		})
	}
}

// together runs the functions at the same time, for 2 ms at a time, and returns
// the median time of one call of all of them in ns.
func together(b *testing.B, work []func()) float64 {
	b.Helper()
	n := repetitions(work[0]) * 7
	var times []float64
	for b.Loop() {
		var wg sync.WaitGroup
		start := time.Now()
		for _, f := range work[1:] {
			wg.Go(func() { timed(f, n) })
		}
		timed(work[0], n)
		wg.Wait()
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	b.ReportMetric(0, "ns/op")
	return median(times)
}

// TestLoopsTouchEveryElement compares the loops with their twins, at every
// level.
func TestLoopsTouchEveryElement(t *testing.T) {
	for _, n := range []int{0, 63, 64, 4096, 5000} {
		a, b, c, dst := Column(n), Column(n), Column(n), Column(n)
		Triad(dst, a, b, c)()
		for i := range n &^ 63 {
			if want := a[i]*b[i] + c[i]; dst[i] != want && dst[i]-want > 1e-15*want {
				t.Fatalf("triad of %d rows: %v at row %d, want %v", n, dst[i], i, want)
			}
		}
		clear(dst)
		Copy(dst, a)()
		for i := range n &^ 63 {
			if dst[i] != a[i] {
				t.Fatalf("copy of %d rows: %v at row %d, want %v", n, dst[i], i, a[i])
			}
		}
		Read(a, b)()
	}
	FMA(1)()
}
