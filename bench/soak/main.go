// Command soak runs the main job for an hour, from Kafka to Kafka and Parquet,
// with a state folder, and looks at what grows: the memory of the process, its
// goroutines, its open files, the files it keeps. Then it kills the job a few
// times, and compares both outputs with the input: no row is lost or twice.
//
//	go run ./bench/soak -binary bin/arrowstream -brokers 127.0.0.1:9092
//
// With -speed 10 the job lives an hour in six minutes: ten times as many rows,
// commits, files and windows. What grows with those is seen sooner, what grows
// with the clock is not.
//
// The first 10 minutes do not count, in which these fill: the 100 commits that
// are kept and the 100 before them that they build on, after some 200 epochs; the
// pool of columns, which keeps blocks of each size that was needed; the pages of
// the binary that have been executed once.
//
// It needs a broker, and Linux for /proc. The exit code is 1 if something grows
// or the outputs are wrong. Floor 6.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	binary, brokers, dir, samples string
	rate, speed, kills            int
	length, every, warm, backlog  time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/arrowstream", "arrowstream")
	flag.StringVar(&o.brokers, "brokers", os.Getenv("ARROWSTREAM_KAFKA"), "Kafka brokers")
	flag.StringVar(&o.dir, "dir", "", "folder for state and output; default a temporary one")
	flag.IntVar(&o.rate, "rate", 4000, "rows per second")
	flag.IntVar(&o.speed, "speed", 1, "how much faster than the clock the job lives: rows, epochs, files and windows come so many times as often")
	flag.DurationVar(&o.length, "length", time.Hour, "how long the job is watched, in its own time")
	flag.DurationVar(&o.every, "every", 5*time.Second, "time between two samples")
	flag.DurationVar(&o.warm, "warm", 10*time.Minute, "samples of this first time do not count")
	flag.DurationVar(&o.backlog, "backlog", 10*time.Second, "how long before the job its input starts, by the clock; see (*job).start")
	flag.StringVar(&o.samples, "samples", "", "file for the samples, as CSV")
	flag.IntVar(&o.kills, "kills", 10, "kill -9 in the end, three seconds apart")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	if o.rate < 1 || o.speed < 1 {
		return errors.New("-rate and -speed are at least 1")
	}
	if o.brokers == "" {
		return errors.New("-brokers, or ARROWSTREAM_KAFKA, names no broker")
	}
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "soak")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	j := newJob(binary, o)
	defer j.stop()
	if err := j.feed(ctx); err != nil {
		return err
	}
	select {
	case <-time.After(o.backlog):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := j.start(ctx); err != nil {
		return err
	}
	kept := io.Discard
	if o.samples != "" {
		f, err := os.Create(o.samples)
		if err != nil {
			return err
		}
		defer f.Close()
		kept = f
	}
	samples, err := j.watch(ctx, kept)
	if err != nil {
		return err
	}
	grows := report(out, samples, o.warm)
	for range o.kills {
		if err := j.kill(ctx, 3*time.Second); err != nil {
			return err
		}
	}
	if err := j.check(ctx, out); err != nil {
		return err
	}
	if grows {
		return errors.New("something grows")
	}
	return nil
}
