package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// groups is a state of keys and two sums, as a grouped aggregate has it.
func groups(rows int) arrowstream.State {
	rng := rand.New(rand.NewPCG(1, uint64(rows)))
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "sum", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	bl := array.NewRecordBuilder(columnar.Pool, schema)
	defer bl.Release()
	bl.Reserve(rows)
	for i := range rows {
		bl.Field(0).(*array.Int64Builder).Append(int64(i) * 7)
		bl.Field(1).(*array.Int64Builder).Append(rng.Int64N(1000))
		bl.Field(2).(*array.Float64Builder).Append(float64(rng.Int64N(100000)) / 100)
	}
	return arrowstream.State{"groups": bl.NewRecord()}
}

// BenchmarkCommit is one epoch with a delta of so many groups, on the disk.
func BenchmarkCommit(b *testing.B) {
	for _, rows := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprintf("delta=%d", rows), func(b *testing.B) {
			l := mustOpen(b, Dir{Path: b.TempDir(), Reserve: -1})
			defer l.Close()
			var states []arrowstream.StageState
			if rows > 0 {
				s := groups(rows)
				defer s.Release()
				states = []arrowstream.StageState{{UID: "all", State: s}}
			}
			b.SetBytes(int64(rows) * 24)
			e := arrowstream.Epoch(0)
			for b.Loop() {
				e++
				if err := l.Commit(b.Context(), arrowstream.Commit{Epoch: e, Driver: make([]byte, 200)}, states); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLoad reads a snapshot of so many groups.
func BenchmarkLoad(b *testing.B) {
	for _, rows := range []int{100_000, 10_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			l := mustOpen(b, Dir{Path: b.TempDir(), Reserve: -1})
			defer l.Close()
			s := groups(rows)
			err := l.Commit(b.Context(), arrowstream.Commit{Epoch: 1}, []arrowstream.StageState{{UID: "all", State: s}})
			s.Release()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(rows) * 24)
			for b.Loop() {
				states, err := load(b.Context(), l, columnar.Pool, "all")
				if err != nil {
					b.Fatal(err)
				}
				states[0].Release()
			}
		})
	}
}

// BenchmarkPlan records a tick of one partition.
func BenchmarkPlan(b *testing.B) {
	l := mustOpen(b, Dir{Path: b.TempDir(), Reserve: -1})
	defer l.Close()
	e := arrowstream.Epoch(0)
	for n := 0; b.Loop(); n++ {
		if n%1000 == 0 {
			e++ // as many as an epoch of a second may have
			l.index.plans = nil
		}
		if err := l.Plan(e, []byte{4, 0xE8, 7, 0xD0, 0xF, 0, 0x14, 2}); err != nil {
			b.Fatal(err)
		}
	}
}
