package bench

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cost is what the process has used so far.
type cost struct {
	cpu time.Duration // user and system time of all cores
	gc  time.Duration // of these the garbage collector's, its idle marking aside
}

// readCost collects garbage first: the runtime counts its time per collection.
func readCost(b *testing.B) cost {
	b.Helper()
	runtime.GC()
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
	}
	metrics.Read(samples)
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	seconds := samples[0].Value.Float64() - samples[1].Value.Float64()
	return cost{
		cpu: time.Duration(u.Utime.Nano() + u.Stime.Nano()),
		gc:  time.Duration(seconds * float64(time.Second)),
	}
}

// report reports what n rows cost since c was read.
func (c cost) report(b *testing.B, n int) {
	b.Helper()
	now := readCost(b)
	b.ReportMetric(float64(now.cpu-c.cpu)/float64(n), "cpu-ns/row")
	b.ReportMetric(100*float64(now.gc-c.gc)/float64(now.cpu-c.cpu), "gc-%cpu")
}

// forgetPeak makes the peak of the process start again from what it has now.
func forgetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("peak-MiB includes what came before: %v", err)
	}
}

// peakBytes is the most memory the process had resident (VmHWM of Linux).
func peakBytes() (int64, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}
