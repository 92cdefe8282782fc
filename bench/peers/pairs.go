package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/arrowstream/arrowstream/bench/peers/report"
)

// cost is what one measurement took.
type cost struct {
	wall time.Duration
	cpu  time.Duration // of all threads of the process
}

// turn does some work once and says what it took.
type turn func() (cost, error)

// timed measures f in this process. Garbage of earlier turns is collected
// before the clock starts, what f leaves behind is its own affair.
func timed(f func() error) turn {
	return func() (cost, error) {
		runtime.GC()
		began, used := time.Now(), processorTime()
		err := f()
		return cost{time.Since(began), processorTime() - used}, err
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// alternate measures ours and theirs in turn, so often, after one turn that
// warms up and is not counted. What disturbs the machine for longer than a
// turn disturbs both; what is shorter the medians leave out.
func alternate(pairs int, ours, theirs turn) (a, b []cost, err error) {
	for i := range pairs + 1 {
		x, err := ours()
		if err != nil {
			return nil, nil, fmt.Errorf("ours: %w", err)
		}
		y, err := theirs()
		if err != nil {
			return nil, nil, fmt.Errorf("theirs: %w", err)
		}
		if i > 0 {
			a, b = append(a, x), append(b, y)
		}
	}
	return a, b, nil
}

// compared fills in the figures of row out of pairs of costs, each for so many
// units of work.
func compared(row report.Row, a, b []cost, work float64) report.Row {
	var ours, theirs, ratios, cpu []float64
	for i := range a {
		ours = append(ours, float64(a[i].wall.Nanoseconds())/work)
		theirs = append(theirs, float64(b[i].wall.Nanoseconds())/work)
		ratios = append(ratios, ours[i]/theirs[i])
		if a[i].cpu > 0 && b[i].cpu > 0 {
			cpu = append(cpu, float64(a[i].cpu)/float64(b[i].cpu))
		}
	}
	row.Ours, row.Theirs, row.Ratio, row.CPU = report.Median(ours), report.Median(theirs), report.Median(ratios), report.Median(cpu)
	row.Min, row.Max, row.Pairs = slices.Min(ratios), slices.Max(ratios), len(ratios)
	fmt.Fprintf(os.Stderr, "%-10s %-28s threads=%d %10.3f / %10.3f %s  ratio %.2f (%.2f..%.2f)  cpu %.2f\n",
		row.Suite, row.Name, row.Threads, row.Ours, row.Theirs, row.Unit, row.Ratio, row.Min, row.Max, row.CPU)
	return row
}
