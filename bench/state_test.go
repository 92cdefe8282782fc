package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/state"
)

var largeSchema = arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)

// large is a grouped aggregate with count and sum, bound.
func large(b *testing.B) *stage.Aggregate {
	b.Helper()
	a := &stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{{Func: "count"}, {Func: "sum", Args: []expr.Expr{expr.Col{Name: "x"}}}}}
	if _, err := a.Bind(largeSchema, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
		b.Fatal(err)
	}
	return a
}

// touch gives the stage a row for each key.
func touch(b *testing.B, a *stage.Aggregate, keys []int64) {
	b.Helper()
	rb := array.NewRecordBuilder(columnar.Pool, largeSchema)
	defer rb.Release()
	for len(keys) > 0 {
		n := min(len(keys), 1<<14)
		rb.Field(0).(*array.Int64Builder).AppendValues(keys[:n], nil)
		for i, k := range keys[:n] {
			rb.Field(1).(*array.Int64Builder).Append(k%1000 + int64(i))
		}
		rows := rb.NewRecord()
		err := a.Process(b.Context(), rows, nil)
		rows.Release()
		if err != nil {
			b.Fatal(err)
		}
		keys = keys[n:]
	}
}

// BenchmarkLargeState is the work of checkpoints with 10,000,000 groups, on the
// disk of ARROWSTREAM_BENCH_DIR or a temporary folder: a snapshot, deltas of so
// many groups, and a start from the last commit. Collect is the part for which
// the stage stops; the commit runs beside it.
func BenchmarkLargeState(b *testing.B) {
	const groups = 10_000_000
	rng := rand.New(rand.NewPCG(1, 2))
	dense, sparse := make([]int64, groups), make([]int64, groups)
	for i := range dense {
		dense[i], sparse[i] = int64(i), int64(rng.Uint64())
	}
	rng.Shuffle(groups, func(i, j int) { dense[i], dense[j] = dense[j], dense[i] })
	for _, c := range []struct {
		name string
		keys []int64
	}{{"dense", dense}, {"sparse", sparse}} {
		b.Run("keys="+c.name, func(b *testing.B) {
			path := os.Getenv("ARROWSTREAM_BENCH_DIR")
			if path == "" {
				path = b.TempDir()
			}
			path, err := os.MkdirTemp(path, "state")
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(path)
			dir := state.Dir{Path: path, RetainCommits: 1, Reserve: -1}
			job := arrowstream.Job{Name: "bench", Stages: []arrowstream.Part{{UID: "groups", Kind: "aggregate", Schema: largeSchema}}}
			log, err := dir.Open(b.Context(), job)
			if err != nil {
				b.Fatal(err)
			}
			a := large(b)
			defer a.Close()
			touch(b, a, c.keys)
			epoch := arrowstream.Epoch(0)
			save := func(b *testing.B, delta bool) (collect, commit time.Duration) {
				start := time.Now()
				collected := a.Snapshot
				if delta {
					collected = a.Delta
				}
				st, err := collected(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				collect = time.Since(start)
				epoch++
				err = log.Commit(b.Context(), arrowstream.Commit{Epoch: epoch}, []arrowstream.StageState{{UID: "groups", Delta: delta, State: st}})
				st.Release()
				if err != nil {
					b.Fatal(err)
				}
				return collect, time.Since(start) - collect
			}
			report := func(b *testing.B, collect, commit time.Duration) {
				b.ReportMetric(collect.Seconds()*1e3/float64(b.N), "ms/collect")
				b.ReportMetric(commit.Seconds()*1e3/float64(b.N), "ms/commit")
				b.ReportMetric(0, "ns/op")
			}
			b.Run("snapshot", func(b *testing.B) {
				var x, y time.Duration
				for b.Loop() {
					collect, commit := save(b, false)
					x, y = x+collect, y+commit
				}
				report(b, x, y)
			})
			for _, n := range []int{10_000, 100_000, 1_000_000} {
				b.Run(fmt.Sprintf("delta=%d", n), func(b *testing.B) {
					var x, y time.Duration
					for b.Loop() {
						b.StopTimer()
						from := rng.IntN(groups - n)
						touch(b, a, c.keys[from:from+n])
						b.StartTimer()
						collect, commit := save(b, true)
						x, y = x+collect, y+commit
					}
					report(b, x, y)
				})
			}
			if _, _ = save(b, false); log.Close() != nil {
				b.Fatal("close")
			}
			b.Run("restore", func(b *testing.B) {
				var open, load, restore time.Duration
				for b.Loop() {
					start := time.Now()
					log, err := dir.Open(b.Context(), job)
					if err != nil {
						b.Fatal(err)
					}
					open += time.Since(start)
					start = time.Now()
					states, err := log.Load(b.Context(), columnar.Pool, "groups")
					if err != nil {
						b.Fatal(err)
					}
					load += time.Since(start)
					start = time.Now()
					again := large(b)
					if err := again.Restore(b.Context(), states[0]); err != nil {
						b.Fatal(err)
					}
					restore += time.Since(start)
					states[0].Release()
					if n := again.Counts().StateRows; n != groups {
						b.Fatalf("%d groups", n)
					}
					again.Close()
					log.Close()
				}
				for _, m := range []struct {
					d    time.Duration
					unit string
				}{{open, "ms/open"}, {load, "ms/load"}, {restore, "ms/restore"}} {
					b.ReportMetric(m.d.Seconds()*1e3/float64(b.N), m.unit)
				}
				b.ReportMetric(0, "ns/op")
			})
		})
	}
}
