package arrowstream_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// drifting is a source whose partitions have a row for each of their event times,
// in seconds, of which each takes a while.
type drifting struct {
	parts [][]int64
	takes []time.Duration
	live  bool
}

func (s *drifting) Schema() (*arrow.Schema, error) { return schema, nil }
func (s *drifting) Bounded() bool                  { return !s.live }

func (s *drifting) Open(_ context.Context, env arrowstream.SourceEnv) (out []arrowstream.Partition, err error) {
	for i, p := range s.parts {
		out = append(out, &driftingPart{env: env, part: int64(i), left: p, takes: s.takes[i]})
	}
	return out, nil
}

type driftingPart struct {
	env   arrowstream.SourceEnv
	part  int64
	left  []int64
	takes time.Duration
}

func (p *driftingPart) Read(ctx context.Context) (arrowstream.Batch, error) {
	if p.takes > 0 {
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if len(p.left) == 0 {
		return nil, io.EOF
	}
	b := array.NewRecordBuilder(p.env.Allocator, schema)
	defer b.Release()
	b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(p.left[0] * 1e6))
	b.Field(1).(*array.Int64Builder).Append(p.part)
	b.Field(2).AppendEmptyValue()
	p.left = p.left[1:]
	return b.NewRecord(), nil
}

func (p *driftingPart) Close() error { return nil }

// order collects event times and partitions as they come.
type order struct {
	marks
	rows [][2]int64 // seconds, partition
}

func (o *order) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	for i, ts := range columnar.Values[int64](b.Column(0)) {
		o.rows = append(o.rows, [2]int64{ts / 1e6, columnar.Values[int64](b.Column(1))[i]})
	}
	return nil
}

// TestMaxDrift reads a partition that could run far ahead of another one: it comes
// no further than the drift and a row, unless the other one is silent.
func TestMaxDrift(t *testing.T) {
	steps := func(n, by int64) (out []int64) {
		for i := range n {
			out = append(out, i*by)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		src   drifting
		drift time.Duration
		idle  time.Duration
		far   int64 // seconds that the fast one is ahead at most
	}{
		{"as it comes", drifting{parts: [][]int64{steps(100, 10), steps(100, 100)}}, 0, 0, 9000},
		{"bounded", drifting{parts: [][]int64{steps(100, 10), steps(100, 100)}}, time.Minute, 0, 160},
		{"live", drifting{parts: [][]int64{steps(100, 10), steps(100, 100)}, live: true}, time.Minute, 0, 160},
		{"slow", drifting{parts: [][]int64{steps(20, 10), steps(20, 100)}, takes: []time.Duration{5 * time.Second, 0}, live: true}, time.Minute, 0, 160},
		{"silent", drifting{parts: [][]int64{{0, 10}, steps(20, 100)}, takes: []time.Duration{time.Hour, 0}, live: true}, time.Minute, 10 * time.Second, 1900},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem := memory.NewCheckedAllocator(columnar.Pool)
				defer mem.AssertSize(t, 0)
				if c.src.takes == nil {
					c.src.takes = make([]time.Duration, 2)
				}
				o := &order{marks: marks{start: time.Now()}}
				p := arrowstream.New(arrowstream.Options{Workers: 1, Allocator: mem, TickRows: 1})
				p.From("n", &c.src, arrowstream.EventTime{Column: "ts", MaxDrift: c.drift, Idle: c.idle}).Via(o)
				if _, err := p.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(o.rows) != len(c.src.parts[0])+len(c.src.parts[1]) {
					t.Fatalf("%d rows", len(o.rows))
				}
				slow, far := int64(0), int64(0)
				last := slices.IndexFunc(o.rows, func(r [2]int64) bool { return r == [2]int64{c.src.parts[0][len(c.src.parts[0])-1], 0} })
				for _, r := range o.rows[:last] {
					if r[1] == 0 {
						slow = r[0]
					}
					far = max(far, r[0]-slow)
				}
				if far > c.far || far < c.far/2 {
					t.Errorf("the fast partition was %d s ahead, want %d at most", far, c.far)
				}
			})
		})
	}
}
