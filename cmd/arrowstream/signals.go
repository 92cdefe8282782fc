package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

var (
	errInterrupted = errors.New("interrupted")
	errTerminated  = errors.New("terminated")
)

// onSignals calls drain at the first SIGINT or SIGTERM and cancels the
// returned context at the second. stop ends the watch.
func onSignals(ctx context.Context, w io.Writer, drain func()) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			fmt.Fprintln(w, "\ndraining: what was read is finished; signal again to cut the run off")
			drain()
		case <-ctx.Done():
			return
		}
		select {
		case s := <-signals:
			signal.Stop(signals) // a third one ends the process
			if s == syscall.SIGTERM {
				cancel(errTerminated)
			} else {
				cancel(errInterrupted)
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
