package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// row is one line of the table.
type row struct {
	Query      string  `json:"query"`
	Rate       int64   `json:"rate"`         // events per second of event time
	PerSecond  float64 `json:"eventsPerSec"` // of the clock
	PerCPU     float64 `json:"eventsPerCPUSec"`
	CPUSeconds float64 `json:"cpuSeconds"` // median
	LeastCPU   float64 `json:"leastCPUSeconds"`
	MostCPU    float64 `json:"mostCPUSeconds"`
	PeakMiB    float64 `json:"peakMiB"` // resident
	OutputRows int64   `json:"outputRows"`
	Checksum   uint64  `json:"checksum"`
	LateRows   int64   `json:"lateRows"`
}

// report is the whole table.
type report struct {
	Machine    string `json:"machine"`
	Events     int64  `json:"events"`
	Generators int    `json:"generators"`
	Workers    int    `json:"workers"`
	Rows       []row  `json:"rows"`
}

// mean is the geometric mean of the events per second of processor time of all n
// queries at a rate.
func (r *report) mean(rate int64) (mean float64, n int) {
	sum := 0.0
	for _, x := range r.Rows {
		if x.Rate == rate && x.Query != generatorOnly {
			sum += math.Log(x.PerCPU)
			n++
		}
	}
	return math.Exp(sum / float64(max(n, 1))), n
}

// write writes nexmark.json and nexmark.md.
func (r *report) write(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "nexmark.json"), append(b, '\n'), 0o644); err != nil {
		return err
	}
	var sb strings.Builder
	fmt.Fprintf(&sb, "# Nexmark\n\n%s; %d workers, %d events, %d generators. Made by `make nexmark`.\n\n", r.Machine, r.Workers, r.Events, r.Generators)
	sb.WriteString("| query | rate | events/s | events per cpu-s | cpu s (least, most) | peak MiB | rows | checksum | late |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, x := range r.Rows {
		fmt.Fprintf(&sb, "| %s | %d | %.0f | %.0f | %.2f (%.2f, %.2f) | %.0f | %d | `%016x` | %d |\n",
			x.Query, x.Rate, x.PerSecond, x.PerCPU, x.CPUSeconds, x.LeastCPU, x.MostCPU, x.PeakMiB, x.OutputRows, x.Checksum, x.LateRows)
	}
	seen := map[int64]bool{}
	for _, x := range r.Rows {
		if mean, n := r.mean(x.Rate); n > 0 && !seen[x.Rate] {
			seen[x.Rate] = true
			fmt.Fprintf(&sb, "\nGeometric mean of %d queries at %d events per second of event time: %.0f events per second of processor time.\n", n, x.Rate, mean)
		}
	}
	return os.WriteFile(filepath.Join(dir, "nexmark.md"), []byte(sb.String()), 0o644)
}
