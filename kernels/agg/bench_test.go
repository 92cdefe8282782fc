//go:build linux

package agg_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

const (
	groupRows  = 8 << 20
	groupBatch = 16 << 10
)

// BenchmarkGroup builds a table of groups from nothing, growth included, and
// sums an int64 column by it: 8M rows in batches of 16K. The time is the
// processor time of the thread.
func BenchmarkGroup(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("groups=%d", n), func(b *testing.B) {
			benchGroups(b, "sum", sparse(n))
		})
	}
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("key=dense/groups=%d", n), func(b *testing.B) { benchGroups(b, "sum", dense(n)) })
	}
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("key=dictionary/groups=%d", n), func(b *testing.B) { benchGroups(b, "sum", dictionary(n)) })
		b.Run(fmt.Sprintf("key=utf8/groups=%d", n), func(b *testing.B) { benchGroups(b, "sum", text(n)) })
	}
	b.Run("key=dense,dense/groups=100000", func(b *testing.B) { benchGroups(b, "sum", dense(1000), dense(100)) })
	b.Run("key=int64,int64/groups=100000", func(b *testing.B) { benchGroups(b, "sum", sparse(1000), sparse(100)) })
	b.Run("key=int64,int64/groups=1000000", func(b *testing.B) { benchGroups(b, "sum", sparse(1000), sparse(1000)) })
	b.Run("key=utf8,dense/groups=100000", func(b *testing.B) { benchGroups(b, "sum", text(1000), dense(100)) })
	b.Run("key=dictionary,dense/groups=100000", func(b *testing.B) { benchGroups(b, "sum", dictionary(1000), dense(100)) })
	b.Run("key=dense,dense,dense/groups=100000", func(b *testing.B) { benchGroups(b, "sum", dense(100), dense(10), dense(100)) })
	for _, f := range []string{"count", "avg", "min", "sum avg min max"} {
		for _, n := range []int{1000, 1_000_000} {
			b.Run(fmt.Sprintf("agg=%s/key=dense/groups=%d", strings.ReplaceAll(f, " ", "+"), n), func(b *testing.B) { benchGroups(b, f, dense(n)) })
		}
	}
}

// keyColumn makes the next batch of a key column.
type keyColumn func(r *rand.Rand) arrow.Array

// sparse are n integers anywhere.
func sparse(n int) keyColumn {
	keys := make([]int64, n)
	r := rand.New(rand.NewPCG(uint64(n), 2))
	for i := range keys {
		keys[i] = int64(r.Uint64())
	}
	return ints(func(r *rand.Rand) int64 { return keys[r.IntN(n)] })
}

// dense are the integers below n.
func dense(n int) keyColumn {
	return ints(func(r *rand.Rand) int64 { return r.Int64N(int64(n)) })
}

func ints(next func(r *rand.Rand) int64) keyColumn {
	return func(r *rand.Rand) arrow.Array {
		x := array.NewInt64Builder(columnar.Pool)
		defer x.Release()
		x.Reserve(groupBatch)
		for range groupBatch {
			x.UnsafeAppend(next(r))
		}
		return x.NewArray()
	}
}

func names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("customer-%d", i)
	}
	return names
}

// text are n strings of 10 to 15 bytes.
func text(n int) keyColumn {
	names := names(n)
	return func(r *rand.Rand) arrow.Array {
		s := array.NewStringBuilder(columnar.Pool)
		defer s.Release()
		for range groupBatch {
			s.Append(names[r.IntN(n)])
		}
		return s.NewArray()
	}
}

// dictionary are the same strings, all batches with one dictionary.
func dictionary(n int) keyColumn {
	s := array.NewStringBuilder(columnar.Pool)
	s.AppendValues(names(n), nil)
	dict := s.NewArray()
	return func(r *rand.Rand) arrow.Array {
		x := array.NewInt32Builder(columnar.Pool)
		defer x.Release()
		for range groupBatch {
			x.Append(r.Int32N(int32(n)))
		}
		codes := x.NewArray()
		defer codes.Release()
		return array.NewDictionaryArray(columnar.Dict, codes, dict)
	}
}

func benchGroups(b *testing.B, funcs string, keys ...keyColumn) {
	r := rand.New(rand.NewPCG(1, 2))
	batches := make([][]arrow.Array, groupRows/groupBatch)
	vals := make([]arrow.Array, len(batches))
	value := ints(func(r *rand.Rand) int64 { return r.Int64N(1000) })
	types := make([]arrow.DataType, len(keys))
	for i := range batches {
		for k, next := range keys {
			a := next(r)
			defer a.Release()
			batches[i] = append(batches[i], a)
			types[k] = a.DataType()
		}
		vals[i] = value(r)
		defer vals[i].Release()
	}
	var specs []*agg.Spec
	for _, name := range strings.Fields(funcs) {
		f, _ := agg.Find(name)
		spec, err := f.Bind([]arrow.DataType{arrow.PrimitiveTypes.Int64}, false)
		if err != nil {
			b.Fatal(err)
		}
		specs = append(specs, spec)
	}
	ids := make([]uint32, groupBatch)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	runtime.GC()
	start, least := threadTime(b), 0.0
	for b.Loop() {
		from := threadTime(b)
		g, err := agg.NewGroups(columnar.Pool, types)
		if err != nil {
			b.Fatal(err)
		}
		accs := make([]agg.Accumulator, len(specs))
		for i, spec := range specs {
			accs[i] = spec.New(columnar.Pool)
		}
		for i, keys := range batches {
			if err := g.Find(keys, ids); err != nil {
				b.Fatal(err)
			}
			for _, acc := range accs {
				if err := acc.Update(ids, g.Len(), vals[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
		g.Release()
		for _, acc := range accs {
			acc.Release()
		}
		if took := threadTime(b) - from; least == 0 || took < least {
			least = took
		}
	}
	b.ReportMetric((threadTime(b)-start)/float64(b.N)/groupRows, "cpu-ns/row")
	b.ReportMetric(least/groupRows, "least-ns/row")
}

// threadTime is the processor time of the calling thread in nanoseconds.
func threadTime(tb testing.TB) float64 {
	var u syscall.Rusage
	const rusageThread = 1
	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
