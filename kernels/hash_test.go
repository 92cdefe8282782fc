package kernels

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// hashColumns are columns of 700 rows, of which the third of every seven is
// NULL in those that may be.
func hashColumns(t *testing.T) []arrow.Array {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i64", Type: arrow.PrimitiveTypes.Int64},
		{Name: "n64", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "i16", Type: arrow.PrimitiveTypes.Int16, Nullable: true},
		{Name: "f32", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "f64", Type: arrow.PrimitiveTypes.Float64},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "d", Type: columnar.Dict, Nullable: true},
	}, nil)
	rb := array.NewRecordBuilder(columnar.Pool, schema)
	defer rb.Release()
	for i := range 700 {
		null := i%7 == 2
		for c, f := range schema.Fields() {
			if f.Nullable && null {
				rb.Field(c).AppendNull()
				continue
			}
			switch b := rb.Field(c).(type) {
			case *array.Int64Builder:
				b.Append(int64(i*i - 1000))
			case *array.Int16Builder:
				b.Append(int16(i - 300))
			case *array.Float32Builder:
				b.Append(float32(i%5) - 2)
			case *array.Float64Builder:
				b.Append(float64(i%9)/3 - 1)
			case *array.BooleanBuilder:
				b.Append(i%3 == 0)
			case *array.StringBuilder:
				b.Append(strings.Repeat("ab", i%23) + "c")
			case *array.BinaryDictionaryBuilder:
				if err := b.AppendString(strings.Repeat("x", i%11)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rec := rb.NewRecord()
	t.Cleanup(rec.Release)
	return rec.Columns()
}

// The hashes of a column must not change: they are in the state of approximate
// aggregates and decide which rows a worker gets.
func TestHashIsStable(t *testing.T) {
	cols := hashColumns(t)
	sum := func(cols ...arrow.Array) uint64 {
		out := make([]uint64, cols[0].Len())
		if err := Hash(cols, out); err != nil {
			t.Fatal(err)
		}
		h := uint64(0)
		for _, x := range out {
			h = simd.Mix(h ^ x)
		}
		return h
	}
	want := []uint64{
		0x679c74238196b7b8, 0x6e6f04e84d52c475, 0xdfc9cb3ac0f808fc, 0x5aefc7ce4fded44, 0x642b61ed8d10bbf9, 0x888264a44486bd5c, 0x7eff1a69bc25009f,
		0xe2f74f9619a50586, 0xff4aec806b0da3ca,
	}
	for i, a := range cols {
		if got := sum(a); got != want[i] {
			t.Errorf("column %d: hashes fold to %#x, want %#x", i, got, want[i])
		}
		part := array.NewSlice(a, 3, 603)
		defer part.Release()
		whole, some := make([]uint64, a.Len()), make([]uint64, part.Len())
		if err := Hash([]arrow.Array{a}, whole); err != nil {
			t.Fatal(err)
		}
		if err := Hash([]arrow.Array{part}, some); err != nil {
			t.Fatal(err)
		}
		for k, x := range some {
			if x != whole[k+3] {
				t.Fatalf("column %d: row %d of a slice has another hash", i, k)
			}
		}
	}
	if got := sum(cols...); got != want[len(cols)] {
		t.Errorf("all columns: hashes fold to %#x, want %#x", got, want[len(cols)])
	}
}
