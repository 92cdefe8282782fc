package agg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

func TestReserveChangesNoNumber(t *testing.T) {
	mem := columnartest.Allocator(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []int64{5000, 1 << 22, math.MaxInt64} {
		ints, texts := array.NewInt64Builder(mem), array.NewStringBuilder(mem)
		for range 4000 {
			if k := rng.Int64N(spread); k%97 == 0 {
				ints.AppendNull()
				texts.AppendNull()
			} else {
				ints.Append(k)
				texts.Append(strings.Repeat("k", int(k%20)) + fmt.Sprint(k))
			}
		}
		columns := []arrow.Array{ints.NewArray(), texts.NewArray()}
		ints.Release()
		texts.Release()
		for _, keys := range [][]arrow.Array{nil, columns[:1], columns[1:], columns} {
			var types []arrow.DataType
			for _, k := range keys {
				types = append(types, k.DataType())
			}
			want := make([]uint32, 4000)
			for _, room := range []int{0, 100, 1 << 20} {
				g, err := agg.NewGroups(mem, types)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]uint32, 4000)
				for lo := 0; lo < 4000; lo += 1000 {
					if lo == 1000 {
						g.Reserve(room)
					}
					var part []arrow.Array
					for _, k := range keys {
						part = append(part, array.NewSlice(k, int64(lo), int64(lo+1000)))
					}
					if err := g.Find(part, got[lo:lo+1000]); err != nil {
						t.Fatal(err)
					}
					release(part)
				}
				if room == 0 {
					copy(want, got)
				} else if !slices.Equal(got, want) {
					t.Errorf("%s over %d: other numbers with room for %d", g, spread, room)
				}
				g.Release()
			}
		}
		release(columns)
	}
}

func release(arrays []arrow.Array) {
	for _, a := range arrays {
		a.Release()
	}
}
