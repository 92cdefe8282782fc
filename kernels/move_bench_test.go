package kernels_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

const moveRows = 32_768

// moveColumns are columns of moveRows random values; a tenth of those called
// nullable is NULL.
func moveColumns() (names []string, cols []arrow.Array) {
	r := rand.New(rand.NewPCG(1, 2))
	float, nullable := array.NewFloat64Builder(columnar.Pool), array.NewFloat64Builder(columnar.Pool)
	ints, flags := array.NewInt32Builder(columnar.Pool), array.NewBooleanBuilder(columnar.Pool)
	text, long := array.NewStringBuilder(columnar.Pool), array.NewStringBuilder(columnar.Pool)
	dict := array.NewDictionaryBuilder(columnar.Pool, columnar.Dict).(*array.BinaryDictionaryBuilder)
	for range moveRows {
		float.Append(r.Float64())
		if r.IntN(10) == 0 {
			nullable.AppendNull()
		} else {
			nullable.Append(r.Float64())
		}
		ints.Append(r.Int32())
		flags.Append(r.IntN(2) == 0)
		text.Append(fmt.Sprintf("channel-%d", r.IntN(1000)))
		long.Append(fmt.Sprintf("https://www.example.com/path/%d/%d.html?x=%d", r.IntN(100), r.IntN(1e6), r.IntN(1e6)))
		if err := dict.AppendString(fmt.Sprintf("channel-%d", r.IntN(1000))); err != nil {
			panic(err)
		}
	}
	return []string{"float64", "float64-nullable", "int32", "bool", "utf8-short", "utf8-long", "dict"},
		[]arrow.Array{float.NewArray(), nullable.NewArray(), ints.NewArray(), flags.NewArray(), text.NewArray(), long.NewArray(), dict.NewArray()}
}

func BenchmarkFilter(b *testing.B) {
	names, cols := moveColumns()
	for i, a := range cols {
		for _, sel := range []int{1, 10, 50, 90, 99} {
			r := rand.New(rand.NewPCG(3, uint64(sel)))
			keep := columnar.NewBitmap(moveRows)
			for k := range moveRows {
				if r.IntN(100) < sel {
					keep.Set(k)
				}
			}
			b.Run(fmt.Sprintf("type=%s/rows=%d/sel=%d", names[i], moveRows, sel), func(b *testing.B) {
				limits.Against(b, moveRows, nil, func() {
					out, err := kernels.FilterArray(columnar.Pool, a, keep)
					if err != nil {
						b.Fatal(err)
					}
					out.Release()
				})
			})
		}
	}
}

// BenchmarkTake takes as many rows as there are, at random, and in order a
// tenth of them.
func BenchmarkTake(b *testing.B) {
	names, cols := moveColumns()
	r := rand.New(rand.NewPCG(5, 6))
	random, some := make([]int32, moveRows), make([]int32, 0, moveRows)
	for i := range random {
		random[i] = r.Int32N(moveRows)
		if r.IntN(10) == 0 {
			some = append(some, int32(i))
		}
	}
	for i, a := range cols {
		for _, c := range []struct {
			name string
			idx  []int32
		}{{"random", random}, {"sorted", some}} {
			b.Run(fmt.Sprintf("type=%s/rows=%d/order=%s", names[i], len(c.idx), c.name), func(b *testing.B) {
				limits.Against(b, len(c.idx), nil, func() {
					out, err := kernels.Take(columnar.Pool, a, c.idx)
					if err != nil {
						b.Fatal(err)
					}
					out.Release()
				})
			})
		}
	}
}

// BenchmarkPartition finds the rows of each part: as bitmaps, out of
// comparisons, and as row numbers, by counting, hashing included.
func BenchmarkPartition(b *testing.B) {
	_, cols := moveColumns()
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: cols[0].DataType()}}, nil)
	rec := array.NewRecord(schema, cols[:1], moveRows)
	defer rec.Release()
	for _, parts := range []int{2, 8, 64} {
		b.Run(fmt.Sprintf("form=bits/parts=%d/rows=%d", parts, moveRows), func(b *testing.B) {
			var by kernels.Partitioner
			limits.Against(b, moveRows, nil, func() {
				if _, err := by.Parts(rec, []int{0}, parts); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run(fmt.Sprintf("form=rows/parts=%d/rows=%d", parts, moveRows), func(b *testing.B) {
			hashes, ends, rows := make([]uint64, moveRows), make([]int, parts), make([]int32, moveRows)
			limits.Against(b, moveRows, nil, func() {
				if err := kernels.Hash(cols[:1], hashes); err != nil {
					b.Fatal(err)
				}
				clear(ends)
				for i, h := range hashes {
					part, _ := bits.Mul64(h, uint64(parts))
					hashes[i] = part
					ends[part]++
				}
				at := 0
				for part, size := range ends {
					ends[part] = at
					at += size
				}
				for i, part := range hashes {
					rows[ends[part]] = int32(i)
					ends[part]++
				}
			})
		})
	}
}
