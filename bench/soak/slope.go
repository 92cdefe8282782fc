package main

import (
	"fmt"
	"io"
	"math"
	"time"
)

// sample is what the job occupies at a time since its start.
type sample struct {
	at     time.Duration
	values [measures]float64
}

// String is the sample as a line of CSV.
func (s sample) String() string {
	line := fmt.Sprintf("%.1f", s.at.Seconds())
	for _, v := range s.values {
		line += fmt.Sprintf(",%.3f", v)
	}
	return line
}

// The measures of a sample.
const (
	resident = iota // MiB
	heap            // MiB of Go objects, also those not collected yet
	live            // MiB of Go objects after the last collection
	goroutines
	descriptors
	stateFiles  // in the state folder
	hiddenFiles // of outputs that are not finished
	measures
)

var names = [measures]string{"resident MiB", "heap MiB", "live heap MiB", "goroutines", "file descriptors", "state files", "hidden files"}

// trend is a line through samples by least squares.
type trend struct {
	mean, low, high float64
	slope           float64 // per hour
	deviation       float64 // of the slope
}

// fit is the trend of measure m.
func fit(samples []sample, m int) trend {
	t := trend{low: math.Inf(1), high: math.Inf(-1)}
	n := float64(len(samples))
	var mx float64
	for _, s := range samples {
		mx += s.at.Hours() / n
		t.mean += s.values[m] / n
		t.low, t.high = min(t.low, s.values[m]), max(t.high, s.values[m])
	}
	var sxx, sxy float64
	for _, s := range samples {
		sxx += (s.at.Hours() - mx) * (s.at.Hours() - mx)
		sxy += (s.at.Hours() - mx) * (s.values[m] - t.mean)
	}
	if sxx == 0 || n < 3 {
		return t
	}
	t.slope = sxy / sxx
	var rest float64
	for _, s := range samples {
		d := s.values[m] - t.mean - t.slope*(s.at.Hours()-mx)
		rest += d * d
	}
	t.deviation = math.Sqrt(rest / (n - 2) / sxx)
	return t
}

// tolerated is the part of its mean by which a measure may rise in an hour and
// still be called flat.
const tolerated = 0.05

// grows reports whether the line rises by more than is tolerated, beyond three
// deviations of its slope.
func (t trend) grows() bool { return t.slope-3*t.deviation > tolerated*max(t.mean, 1) }

// report writes a line per measure, and tells whether one grows.
func report(out io.Writer, samples []sample, warm time.Duration) (grows bool) {
	var counted []sample
	for _, s := range samples {
		if s.at >= warm {
			counted = append(counted, s)
		}
	}
	fmt.Fprintf(out, "%d samples\n%-18s %10s %10s %10s %14s\n", len(counted), "", "mean", "low", "high", "slope per hour")
	for m, name := range names {
		t := fit(counted, m)
		verdict := ""
		if t.grows() {
			grows, verdict = true, "  GROWS"
		}
		fmt.Fprintf(out, "%-18s %10.1f %10.1f %10.1f %+8.2f ±%.2f%s\n", name, t.mean, t.low, t.high, t.slope, t.deviation, verdict)
	}
	return grows
}
