package iotest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// ErrCrash is how a run ends that a test has crash.
var ErrCrash = errors.New("crash")

// Crash lets a number of operations on stores and sinks happen, and none after.
// The zero Crash lets all happen.
type Crash struct {
	mu    sync.Mutex
	armed bool
	left  int
}

// CrashAfter lets n operations happen.
func CrashAfter(n int) *Crash { return &Crash{armed: true, left: n} }

// After lets n more operations happen; all, if it is negative.
func (c *Crash) After(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.left = n >= 0, n
}

// Point stands before and behind an operation, which does not happen, or whose
// answer is lost, if it returns [ErrCrash].
func (c *Crash) Point() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed {
		return nil
	}
	if c.left--; c.left < 0 {
		return ErrCrash
	}
	return nil
}

// Ledger is a store in memory, which outlives the runs that crash.
type Ledger struct {
	*Crash  // of every operation
	Commits []arrowstream.Commit
	Deltas  int // committed
	Applied int // deltas that a run has begun with
	Logged  int // batches of logs that a run has begun with

	mu          sync.Mutex // of rows
	incarnation uint64
	states      map[string][]ledgerState // per stage, since its last snapshot
	published   map[ledgerKey]bool
	outbox      map[ledgerKey][]arrowstream.Batch
}

// ledgerState is a snapshot or a delta, and the log behind it.
type ledgerState struct {
	state arrowstream.State
	log   []arrowstream.State
}

// ledgerKey is an epoch of a sink.
type ledgerKey struct {
	sink  string
	epoch arrowstream.Epoch
}

// NewLedger is a store that remembers nothing, and never crashes.
func NewLedger() *Ledger {
	return &Ledger{Crash: &Crash{}, states: map[string][]ledgerState{}, published: map[ledgerKey]bool{}, outbox: map[ledgerKey][]arrowstream.Batch{}}
}

// Open implements [arrowstream.StateStore].
func (l *Ledger) Open(context.Context, arrowstream.Job) (arrowstream.EpochLog, error) {
	l.incarnation++
	return &LedgerLog{Ledger: l, rows: map[ledgerKey][]arrowstream.Batch{}}, nil
}

// LedgerLog is one process at work on a ledger.
type LedgerLog struct {
	*Ledger
	rows map[ledgerKey][]arrowstream.Batch // not committed
}

// Start implements [arrowstream.EpochLog].
func (l *LedgerLog) Start() arrowstream.Start {
	s := arrowstream.Start{ID: "0123456789abcdef0123456789abcdef", Incarnation: l.incarnation}
	for i, c := range l.Commits {
		s.Last = &l.Commits[i]
		for sink := range c.Sinks {
			if !l.published[ledgerKey{sink, c.Epoch}] {
				s.Unpublished = append(s.Unpublished, arrowstream.Unpublished{Sink: sink, Commit: c})
			}
		}
	}
	return s
}

// Load implements [arrowstream.EpochLog].
func (l *LedgerLog) Load(_ context.Context, mem memory.Allocator, uid string) iter.Seq2[arrowstream.State, error] {
	return func(yield func(arrowstream.State, error) bool) {
		for i, k := range l.states[uid] {
			l.Applied += min(i, 1)
			if !yield(copyState(mem, k.state), nil) {
				return
			}
			for _, s := range k.log {
				l.Logged++
				if !yield(copyState(mem, s), nil) {
					return
				}
			}
		}
	}
}

// copyState shares nothing with s, as a state that was read from a disk.
func copyState(mem memory.Allocator, s arrowstream.State) arrowstream.State {
	out := arrowstream.State{}
	for name, b := range s {
		out[name] = copyBatch(mem, b)
	}
	return out
}

func copyBatch(mem memory.Allocator, b arrowstream.Batch) arrowstream.Batch {
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

// Outbox implements [arrowstream.EpochLog].
func (l *LedgerLog) Outbox(sink string, e arrowstream.Epoch) arrowstream.Outbox {
	return &LedgerBox{l, ledgerKey{sink, e}}
}

// LedgerBox has the rows of an epoch of a sink.
type LedgerBox struct {
	log *LedgerLog
	key ledgerKey
}

// Append implements [arrowstream.Outbox].
func (b *LedgerBox) Append(batch arrowstream.Batch) error {
	if err := b.log.Point(); err != nil {
		return err
	}
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.log.rows[b.key] = append(b.log.rows[b.key], copyBatch(columnar.Pool, batch))
	return nil
}

// Rows implements [arrowstream.Outbox].
func (b *LedgerBox) Rows(mem memory.Allocator) iter.Seq2[arrowstream.Batch, error] {
	return copies(mem, func() []arrowstream.Batch { return b.log.outbox[b.key] })
}

// Lost yields the rows of an epoch that this process has not committed, whoever
// has: what a process would publish that does not look whether it may.
func (b *LedgerBox) Lost(mem memory.Allocator) iter.Seq2[arrowstream.Batch, error] {
	return copies(mem, func() []arrowstream.Batch {
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		return b.log.rows[b.key]
	})
}

func copies(mem memory.Allocator, batches func() []arrowstream.Batch) iter.Seq2[arrowstream.Batch, error] {
	return func(yield func(arrowstream.Batch, error) bool) {
		for _, b := range batches() {
			if !yield(copyBatch(mem, b), nil) {
				return
			}
		}
	}
}

// Commit implements [arrowstream.EpochLog].
func (l *LedgerLog) Commit(_ context.Context, c arrowstream.Commit, states []arrowstream.StageState) error {
	if err := l.Point(); err != nil {
		return err
	}
	if n := len(l.Commits); n > 0 && l.Commits[n-1].Epoch+1 != c.Epoch || n == 0 && c.Epoch != 1 {
		return fmt.Errorf("epoch %d after %d", c.Epoch, n)
	}
	l.Commits = append(l.Commits, c)
	for _, s := range states {
		k := ledgerState{state: copyState(columnar.Pool, s.State)}
		for _, name := range slices.Sorted(maps.Keys(s.Log)) {
			err := s.Log[name].Each(func(b arrowstream.Batch) error {
				k.log = append(k.log, arrowstream.State{name: copyBatch(columnar.Pool, b)})
				return nil
			})
			if err != nil {
				return err
			}
		}
		if s.Delta {
			l.Deltas++
			l.states[s.UID] = append(l.states[s.UID], k)
		} else {
			l.states[s.UID] = []ledgerState{k}
		}
	}
	l.mu.Lock()
	for sink, sunk := range c.Sinks {
		if key := (ledgerKey{sink, c.Epoch}); sunk.Rows > 0 {
			l.outbox[key] = l.rows[key]
		}
	}
	l.mu.Unlock()
	return l.Point() // committed, but nobody knows
}

// Published implements [arrowstream.EpochLog].
func (l *LedgerLog) Published(sink string, e arrowstream.Epoch) error {
	if err := l.Point(); err != nil {
		return err
	}
	l.published[ledgerKey{sink, e}] = true
	return nil
}

// Close implements [arrowstream.EpochLog].
func (l *LedgerLog) Close() error { return nil }
