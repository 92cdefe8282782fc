package arrowstream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// database is a Publisher, and the system that it publishes to.
type database struct {
	*iotest.Crash
	rows        []string
	last        arrowstream.Epoch
	incarnation uint64
}

func (d *database) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (d *database) Write(context.Context, arrowstream.Batch) error {
	return errors.New("written to without a transaction")
}
func (d *database) Flush(context.Context) error { return nil }
func (d *database) Close() error                { return nil }

func (d *database) Claim(_ context.Context, p arrowstream.Publication) error {
	if err := d.Point(); err != nil {
		return err
	}
	if p.Incarnation < d.incarnation {
		return arrowstream.ErrFenced
	}
	d.incarnation = p.Incarnation
	return d.Point() // claimed, but the answer is lost
}

func (d *database) Publish(_ context.Context, p arrowstream.Publication) error {
	if err := d.Point(); err != nil {
		return err
	}
	if p.Incarnation < d.incarnation {
		return arrowstream.ErrFenced
	}
	if p.Epoch <= d.last {
		return nil
	}
	var rows []string
	for b, err := range p.Rows {
		if err != nil {
			return err
		}
		rows = append(rows, columnartest.Rows(b)...)
		b.Release()
	}
	if int64(len(rows)) != p.Count {
		return fmt.Errorf("epoch %d has %d rows, not %d", p.Epoch, len(rows), p.Count)
	}
	d.rows, d.last = append(d.rows, rows...), p.Epoch
	return d.Point() // in, but the answer is lost
}

// folder is what stays of a Committer when its process dies.
type folder struct {
	*iotest.Crash
	staged  map[arrowstream.Epoch][]string
	visible map[arrowstream.Epoch][]string
}

func newFolder() *folder {
	return &folder{staged: map[arrowstream.Epoch][]string{}, visible: map[arrowstream.Epoch][]string{}}
}

func (f *folder) rows() (out []string) {
	for e := range arrowstream.Epoch(len(f.visible)) + 1000 {
		out = append(out, f.visible[e]...)
	}
	return out
}

// files is a Committer that stages rows in a folder.
type files struct {
	*folder
	mu      sync.Mutex
	pending []string
	resumed bool
}

func (f *files) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (f *files) Write(_ context.Context, b arrowstream.Batch) error {
	if !f.resumed {
		return errors.New("written to before Resume")
	}
	f.pending = append(f.pending, columnartest.Rows(b)...)
	return nil
}
func (f *files) Flush(context.Context) error { return nil }
func (f *files) Close() error                { return nil }

func (f *files) Resume(_ context.Context, s arrowstream.Start, prepared []byte) error {
	f.resumed = true
	for e := range f.staged {
		if s.Last == nil || e > s.Last.Epoch {
			delete(f.staged, e)
		}
	}
	if s.Last != nil && prepared != nil && binary.LittleEndian.Uint64(prepared) != uint64(s.Last.Epoch) {
		return fmt.Errorf("prepared %x for epoch %d", prepared, s.Last.Epoch)
	}
	return nil
}

func (f *files) Prepare(_ context.Context, e arrowstream.Epoch) ([]byte, error) {
	if err := f.Point(); err != nil {
		return nil, err
	}
	if len(f.pending) == 0 {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.staged[e] != nil {
		return nil, fmt.Errorf("epoch %d is staged twice", e)
	}
	f.staged[e], f.pending = f.pending, nil
	return binary.LittleEndian.AppendUint64(nil, uint64(e)), f.Point()
}

func (f *files) Commit(_ context.Context, e arrowstream.Epoch, prepared []byte) error {
	if err := f.Point(); err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(prepared) != uint64(e) {
		return fmt.Errorf("prepared %x for epoch %d", prepared, e)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if rows, ok := f.staged[e]; ok {
		f.visible[e] = rows
		delete(f.staged, e)
	} else if f.visible[e] == nil {
		return fmt.Errorf("epoch %d was never staged", e)
	}
	return f.Point()
}

// Position makes the numbers replayable.
func (p *numbersPart) Position() ([]byte, error) {
	return binary.LittleEndian.AppendUint64(nil, uint64(p.next)), nil
}

func (p *numbersPart) Seek(_ context.Context, pos []byte) error {
	p.next = int(binary.LittleEndian.Uint64(pos))
	return nil
}

// Snapshot and Restore make perTick stateful.
func (s *perTick) Snapshot(context.Context) (arrowstream.State, error) {
	b := array.NewRecordBuilder(s.env.Allocator, perTickSchema)
	defer b.Release()
	for k, sum := range s.sums {
		b.Field(0).(*array.Int64Builder).Append(k)
		b.Field(1).(*array.Float64Builder).Append(sum)
		b.Field(2).(*array.Int64Builder).Append(0)
	}
	return arrowstream.State{"sums": b.NewRecord()}, nil
}

func (s *perTick) Restore(_ context.Context, st arrowstream.State) error {
	b := st["sums"]
	for i, k := range columnar.Values[int64](b.Column(0)) {
		if _, ok := s.sums[k]; ok {
			return fmt.Errorf("key %d is there twice", k)
		}
		s.sums[k] = columnar.Values[float64](b.Column(1))[i]
	}
	return nil
}

// program is a pipeline with operators of every kind, a sink for each.
type program struct {
	crash  *iotest.Crash
	folder *folder
	tables map[string]*database
	plain  map[string]*collect // instead of the above, without a store
}

func (g *program) sink(name string) arrowstream.Sink {
	if g.plain != nil {
		g.plain[name] = &collect{}
		return g.plain[name]
	}
	if name == "tumbling" {
		g.folder.Crash = g.crash
		return &files{folder: g.folder}
	}
	if g.tables[name] == nil {
		g.tables[name] = &database{}
	}
	g.tables[name].Crash = g.crash
	return g.tables[name]
}

func (g *program) build(p *arrowstream.Pipeline) {
	aggs := []window.Agg{
		{Func: "count", Name: "n"},
		{Func: "sum", Args: []expr.Expr{expr.Col{Name: "x"}}, Name: "sum"},
		{Func: "stddev_samp", Args: []expr.Expr{expr.Col{Name: "x"}}, Name: "dev"},
	}
	const ms = time.Millisecond
	by := []string{"k"}
	in := p.From("numbers", &numbers{rows: 700, partitions: 3, keys: 5}, arrowstream.EventTime{Column: "ts", Delay: 20 * ms})
	short := p.From("short", &numbers{rows: 150, keys: 3}, arrowstream.EventTime{Column: "ts"})
	for name, st := range map[string]arrowstream.Stage{
		"tick":     &perTick{},
		"tumbling": &window.Tumbling{Size: 70 * ms, By: by, Aggs: aggs},
	} {
		in.Via(st).To(g.sink(name), name)
	}
	odd := in.Via(&oddX{})
	odd.Via(&window.Hopping{Size: 90 * ms, Slide: 30 * ms, By: by, Aggs: aggs}).To(g.sink("hopping"), "hopping")
	odd.Via(&window.Cumulating{Max: 80 * ms, Step: 20 * ms, By: by, Aggs: aggs}).To(g.sink("cumulating"), "cumulating")
	odd.Via(&window.Session{Gap: 4 * ms, By: by, Aggs: aggs}).To(g.sink("session"), "session")
	odd.Via(&window.Count{Rows: 13, By: by, Aggs: aggs}).To(g.sink("count"), "count")
	odd.Via(&stage.Aggregate{By: by, Aggs: aggs}).To(g.sink("groups"), "groups")
	odd.Via(&stage.Distinct{By: by, TTL: 100 * ms}).To(g.sink("distinct"), "distinct")
	odd.Via(&stage.Limit{Rows: 123}).To(g.sink("limit"), "limit")
	// This one has its last row long before the others are done.
	short.Via(&stage.Aggregate{Aggs: aggs}).Merge(odd.Via(&stage.Aggregate{Aggs: aggs})).To(g.sink("total"), "total")
	p.Join(zip{}, odd, short).Via(&stage.Sort{By: []stage.SortKey{{Expr: expr.Col{Name: "x"}, Desc: true}}}).To(g.sink("sorted"), "sorted")
}

func (g *program) results() map[string][]string {
	out := map[string][]string{}
	for name, c := range g.plain {
		out[name] = c.rows
	}
	for name, d := range g.tables {
		out[name] = d.rows
	}
	if g.folder != nil {
		out["tumbling"] = g.folder.rows()
	}
	return out
}

func TestEpochsSurviveACrashAnywhere(t *testing.T) {
	opts := func(workers int) arrowstream.Options {
		return arrowstream.Options{Workers: workers, TickRows: 128, BatchRows: 50, CheckpointInterval: time.Nanosecond}
	}
	plain := &program{plain: map[string]*collect{}}
	if _, err := run(t, opts(1), plain.build); err != nil {
		t.Fatal(err)
	}
	want := plain.results()
	workers := []int{1, 4, 2, 8}
	crashes, deltas, applied := 0, 0, 0
	for first := 0; !testing.Short() || first < 30; first += 1 + first/4 {
		rng := rand.New(rand.NewPCG(uint64(first), 1))
		l := iotest.NewLedger()
		g := &program{folder: newFolder(), tables: map[string]*database{}, crash: iotest.CrashAfter(first)}
		runs := 0
		for ; ; runs++ {
			l.Crash = g.crash
			o := opts(workers[(first+runs)%len(workers)])
			o.State = l
			_, err := run(t, o, g.build)
			if err == nil {
				break
			}
			if !errors.Is(err, iotest.ErrCrash) {
				t.Fatalf("crash after %d operations, run %d: %v", first, runs, err)
			}
			g.crash = iotest.CrashAfter(5 + rng.IntN(150))
		}
		crashes, deltas, applied = crashes+runs, deltas+l.Deltas, applied+l.Applied
		for name, rows := range want {
			if got := g.results()[name]; !slices.Equal(got, rows) {
				t.Fatalf("crash after %d operations, %d crashes: %s has %d rows, not %d:\n%.600q\n%.600q", first, runs, name, len(got), len(rows), got, rows)
			}
		}
		o := opts(2)
		o.State = l
		g.crash.After(-1)
		if s, err := run(t, o, g.build); err != nil || !s.Finished {
			t.Fatalf("a finished job ran again: %v", err)
		}
		if runs == 0 {
			break
		}
	}
	if t.Logf("%d crashes, %d deltas, %d applied", crashes, deltas, applied); deltas == 0 || applied == 0 {
		t.Error("no stage has written and applied what has changed only")
	}
}
