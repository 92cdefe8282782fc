package sql_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	arrowmem "github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// errCrash ends a run in the middle of a commit.
var errCrash = errors.New("crash")

// sltStore is a store in memory that outlives crashes, and what was published.
type sltStore struct {
	mu          sync.Mutex
	left        int // commits before the next crash; negative for no crash
	commits     []arrowstream.Commit
	states      map[string][]arrowstream.State
	outbox      map[string][]arrowstream.Batch
	done        map[string]bool
	incarnation uint64
	sinks       map[string]*sltOutput
}

func newSLTStore() *sltStore {
	return &sltStore{left: -1, states: map[string][]arrowstream.State{}, outbox: map[string][]arrowstream.Batch{}, done: map[string]bool{}, sinks: map[string]*sltOutput{}}
}

// crashAfter lets the run die in the commit after n others.
func (s *sltStore) crashAfter(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = n
}

// point is a place in a commit, before it counts or after.
func (s *sltStore) point() error {
	if s.left == 0 {
		return errCrash
	}
	if s.left > 0 {
		s.left--
	}
	return nil
}

func epochOf(sink string, e arrowstream.Epoch) string { return fmt.Sprint(sink, "@", e) }

// Open implements [arrowstream.StateStore].
func (s *sltStore) Open(context.Context, arrowstream.Job) (arrowstream.EpochLog, error) {
	s.incarnation++
	return &sltLog{sltStore: s, rows: map[string][]arrowstream.Batch{}}, nil
}

// sltLog is one run at work on a store.
type sltLog struct {
	*sltStore
	rows map[string][]arrowstream.Batch // not committed
}

func (l *sltLog) Start() arrowstream.Start {
	s := arrowstream.Start{ID: strings.Repeat("0123456789abcdef", 2), Incarnation: l.incarnation}
	for i, c := range l.commits {
		s.Last = &l.commits[i]
		for sink := range c.Sinks {
			if !l.done[epochOf(sink, c.Epoch)] {
				s.Unpublished = append(s.Unpublished, arrowstream.Unpublished{Sink: sink, Commit: c})
			}
		}
	}
	return s
}

func (l *sltLog) Load(_ context.Context, mem arrowmem.Allocator, uid string) iter.Seq2[arrowstream.State, error] {
	return func(yield func(arrowstream.State, error) bool) {
		for _, s := range l.states[uid] {
			if !yield(copyState(mem, s), nil) {
				return
			}
		}
	}
}

// copyState shares nothing with s, as a state that was read from a disk.
func copyState(mem arrowmem.Allocator, s arrowstream.State) arrowstream.State {
	out := arrowstream.State{}
	for name, b := range s {
		out[name] = copyBatch(mem, b)
	}
	return out
}

func copyBatch(mem arrowmem.Allocator, b arrowstream.Batch) arrowstream.Batch {
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

func (l *sltLog) Outbox(sink string, e arrowstream.Epoch) arrowstream.Outbox {
	return &sltBox{l, epochOf(sink, e)}
}

// sltBox holds the rows of a sink for an epoch.
type sltBox struct {
	log *sltLog
	key string
}

func (b *sltBox) Append(batch arrowstream.Batch) error {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.log.rows[b.key] = append(b.log.rows[b.key], copyBatch(columnar.Pool, batch))
	return nil
}

func (b *sltBox) Rows(mem arrowmem.Allocator) iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, batch := range b.log.outbox[b.key] {
			if !yield(copyBatch(mem, batch), nil) {
				return
			}
		}
	}
}

func (l *sltLog) Commit(_ context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.point(); err != nil {
		return err
	}
	l.commits = append(l.commits, c)
	for _, s := range states {
		if !s.Delta {
			l.states[s.UID] = nil
		}
		l.states[s.UID] = append(l.states[s.UID], copyState(columnar.Pool, s.State))
		for name, pieces := range s.Log {
			err := pieces.Each(func(b arrowstream.Batch) error {
				l.states[s.UID] = append(l.states[s.UID], arrowstream.State{name: copyBatch(columnar.Pool, b)})
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	for sink, sunk := range c.Sinks {
		if key := epochOf(sink, c.Epoch); sunk.Rows > 0 {
			l.outbox[key] = l.rows[key]
		}
	}
	return l.point() // committed, but nobody knows
}

func (l *sltLog) Published(sink string, e arrowstream.Epoch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[epochOf(sink, e)] = true
	return nil
}

func (l *sltLog) Close() error { return nil }

// sltOutput is what one sink was given, in order.
type sltOutput struct {
	mu     sync.Mutex
	schema *arrow.Schema
	rows   []string          // without the op column
	ops    []columnar.Change // nil if the rows are appended only
	last   arrowstream.Epoch
	looked int // rows that changes has shown
}

// output is the output of a sink, which outlives the runs.
func (s *sltStore) output(name string) *sltOutput {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sinks[name] == nil {
		s.sinks[name] = &sltOutput{}
	}
	return s.sinks[name]
}

var (
	_ arrowstream.Publisher = (*sltOutput)(nil)
	_ arrowstream.Updating  = (*sltOutput)(nil)
)

// Bind implements [arrowstream.Sink].
func (o *sltOutput) Bind(in *arrow.Schema, _ arrowstream.Env) error {
	o.schema = in
	return nil
}

// Write implements [arrowstream.Sink].
func (o *sltOutput) Write(_ context.Context, b arrowstream.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows, ops := sltRows(b)
	o.rows, o.ops = append(o.rows, rows...), append(o.ops, ops...)
	return nil
}

// Flush implements [arrowstream.Sink].
func (o *sltOutput) Flush(context.Context) error { return nil }

// Close implements [arrowstream.Sink].
func (o *sltOutput) Close() error { return nil }

// Takes implements [arrowstream.Updating].
func (o *sltOutput) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Claim implements [arrowstream.Publisher].
func (o *sltOutput) Claim(context.Context, arrowstream.Publication) error { return nil }

// Publish implements [arrowstream.Publisher].
func (o *sltOutput) Publish(ctx context.Context, p arrowstream.Publication) error {
	if p.Epoch <= o.last {
		return nil
	}
	n := int64(0)
	for b, err := range p.Rows {
		if err != nil {
			return err
		}
		n += b.NumRows()
		err = o.Write(ctx, b)
		b.Release()
		if err != nil {
			return err
		}
	}
	if n != p.Count {
		return fmt.Errorf("epoch %d has %d rows, not %d", p.Epoch, n, p.Count)
	}
	o.last = p.Epoch
	return nil
}

// folded is the table that the changes amount to, in no order; for appended
// rows it is the rows, in order.
func (o *sltOutput) folded() ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return foldRows(o.rows, o.ops)
}

func foldRows(rows []string, ops []columnar.Change) ([]string, error) {
	if len(ops) == 0 {
		return rows, nil
	}
	places := map[string][]int{}
	kept := make([]bool, len(rows))
	for i, row := range rows {
		key := zeroKey(row)
		if ops[i] == columnar.Insert || ops[i] == columnar.UpdateAfter {
			places[key], kept[i] = append(places[key], i), true
			continue
		}
		at := places[key]
		if len(at) == 0 {
			return nil, fmt.Errorf("change %d takes back %q, which is not there", i+1, row)
		}
		kept[at[len(at)-1]] = false
		places[key] = at[:len(at)-1]
	}
	var out []string
	for i, row := range rows {
		if kept[i] {
			out = append(out, row)
		}
	}
	return slices.Clip(out), nil
}

// zeroKey is row with its negative zeros made positive: they are equal.
func zeroKey(row string) string {
	cells := strings.Split(row, " ")
	for i, c := range cells {
		if c == "-0" {
			cells[i] = "0"
		}
	}
	return strings.Join(cells, " ")
}
