package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

var arrivalSchema = columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
}, nil), "")

// arrivals is live input: rows of a partition are known, when they come is not.
type arrivals struct {
	partitions int
	rows       int64 // of a partition
	hurried    bool
}

func (s arrivals) Schema() (*arrow.Schema, error) { return arrivalSchema, nil }
func (s arrivals) Bounded() bool                  { return false }

func (s arrivals) Open(context.Context, arrowstream.SourceEnv) (parts []arrowstream.Partition, err error) {
	for i := range s.partitions {
		parts = append(parts, &arrival{arrivals: s, number: int64(i)})
	}
	return parts, nil
}

type arrival struct {
	arrivals
	number, next int64
}

func (p *arrival) Read(ctx context.Context) (arrowstream.Batch, error) {
	var wait time.Duration
	switch {
	case p.next >= p.rows:
		wait = time.Hour
	case p.hurried:
	case rand.IntN(20) == 0:
		wait = 12 * time.Millisecond // it is idle then
	default:
		wait = time.Duration(rand.IntN(2000)) * time.Microsecond
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b := array.NewRecordBuilder(columnar.Pool, arrivalSchema)
	defer b.Release()
	for range min(1+rand.Int64N(40), p.rows-p.next) {
		b.Field(0).(*array.Int64Builder).Append(p.number<<32 | p.next)
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(p.next*1000 + p.next*7919%5000))
		p.next++
	}
	return b.NewRecord(), nil
}

func (p *arrival) Position() ([]byte, error) { return binary.AppendVarint(nil, p.next), nil }

func (p *arrival) Seek(_ context.Context, pos []byte) error {
	p.next, _ = binary.Varint(pos)
	return nil
}

func (p *arrival) Close() error { return nil }

// ticker passes rows and adds the sum of all that it has seen: rows, where ticks
// end, clocks and watermarks.
type ticker struct {
	sum  int64
	rows []int64
	seen map[int64]int64 // of all processes: the sums that came with rows
	bad  int             // rows that came with another sum before
}

var (
	tickSeed   = maphash.MakeSeed()
	tickSchema = arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "sum", Type: arrow.PrimitiveTypes.Int64}}, nil)
)

func (s *ticker) Bind(*arrow.Schema, arrowstream.Env) (*arrow.Schema, error) { return tickSchema, nil }

func (s *ticker) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	s.rows = append(s.rows, b.Column(0).(*array.Int64).Int64Values()...)
	return nil
}

func (s *ticker) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	s.sum = int64(maphash.Comparable(tickSeed, [4]int64{s.sum, int64(len(s.rows)), w.Clock, w.Event}))
	b := pair(tickSchema, s.rows, slices.Repeat([]int64{s.sum}, len(s.rows)))
	defer b.Release()
	for _, id := range s.rows {
		if old, ok := s.seen[id]; ok && old != s.sum {
			s.bad++
		}
		s.seen[id] = s.sum
	}
	s.rows = s.rows[:0]
	return w, emit(b)
}

func (s *ticker) Snapshot(context.Context) (arrowstream.State, error) {
	return arrowstream.State{"": pair(tickSchema, []int64{s.sum}, []int64{0})}, nil
}

func (s *ticker) Restore(_ context.Context, st arrowstream.State) error {
	s.sum = st[""].Column(0).(*array.Int64).Value(0)
	return nil
}

// ledger keeps what is published, or written if epochs are not in force.
type ledger struct {
	rows      [][2]int64
	epochs    map[arrowstream.Epoch]int // rows up to its end
	published func()
	drain     func()
}

func (s *ledger) Bind(*arrow.Schema, arrowstream.Env) error            { return nil }
func (s *ledger) Flush(context.Context) error                          { return nil }
func (s *ledger) Close() error                                         { return nil }
func (s *ledger) Claim(context.Context, arrowstream.Publication) error { return nil }
func (s *ledger) Write(_ context.Context, b arrowstream.Batch) error {
	for i, id := range b.Column(0).(*array.Int64).Int64Values() {
		s.rows = append(s.rows, [2]int64{id, b.Column(1).(*array.Int64).Value(i)})
	}
	return nil
}

func (s *ledger) Publish(ctx context.Context, p arrowstream.Publication) error {
	if _, ok := s.epochs[p.Epoch]; ok {
		return nil
	}
	for b, err := range p.Rows {
		if err != nil {
			return err
		}
		if err := s.Write(ctx, b); err != nil {
			return err
		}
		b.Release()
	}
	s.epochs[p.Epoch] = len(s.rows)
	s.published()
	return nil
}

// follow runs a job on arrivals.
func follow(ctx context.Context, t *testing.T, o arrowstream.Options, src arrivals, st *ticker, l *ledger) error {
	o.Allocator, o.CheckpointInterval, o.Heartbeat, o.TickRows = columnartest.Allocator(t), 5*time.Millisecond, 4*time.Millisecond, 90
	p := arrowstream.New(o)
	p.From("arrivals", src, arrowstream.EventTime{Column: "ts", Delay: time.Millisecond, Idle: 6 * time.Millisecond}).Via(st).To(l, "ledger")
	l.drain = p.Drain
	_, err := p.Run(ctx)
	return err
}

// TestLiveRunsAreRepeated follows live input of several partitions, is killed on
// the way, and repeats all of it from the record: the same rows in the same ticks
// with the same clocks and watermarks. In a folder what a process has done of an
// epoch that it could not commit is done again in the same way, too.
func TestLiveRunsAreRepeated(t *testing.T) {
	type opened struct {
		now  arrowstream.StateStore
		then func(arrowstream.Epoch) arrowstream.StateStore
	}
	for name, open := range map[string]func() opened{
		"folder": func() opened {
			d := testDir(memFS{FS: vfs.NewMem(), unlocked: true})
			d.RetainCommits = 1000
			return opened{d, d.Past}
		},
		"bucket": func() opened {
			b := testBucket(newMemObjects())
			b.RetainCommits = 1000
			return opened{b, b.Past}
		},
	} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				store := open()
				src := arrivals{partitions: 3, rows: 1500}
				live, seen := &ledger{epochs: map[arrowstream.Epoch]int{}}, map[int64]int64{}
				o := arrowstream.Options{State: store.now, Record: true, Workers: workers}
				errKilled := errors.New("killed")
				for kills := 3; ; kills-- {
					ctx, kill := context.WithCancelCause(t.Context())
					live.published = func() {
						if len(live.rows) == 4500 {
							live.drain()
						} else if kills > 0 && rand.IntN(4) == 0 {
							time.AfterFunc(2*time.Millisecond, func() { kill(errKilled) })
						}
					}
					st := &ticker{seen: seen}
					err := follow(ctx, t, o, src, st, live)
					if name == "folder" && st.bad > 0 {
						t.Errorf("%d rows came in other ticks than before", st.bad)
					}
					if kill(nil); err == nil {
						break
					}
					if !errors.Is(err, errKilled) {
						t.Fatal(err)
					}
				}
				if len(live.rows) != 4500 {
					t.Fatalf("%d rows were published", len(live.rows))
				}
				src.hurried, o.Record = true, false
				epochs := slices.Sorted(maps.Keys(live.epochs))
				for _, to := range []arrowstream.Epoch{0, epochs[0], epochs[len(epochs)/2]} {
					again, want := &ledger{}, len(live.rows)
					if to > 0 {
						want = live.epochs[to]
					}
					o.State = store.then(to)
					if err := follow(t.Context(), t, o, src, &ticker{seen: map[int64]int64{}}, again); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(again.rows, live.rows[:want]) {
						t.Errorf("up to epoch %d: %d rows, want %d, or not the same", to, len(again.rows), want)
					}
				}
			})
		}
	}
}
