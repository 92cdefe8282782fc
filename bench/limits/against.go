package limits

import (
	"slices"
	"testing"
	"time"
)

// sample is how long a kernel or its limit runs before the other one is due:
// shorter than a slice of the scheduler, longer than the clock is coarse.
const sample = 300 * time.Microsecond

// Against runs limit and kernel in turn, for samples of about 0.3 ms, and
// reports the medians: ns/row of the kernel, which does the given number of
// rows, and %limit, how much of the limit it reaches. limit nil reports ns/row
// alone.
func Against(b *testing.B, rows int, limit, kernel func()) {
	b.Helper()
	if limit == nil {
		limit = func() {}
	}
	limit()
	kernel()
	nLimit, nKernel := repetitions(limit), repetitions(kernel)
	var limits, kernels []float64
	for b.Loop() {
		limits = append(limits, timed(limit, nLimit))
		kernels = append(kernels, timed(kernel, nKernel))
	}
	l, k := median(limits), median(kernels)
	b.ReportMetric(k/float64(rows), "ns/row")
	if l > 100 { // else there is no limit
		b.ReportMetric(100*l/k, "%limit")
	}
	b.ReportMetric(0, "ns/op")
}

// repetitions is how often f runs in a sample.
func repetitions(f func()) int {
	best := time.Duration(1 << 62)
	for range 3 {
		best = min(best, time.Duration(timed(f, 1)))
	}
	return max(1, int(sample/max(best, 1)))
}

// timed is the time of one call of f in ns, over n calls.
func timed(f func(), n int) float64 {
	start := time.Now()
	for range n {
		f()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
