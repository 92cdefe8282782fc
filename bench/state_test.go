//go:build unix

package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
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

// lap is the time on the clock, and of all processors, since the last lap.
type lap struct {
	at  time.Time
	cpu time.Duration
}

func (l *lap) next(b *testing.B) (clock, cpu time.Duration) {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	was := *l
	*l = lap{time.Now(), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	return l.at.Sub(was.at), l.cpu - was.cpu
}

// laps adds up what the parts of an operation take.
type laps map[string]time.Duration

func (s laps) add(b *testing.B, l *lap, part string) {
	b.Helper()
	clock, cpu := l.next(b)
	s[part] += clock
	s[part+"-cpu"] += cpu
}

func (s laps) report(b *testing.B) {
	b.Helper()
	for part, d := range s {
		b.ReportMetric(d.Seconds()*1e3/float64(b.N), "ms/"+part)
	}
	b.ReportMetric(0, "ns/op")
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
			touch(b, a, c.keys)
			epoch := arrowstream.Epoch(0)
			save := func(b *testing.B, delta bool, sum laps) {
				var l lap
				l.next(b)
				collected := a.Snapshot
				if delta {
					collected = a.Delta
				}
				st, err := collected(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				sum.add(b, &l, "collect")
				epoch++
				err = log.Commit(b.Context(), arrowstream.Commit{Epoch: epoch}, []arrowstream.StageState{{UID: "groups", Delta: delta, State: st}})
				st.Release()
				if err != nil {
					b.Fatal(err)
				}
				sum.add(b, &l, "commit")
			}
			b.Run("snapshot", func(b *testing.B) {
				sum := laps{}
				for b.Loop() {
					save(b, false, sum)
				}
				sum.report(b)
			})
			for _, n := range []int{10_000, 100_000, 1_000_000} {
				b.Run(fmt.Sprintf("delta=%d", n), func(b *testing.B) {
					sum := laps{}
					for b.Loop() {
						b.StopTimer()
						from := rng.IntN(groups - n)
						touch(b, a, c.keys[from:from+n])
						b.StartTimer()
						save(b, true, sum)
					}
					sum.report(b)
				})
			}
			save(b, false, laps{})
			a.Close()
			if err := log.Close(); err != nil {
				b.Fatal(err)
			}
			b.Run("restore", func(b *testing.B) {
				sum := laps{}
				for b.Loop() {
					var l lap
					l.next(b)
					log, err := dir.Open(b.Context(), job)
					if err != nil {
						b.Fatal(err)
					}
					again := large(b)
					apply := again.Restore // of the snapshot; what follows are deltas
					for st, err := range log.Load(b.Context(), columnar.Pool, "groups") {
						if err == nil {
							err = apply(b.Context(), st)
							st.Release()
						}
						if err != nil {
							b.Fatal(err)
						}
						apply = again.Apply
					}
					sum.add(b, &l, "restore")
					if n := again.Counts().StateRows; n != groups {
						b.Fatalf("%d groups", n)
					}
					again.Close()
					log.Close()
				}
				sum.report(b)
			})
		})
	}
}
