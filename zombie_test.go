package arrowstream_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/window"
)

// process is a ledger as one process sees it, whose commits are in the way of
// commit.
type process struct {
	*iotest.Ledger
	commit func(e arrowstream.Epoch, then func() error) error
	zombie bool // what it commits is lost
}

func (p *process) Open(ctx context.Context, job arrowstream.Job) (arrowstream.EpochLog, error) {
	log, err := p.Ledger.Open(ctx, job)
	return &processLog{log.(*iotest.LedgerLog), p}, err
}

type processLog struct {
	*iotest.LedgerLog
	p *process
}

func (l *processLog) Commit(ctx context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	return l.p.commit(c.Epoch, func() error { return l.LedgerLog.Commit(ctx, c, states) })
}

func (l *processLog) Outbox(sink string, e arrowstream.Epoch) arrowstream.Outbox {
	box := l.LedgerLog.Outbox(sink, e)
	if l.p.zombie {
		return deadBox{box.(*iotest.LedgerBox)}
	}
	return box
}

// deadBox yields the rows of an epoch that was never committed.
type deadBox struct{ *iotest.LedgerBox }

func (b deadBox) Rows(mem memory.Allocator) iter.Seq2[arrowstream.Batch, error] { return b.Lost(mem) }

// TestZombiePublishesNothing stops a process in a commit while another takes
// the job over. It wakes up before that one has published anything, or when it
// is done.
func TestZombiePublishesNothing(t *testing.T) {
	build := func(sink func(name string) arrowstream.Sink) func(p *arrowstream.Pipeline) {
		return func(p *arrowstream.Pipeline) {
			in := p.From("numbers", &numbers{rows: 700, partitions: 3, keys: 5}, arrowstream.EventTime{Column: "ts"})
			in.Via(&perTick{}).To(sink("tick"), "tick")
			in.Via(&window.Tumbling{Size: 70 * time.Millisecond, By: []string{"k"}, Aggs: []window.Agg{
				{Func: "sum", Args: []expr.Expr{expr.Col{Name: "x"}}, Name: "sum"},
			}}).To(sink("tumbling"), "tumbling")
		}
	}
	opts := arrowstream.Options{Workers: 1, TickRows: 128, BatchRows: 50}
	want := map[string]*collect{}
	if _, err := run(t, opts, build(func(name string) arrowstream.Sink {
		want[name] = &collect{}
		return want[name]
	})); err != nil {
		t.Fatal(err)
	}
	for _, first := range []arrowstream.Epoch{1, 2} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("epoch=%d/late=%t", first, late), func(t *testing.T) {
				all := &iotest.Crash{}
				l := iotest.NewLedger()
				l.Crash = all
				tables := map[string]*database{"tick": {Crash: all}, "tumbling": {Crash: all}}
				graph := build(func(name string) arrowstream.Sink { return tables[name] })
				start := func(s arrowstream.StateStore, every time.Duration) error {
					o := opts
					o.State, o.CheckpointInterval = s, every
					_, err := run(t, o, graph)
					return err
				}
				if first > 1 { // a process that gets to its second commit
					dies := func(e arrowstream.Epoch, then func() error) error {
						if e > 1 {
							return iotest.ErrCrash
						}
						return then()
					}
					if err := start(&process{Ledger: l, commit: dies}, time.Nanosecond); !errors.Is(err, iotest.ErrCrash) || len(l.Commits) != 1 {
						t.Fatalf("%d commits, %v", len(l.Commits), err)
					}
				}
				// The old process has looked whether another has taken over, and is
				// stopped. Then it appends to a log that nobody reads.
				stopped, wakes, end := make(chan struct{}), make(chan struct{}), make(chan error, 1)
				old := func(e arrowstream.Epoch, _ func() error) error {
					if e == first {
						close(stopped)
						<-wakes
					}
					return nil
				}
				go func() { end <- start(&process{Ledger: l, commit: old, zombie: true}, time.Nanosecond) }()
				<-stopped
				zombie := func() {
					before := map[string]int{"tick": len(tables["tick"].rows), "tumbling": len(tables["tumbling"].rows)}
					close(wakes)
					if err := <-end; !errors.Is(err, arrowstream.ErrFenced) {
						t.Errorf("the zombie ends with %v", err)
					}
					for name, n := range before {
						if got := len(tables[name].rows); got != n {
							t.Errorf("the zombie has published %d rows to %s", got-n, name)
						}
					}
				}
				// The other commits all that is left in one epoch.
				next := func(_ arrowstream.Epoch, then func() error) error {
					if !late {
						zombie()
					}
					return then()
				}
				if err := start(&process{Ledger: l, commit: next}, time.Hour); err != nil {
					t.Fatal(err)
				}
				if late {
					zombie()
				}
				for name, c := range want {
					if got := tables[name]; !slices.Equal(got.rows, c.rows) || got.last != first {
						t.Errorf("%s has %d rows in %d epochs, want %d in %d", name, len(got.rows), got.last, len(c.rows), first)
					}
				}
			})
		}
	}
}
