// Command soak runs the main job for an hour, from Kafka to Kafka and Parquet,
// with a state folder, and looks at what grows: the memory of the process, its
// goroutines, its open files, the files it keeps. Then it kills the job a few
// times, and compares both outputs with the input: no row is lost or twice.
//
//	go run ./bench/soak -binary bin/arrowstream -brokers 127.0.0.1:9092
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
	binary, brokers, dir string
	rate                 int
	length, every, warm  time.Duration
	kills                int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/arrowstream", "arrowstream")
	flag.StringVar(&o.brokers, "brokers", os.Getenv("ARROWSTREAM_KAFKA"), "Kafka brokers")
	flag.StringVar(&o.dir, "dir", "", "folder for state and output; default a temporary one")
	flag.IntVar(&o.rate, "rate", 4000, "rows per second")
	flag.DurationVar(&o.length, "length", time.Hour, "how long the job is watched")
	flag.DurationVar(&o.every, "every", 5*time.Second, "time between two samples")
	flag.DurationVar(&o.warm, "warm", 10*time.Minute, "samples of this first time do not count: caches and the kept commits fill")
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
	if err := j.start(ctx); err != nil {
		return err
	}
	samples, err := j.watch(ctx, o.length, o.every)
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
