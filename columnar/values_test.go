package columnar

import (
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestValuesOfSlices(t *testing.T) {
	mem := memory.NewCheckedAllocator(Pool)
	defer mem.AssertSize(t, 0)
	b := array.NewInt64Builder(mem)
	defer b.Release()
	b.AppendValues([]int64{10, 11, 12, 13}, []bool{true, false, true, true})
	a := b.NewArray()
	defer a.Release()
	s := array.NewSlice(a, 1, 4)
	defer s.Release()
	v := Values[int64](s)
	if len(v) != 3 || v[1] != 12 || v[2] != 13 {
		t.Fatalf("values of the slice: %v", v)
	}
	valid := Validity(s)
	if valid.N != 3 || valid.Get(0) || !valid.Get(1) {
		t.Fatal("validity of the slice")
	}
	empty := array.NewSlice(a, 4, 4)
	defer empty.Release()
	if len(Values[int64](empty)) != 0 {
		t.Fatal("empty slice has values")
	}
}

func TestStringsAndDictionary(t *testing.T) {
	mem := memory.NewCheckedAllocator(Pool)
	defer mem.AssertSize(t, 0)
	sb := array.NewStringBuilder(mem)
	defer sb.Release()
	sb.AppendValues([]string{"a", "", "héllo"}, []bool{true, false, true})
	a := sb.NewArray()
	defer a.Release()
	s := array.NewSlice(a, 1, 3)
	defer s.Release()
	v := StringsOf(s)
	if v.Len() != 2 || v.String(0) != "" || v.String(1) != "héllo" {
		t.Fatalf("strings of the slice: %q %q", v.String(0), v.String(1))
	}
	db := array.NewDictionaryBuilder(mem, Dict).(*array.BinaryDictionaryBuilder)
	defer db.Release()
	for _, s := range []string{"x", "y", "x"} {
		if err := db.AppendString(s); err != nil {
			t.Fatal(err)
		}
	}
	db.AppendNull()
	d := db.NewArray()
	defer d.Release()
	codes, values, ok := Dictionary(d)
	if !ok || len(codes) != 4 || codes[0] != codes[2] || codes[0] == codes[1] || StringsOf(values).String(int(codes[1])) != "y" {
		t.Fatalf("dictionary: %v", codes)
	}
	if _, _, ok := Dictionary(a); ok {
		t.Fatal("a plain column is no dictionary")
	}
}

func TestEventTimeAndChangelogMarks(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us}}, nil)
	if EventTime(schema) != -1 {
		t.Fatal("no mark yet")
	}
	marked := WithEventTime(schema, "ts")
	if EventTime(marked) != 1 || EventTime(WithEventTime(marked, "")) != -1 || EventTime(WithEventTime(marked, "gone")) != -1 {
		t.Fatal("event time mark")
	}
	log := WithChangelog(marked)
	if !Changelog(log) || Changelog(marked) || WithChangelog(log) != log || EventTime(log) != 1 {
		t.Fatal("changelog mark")
	}
}

func TestTypeNamesRoundTrip(t *testing.T) {
	for _, name := range []string{"int64", "utf8", "dict", "timestamp[us]", "timestamp[ms,UTC]", "duration[ns]", "decimal(38,3)", "list<float64>", "vector[12]", "struct<a:int64,b:list<utf8>>", "months"} {
		dt, err := ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := TypeName(dt); got != name {
			t.Errorf("%s reads as %s", name, got)
		}
	}
	for _, bad := range []string{"", "int", "timestamp[h]", "list<", "vector[x]", "decimal(1)"} {
		if _, err := ParseType(bad); err == nil {
			t.Errorf("%q is no type", bad)
		}
	}
}

func TestFloorDiv(t *testing.T) {
	for _, c := range [][3]int64{{7, 2, 3}, {-7, 2, -4}, {-6, 2, -3}, {0, 5, 0}, {-1, 1000, -1}, {math.MinInt64, 1, math.MinInt64}} {
		if got := FloorDiv(c[0], c[1]); got != c[2] {
			t.Errorf("FloorDiv(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

// TestDictionaryCodesOfNulls has garbage as the codes of nulls, in every place
// of a slice.
func TestDictionaryCodesOfNulls(t *testing.T) {
	const n = 200
	raw, valid := make([]int32, n), NewBitmap(n)
	for i := range raw {
		raw[i] = -7
		if i%5 != 0 && i%67 > 2 {
			raw[i] = int32(i % 3)
			valid.Set(i)
		}
	}
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues([]string{"a", "b", "c"}, nil)
	values := b.NewArray()
	for _, cut := range [][2]int{{0, n}, {1, n}, {3, 70}, {64, 128}, {130, 130}} {
		data := array.NewData(arrow.PrimitiveTypes.Int32, n, []*memory.Buffer{memory.NewBufferBytes(valid.Bits), memory.NewBufferBytes(AsBytes(raw))}, nil, array.UnknownNullCount, 0)
		whole := array.NewDictionaryArray(Dict, array.MakeFromData(data), values)
		codes, _, ok := Dictionary(array.NewSlice(whole, int64(cut[0]), int64(cut[1])))
		if !ok || len(codes) != cut[1]-cut[0] {
			t.Fatalf("slice %v: %d codes", cut, len(codes))
		}
		for i, c := range codes {
			want := int32(0)
			if valid.Get(cut[0] + i) {
				want = raw[cut[0]+i]
			}
			if c != want {
				t.Errorf("slice %v: code %d is %d, want %d", cut, i, c, want)
			}
		}
	}
}
