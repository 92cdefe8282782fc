// Command nexmark runs the queries of the Nexmark benchmark, which are in the
// folder queries, each in a process of its own, and writes a table: events per
// second of the clock and of processor time, processor time, peak memory, rows
// and checksum of the output. The generator runs inside the timed process; its
// rate alone is the first row of the table.
//
//	go run ./bench/nexmark -events 10000000 -rate 100000,10000000 -repeat 5
//
// The exit code is 1 if a query fails or two runs of it differ. Floor 6.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	events     int64
	rates      []int64
	queries    []string
	repeat     int
	workers    int
	generators int
	out        string
}

func main() {
	if text := os.Getenv(childVar); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	o, err := flags()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nexmark:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nexmark:", err)
		os.Exit(1)
	}
}

func flags() (o options, err error) {
	var rates, list string
	flag.Int64Var(&o.events, "events", 2_000_000, "events of all kinds")
	flag.StringVar(&rates, "rate", "100000,10000000", "events per second of event time, with commas between")
	flag.StringVar(&list, "queries", "", "queries, as q0,q5; default all")
	flag.IntVar(&o.repeat, "repeat", 3, "runs of each query after one to warm up; the median counts")
	flag.IntVar(&o.workers, "workers", 1, "worker goroutines")
	flag.IntVar(&o.generators, "generators", 1, "timelines of the generator; another number makes other events")
	flag.StringVar(&o.out, "out", "", "folder for nexmark.json and nexmark.md; default none")
	flag.Parse()
	for r := range strings.SplitSeq(rates, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(r), 10, 64)
		if err != nil || n <= 0 {
			return o, fmt.Errorf("-rate: %q is no number of events", r)
		}
		o.rates = append(o.rates, n)
	}
	known := queries()
	if list == "" {
		o.queries = known
		return o, nil
	}
	for q := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, q) {
			return o, fmt.Errorf("there is no query %q; there are %s", q, strings.Join(known, ", "))
		}
		o.queries = append(o.queries, q)
	}
	return o, nil
}

// run measures every query at every rate.
func run(ctx context.Context, o options, out io.Writer) error {
	r := report{Events: o.events, Generators: o.generators, Workers: o.workers, Machine: machine()}
	fmt.Fprintf(out, "%s, %d workers, %d events, %d generators\n", r.Machine, o.workers, o.events, o.generators)
	fmt.Fprintf(out, "%-10s %10s %12s %12s %8s %9s %10s %16s\n", "query", "rate", "events/s", "per cpu-s", "cpu s", "peak MiB", "rows", "checksum")
	var failed []string
	for _, rate := range o.rates {
		for _, q := range append([]string{generatorOnly}, o.queries...) {
			x, err := measure(ctx, job{Query: q, Events: o.events, Rate: rate, Workers: o.workers, Generators: o.generators}, o.repeat)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(out, "%-10s %10d %v\n", q, rate, err)
				failed = append(failed, q)
				continue
			}
			r.Rows = append(r.Rows, x)
			fmt.Fprintf(out, "%-10s %10d %12.0f %12.0f %8.2f %9.0f %10d %016x\n", q, rate, x.PerSecond, x.PerCPU, x.CPUSeconds, x.PeakMiB, x.OutputRows, x.Checksum)
		}
	}
	for _, rate := range o.rates {
		if mean, n := r.mean(rate); n > 0 {
			fmt.Fprintf(out, "geometric mean of %d queries at %d: %.0f events per second of processor time\n", n, rate, mean)
		}
	}
	if o.out != "" {
		if err := r.write(o.out); err != nil {
			return err
		}
	}
	if failed != nil {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// machine describes the computer in a line.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.Trim(name, "\t\n :")
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}
