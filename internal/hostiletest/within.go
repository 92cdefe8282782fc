package hostiletest

import (
	"fmt"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
)

const (
	allocFloor   = 64 << 20 // bytes that any input may cost
	allocPerByte = 32       // and for each of its bytes
	timePerInput = 2 * time.Second
	hang         = 15 * time.Second
)

// Within calls read on an input of n bytes. The test fails if that takes more
// than two seconds of processor time, or allocates more than 64 MiB and 32
// bytes per byte of input, released or not. A read that does not come back
// within 15 seconds of real time ends the process with the stacks of its
// goroutines: under go test -fuzz that is a crash of this input. Within costs
// a few microseconds. Its input is alone in the process: what other goroutines
// use meanwhile counts as well.
func Within(t testing.TB, n int, read func()) {
	t.Helper()
	within(t, n, timePerInput, read)
}

// within is Within with another limit of processor time.
func within(t testing.TB, n int, most time.Duration, read func()) {
	t.Helper()
	watchdog := time.AfterFunc(hang, func() { panic(fmt.Sprintf("an input of %d bytes is read for %s", n, hang)) })
	defer watchdog.Stop()
	bytes, spent := allocated(), processor(t)
	read()
	bytes, spent = allocated()-bytes, processor(t)-spent
	if limit := uint64(allocFloor + allocPerByte*n); bytes > limit {
		t.Errorf("an input of %d bytes costs %d bytes of memory, more than %d", n, bytes, limit)
	}
	if spent > most {
		t.Errorf("an input of %d bytes costs %s of processor time, more than %s", n, spent, most)
	}
}

// allocated is the number of bytes allocated by this process so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// processor is the processor time of this process so far.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
