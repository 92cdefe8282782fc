//go:build linux

package stage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/stage"
)

// echo is a table that has one row for each key it is asked for, at once.
type echo struct{ schema *arrow.Schema }

func (e echo) Bounded() bool                  { return true }
func (e echo) Schema() (*arrow.Schema, error) { return e.schema, nil }
func (e echo) Open(context.Context, arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	return nil, fmt.Errorf("read as a whole")
}

func (e echo) Search(context.Context, []string, arrowstream.Env) (arrowstream.Lookup, error) {
	return echoLookup(e), nil
}

type echoLookup struct{ schema *arrow.Schema }

func (e echoLookup) Schema() *arrow.Schema { return e.schema }
func (e echoLookup) Close() error          { return nil }

func (e echoLookup) Find(_ context.Context, keys arrowstream.Batch) ([]arrowstream.Batch, error) {
	k := columnar.Values[int64](keys.Column(0))
	return timedBatches(len(k), len(k), func(i int) (ts, key int64) { return 7 * k[i], k[i] }), nil
}

// BenchmarkLookupJoin joins 1 Mi rows, in ticks of 16 Ki, with a table outside that
// answers at once: what it costs to look up what is remembered and to ask for the
// rest. ns/row is the processor time of the thread per row.
func BenchmarkLookupJoin(b *testing.B) {
	const rows, tick = 1 << 20, 16 << 10
	for _, c := range []struct {
		keys, cache int64
	}{{5, 1000}, {1 << 10, 1 << 14}, {1 << 20, 1 << 14}, {1 << 10, 0}} {
		b.Run(fmt.Sprintf("keys=%d/cache=%d", c.keys, c.cache), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r := rand.New(rand.NewPCG(1, 2))
			in := timedBatches(rows, tick, func(i int) (ts, k int64) { return int64(i), scatter(r.Int64N(c.keys)) })
			defer releaseBatches(in)
			schema := in[0].Schema()
			emitted := int64(0)
			emit := func(b arrowstream.Batch, _ ...int) error {
				emitted += b.NumRows()
				return nil
			}
			ctx := context.Background()
			from := threadTime(b)
			for b.Loop() {
				j := &stage.LookupJoin{
					Kind: stage.LeftJoin, Table: echo{schema}, Schema: schema, CacheRows: c.cache,
					JoinColumns: stage.JoinColumns{LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Right: []string{"rt", "rk", "rv"}, Columns: []string{"ts", "k", "rt"}},
				}
				if _, err := j.Bind(schema, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				for i := range in {
					if err := j.Process(ctx, in[i], emit); err != nil {
						b.Fatal(err)
					}
				}
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((threadTime(b)-from)/float64(b.N)/rows, "ns/row")
			if emitted != int64(b.N)*rows {
				b.Fatalf("%d rows of %d", emitted, int64(b.N)*rows)
			}
		})
	}
}
