package arrowstream_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// spilling is a pipeline with an aggregate of many keys, half of which come again.
type spilling struct {
	crash *iotest.Crash
	table *database
	plain *collect
}

func (g *spilling) build(p *arrowstream.Pipeline) {
	x := []expr.Expr{expr.Col{Name: "x"}}
	groups := p.From("numbers", &numbers{rows: 3000, partitions: 2, keys: 4000}).Via(&stage.Aggregate{By: []string{"k"}, Aggs: []window.Agg{
		{Func: "count", Name: "n"}, {Func: "sum", Args: x, Name: "sum"}, {Func: "stddev_samp", Args: x, Name: "dev"}, {Func: "array_agg", Args: x, Name: "all"},
	}})
	if g.plain != nil {
		groups.To(g.plain, "groups")
		return
	}
	g.table.Crash = g.crash
	groups.To(g.table, "groups")
}

// TestSpilledEpochsSurviveACrashAnywhere crashes at each operation of the store
// and the sink while an aggregate outgrows its memory, with shares that change
// from run to run: what one has spilled another may hold in memory, and the other
// way round. The result has the bits of one that stays in memory.
func TestSpilledEpochsSurviveACrashAnywhere(t *testing.T) {
	opts := func(workers int) arrowstream.Options {
		return arrowstream.Options{Workers: workers, TickRows: 256, BatchRows: 100, CheckpointInterval: time.Nanosecond}
	}
	plain := &spilling{plain: &collect{}}
	if _, err := run(t, opts(1), plain.build); err != nil {
		t.Fatal(err)
	}
	limits := []int64{0, 1 << 20, 3 << 19, 64 << 20}
	var crashes, deltas, logged, spilled int
	for first := 0; !testing.Short() || first < 30; first += 1 + first/4 {
		rng := rand.New(rand.NewPCG(uint64(first), 2))
		l := iotest.NewLedger()
		g := &spilling{table: &database{}, crash: iotest.CrashAfter(first)}
		runs := 0
		for ; ; runs++ {
			l.Crash = g.crash
			o := opts(1 + rng.IntN(4))
			o.State = l
			if o.MemoryLimit = limits[rng.IntN(len(limits))]; o.MemoryLimit > 0 {
				o.Spill = t.TempDir()
			}
			s, err := run(t, o, g.build)
			if s != nil {
				if op, ok := s.Operator("aggregate1"); ok {
					spilled += int(op.Spilled)
				}
			}
			if err == nil {
				break
			}
			if !errors.Is(err, iotest.ErrCrash) {
				t.Fatalf("crash after %d operations, run %d: %v", first, runs, err)
			}
			g.crash = iotest.CrashAfter(3 + rng.IntN(20))
		}
		crashes, deltas, logged = crashes+runs, deltas+l.Deltas, logged+l.Logged
		if got := g.table.rows; !slices.Equal(got, plain.plain.rows) {
			t.Fatalf("crash after %d operations, %d crashes: %d rows, not %d:\n%.600q\n%.600q", first, runs, len(got), len(plain.plain.rows), got, plain.plain.rows)
		}
		if runs == 0 {
			break
		}
	}
	if t.Logf("%d crashes, %d deltas, %d batches of logs read, %d bytes spilled", crashes, deltas, logged, spilled); logged == 0 || spilled == 0 {
		t.Error("no log was read, or nothing was spilled")
	}
}
