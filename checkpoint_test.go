package arrowstream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

var errCrash = errors.New("crash")

// crash lets a number of operations on stores and sinks happen, and none after.
type crash struct {
	mu   sync.Mutex
	left int
}

func (c *crash) point() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return errCrash
	}
	return nil
}

// ledger is a store in memory, which outlives the runs that crash.
type ledger struct {
	*crash
	incarnation uint64
	commits     []arrowstream.Commit
	states      map[string][]kept // per stage, since its last snapshot
	published   map[string]bool
	outbox      map[string][]arrowstream.Batch
	deltas      int // committed, and applied after a crash
	applied     int
	logged      int // batches of logs applied after a crash
}

type kept struct {
	state arrowstream.State
	log   []arrowstream.State
}

func newLedger() *ledger {
	return &ledger{states: map[string][]kept{}, published: map[string]bool{}, outbox: map[string][]arrowstream.Batch{}}
}

func at(sink string, e arrowstream.Epoch) string { return fmt.Sprint(sink, "@", e) }

func (l *ledger) Open(context.Context, arrowstream.Job) (arrowstream.EpochLog, error) {
	l.incarnation++
	return &ledgerLog{ledger: l, rows: map[string][]arrowstream.Batch{}}, nil
}

// ledgerLog is one process at work on a ledger.
type ledgerLog struct {
	*ledger
	mu   sync.Mutex
	rows map[string][]arrowstream.Batch // not committed
}

func (l *ledgerLog) Start() arrowstream.Start {
	s := arrowstream.Start{ID: "0123456789abcdef0123456789abcdef", Incarnation: l.incarnation}
	for i, c := range l.commits {
		s.Last = &l.commits[i]
		for sink := range c.Sinks {
			if !l.published[at(sink, c.Epoch)] {
				s.Unpublished = append(s.Unpublished, arrowstream.Unpublished{Sink: sink, Commit: c})
			}
		}
	}
	return s
}

func (l *ledgerLog) Load(_ context.Context, mem memory.Allocator, uid string) iter.Seq2[arrowstream.State, error] {
	return func(yield func(arrowstream.State, error) bool) {
		for i, k := range l.states[uid] {
			l.applied += min(i, 1)
			if !yield(copied(mem, k.state), nil) {
				return
			}
			for _, s := range k.log {
				l.logged++
				if !yield(copied(mem, s), nil) {
					return
				}
			}
		}
	}
}

// copied is a state that shares nothing with s, as one that was read is.
func copied(mem memory.Allocator, s arrowstream.State) arrowstream.State {
	out := arrowstream.State{}
	for name, b := range s {
		out[name] = copyOf(mem, b)
	}
	return out
}

func copyOf(mem memory.Allocator, b arrowstream.Batch) arrowstream.Batch {
	all := make([]int32, b.NumRows())
	for i := range all {
		all[i] = int32(i)
	}
	out, err := kernels.TakeRecord(mem, b, all)
	if err != nil {
		panic(err)
	}
	return out
}

func (l *ledgerLog) Outbox(sink string, e arrowstream.Epoch) arrowstream.Outbox {
	return &ledgerBox{l, at(sink, e)}
}

type ledgerBox struct {
	l   *ledgerLog
	key string
}

func (b *ledgerBox) Append(batch arrowstream.Batch) error {
	if err := b.l.point(); err != nil {
		return err
	}
	b.l.mu.Lock()
	defer b.l.mu.Unlock()
	b.l.rows[b.key] = append(b.l.rows[b.key], copyOf(columnar.Pool, batch))
	return nil
}

func (b *ledgerBox) Rows(mem memory.Allocator) iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, batch := range b.l.outbox[b.key] {
			if !yield(copyOf(mem, batch), nil) {
				return
			}
		}
	}
}

func (l *ledgerLog) Commit(_ context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	if err := l.point(); err != nil {
		return err
	}
	if n := len(l.commits); n > 0 && l.commits[n-1].Epoch+1 != c.Epoch || n == 0 && c.Epoch != 1 {
		return fmt.Errorf("epoch %d after %d", c.Epoch, n)
	}
	l.commits = append(l.commits, c)
	for _, s := range states {
		k := kept{state: copied(columnar.Pool, s.State)}
		for _, name := range slices.Sorted(maps.Keys(s.Log)) {
			err := s.Log[name].Each(func(b arrowstream.Batch) error {
				k.log = append(k.log, arrowstream.State{name: copyOf(columnar.Pool, b)})
				return nil
			})
			if err != nil {
				return err
			}
		}
		if s.Delta {
			l.deltas++
			l.states[s.UID] = append(l.states[s.UID], k)
		} else {
			l.states[s.UID] = []kept{k}
		}
	}
	l.mu.Lock()
	for sink, sunk := range c.Sinks {
		if sunk.Rows > 0 {
			l.outbox[at(sink, c.Epoch)] = l.rows[at(sink, c.Epoch)]
		}
	}
	l.mu.Unlock()
	return l.point() // committed, but nobody knows
}

func (l *ledgerLog) Published(sink string, e arrowstream.Epoch) error {
	if err := l.point(); err != nil {
		return err
	}
	l.published[at(sink, e)] = true
	return nil
}

func (l *ledgerLog) Close() error { return nil }

// database is a Publisher, and the system that it publishes to.
type database struct {
	*crash
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
	if err := d.point(); err != nil {
		return err
	}
	if p.Incarnation < d.incarnation {
		return arrowstream.ErrFenced
	}
	d.incarnation = p.Incarnation
	return d.point() // claimed, but the answer is lost
}

func (d *database) Publish(_ context.Context, p arrowstream.Publication) error {
	if err := d.point(); err != nil {
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
	return d.point() // in, but the answer is lost
}

// folder is what stays of a Committer when its process dies.
type folder struct {
	*crash
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
	if err := f.point(); err != nil {
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
	return binary.LittleEndian.AppendUint64(nil, uint64(e)), f.point()
}

func (f *files) Commit(_ context.Context, e arrowstream.Epoch, prepared []byte) error {
	if err := f.point(); err != nil {
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
	return f.point()
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
	crash  *crash
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
		g.folder.crash = g.crash
		return &files{folder: g.folder}
	}
	if g.tables[name] == nil {
		g.tables[name] = &database{}
	}
	g.tables[name].crash = g.crash
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
		l := newLedger()
		g := &program{folder: newFolder(), tables: map[string]*database{}, crash: &crash{left: first}}
		runs := 0
		for ; ; runs++ {
			l.crash = g.crash
			o := opts(workers[(first+runs)%len(workers)])
			o.State = l
			_, err := run(t, o, g.build)
			if err == nil {
				break
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("crash after %d operations, run %d: %v", first, runs, err)
			}
			g.crash = &crash{left: 5 + rng.IntN(150)}
		}
		crashes, deltas, applied = crashes+runs, deltas+l.deltas, applied+l.applied
		for name, rows := range want {
			if got := g.results()[name]; !slices.Equal(got, rows) {
				t.Fatalf("crash after %d operations, %d crashes: %s has %d rows, not %d:\n%.600q\n%.600q", first, runs, name, len(got), len(rows), got, rows)
			}
		}
		o := opts(2)
		o.State = l
		g.crash.left = 1 << 30
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
