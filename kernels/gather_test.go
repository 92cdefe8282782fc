package kernels_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

// TestGatherAgainstRows gathers from chunks with offsets, of which one is missing
// and one empty, and compares with the rows as text.
func TestGatherAgainstRows(t *testing.T) {
	const header = "a:int8 b:int16! c:int32 d:int64! e:decimal(20,2) f:utf8 g:bool h:list<int64> i:dict j:float64"
	rows := []string{
		"1 2 3 4 5.25 six true [7,8] nine 1.5",
		"null 3 null 5 null null null null null null",
		`-1 4 5 6 -7.50 "a text of more than thirty-two bytes altogether" false [] ten -2.5`,
		"9 8 7 6 5.00 four true [null,3] two 1",
		`0 0 0 0 0.00 "" false [0] "" 0`,
	}
	mem := columnartest.Allocator(t)
	var chunks []arrow.Record
	for i, part := range [][]string{rows, rows[:0], rows[1:4], rows[2:3]} {
		b := columnartest.Batch(t, mem, strings.Join(append([]string{header}, part...), "\n"))
		if i%2 == 0 {
			b = b.NewSlice(1, b.NumRows())
			defer b.Release()
		}
		chunks = append(chunks, b)
	}
	chunks = append(chunks, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 63, 64, 65, 300} {
		for _, which := range [][]uint32{{0}, {0, 2}, {0, 2, 3}, {^uint32(0)}, {^uint32(0), 0, 2}} {
			var places []kernels.Place
			var want []string
			for range n {
				c := which[rng.IntN(len(which))]
				if c == kernels.NoPlace.Chunk {
					places = append(places, kernels.NoPlace)
					want = append(want, strings.TrimSpace(strings.Repeat("null ", 10)))
					continue
				}
				row := rng.IntN(int(chunks[c].NumRows()))
				places = append(places, kernels.Place{Chunk: c, Row: uint32(row)})
				want = append(want, columnartest.Rows(chunks[c])[row])
			}
			got, err := kernels.GatherRecord(mem, chunks[0].Schema(), chunks, places)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, got, want)
			got.Release()
		}
	}
}

func BenchmarkGather(b *testing.B) {
	const rows, parts = 1 << 20, 16
	rng := rand.New(rand.NewPCG(1, 2))
	mem := columnartest.Allocator(b)
	var chunks []arrow.Array
	for range parts {
		ab := array.NewInt64Builder(mem)
		for range rows / parts {
			ab.Append(rng.Int64())
		}
		chunks = append(chunks, ab.NewArray())
		ab.Release()
	}
	defer release(chunks)
	places := make([]kernels.Place, 1<<14)
	for i := range places {
		places[i] = kernels.Place{Chunk: uint32(rng.IntN(parts)), Row: uint32(rng.IntN(rows / parts))}
	}
	b.SetBytes(8 << 14)
	for b.Loop() {
		a, err := kernels.Gather(mem, arrow.PrimitiveTypes.Int64, chunks, places)
		if err != nil {
			b.Fatal(err)
		}
		a.Release()
	}
}

func release(arrays []arrow.Array) {
	for _, a := range arrays {
		a.Release()
	}
}
