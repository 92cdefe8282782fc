package database

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestText(t *testing.T) {
	load := Style{Between: "|", End: ";", Null: `\N`, Bytes: "x", True: "t", False: "f", Zone: true, NaN: true}
	insert := Style{Begin: "(", Between: ",", End: "),", Null: "NULL", Quote: "'", Bytes: "X'", BytesEnd: "'", True: "1", False: "0", Wide: true}
	mem := columnartest.Allocator(t)
	for _, c := range []struct{ rows, load, insert string }{
		{"a:int8 b:uint64 c:bool\n-1 18446744073709551615 true\nnull null false\n", `-1|18446744073709551615|t;\N|\N|f;`, "('-1','18446744073709551615',1),(NULL,NULL,0),"},
		{"a:utf8 b:dict\n" + `"a\\b\tc\nd\re'f" x` + "\n\"\" null\n", `a\\b\tc\nd\re'f|x;|\N;`, `('a\\b\tc\nd\re\'f','x'),('',NULL),`},
		{"a:binary\n\"\\x00\\xff'\"\n", "x00ff27;", "(X'00ff27'),"},
		{"a:float32 b:float64\n0.1 0.1\n", "0.1|0.1;", "('0.10000000149011612','0.1'),"},
		{"a:date32 b:timestamp[s] c:timestamp[us,UTC] d:time64[us]\n2024-02-29 2024-02-29T01:02:03Z 2024-02-29T01:02:03.5Z 1500000\n", "2024-02-29|2024-02-29 01:02:03|2024-02-29 01:02:03.500Z|00:00:01.500;", "('2024-02-29','2024-02-29 01:02:03','2024-02-29 01:02:03.500','00:00:01.500'),"},
		{"a:decimal(9,2) b:vector[2] c:struct<x:utf8>\n-1.50 [1,2] {\"q'\"}\n", `-1.50|[1,2]|{"x":"q'"};`, `('-1.50','[1,2]','{"x":"q\'"}'),`},
	} {
		b := columnartest.Batch(t, mem, c.rows)
		var columns []Column
		for _, f := range b.Schema().Fields() {
			columns = append(columns, Column{Name: f.Name, Type: f.Type})
		}
		for style, want := range map[*Style]string{&load: c.load, &insert: c.insert} {
			e := encoder{style: *style, columns: columns, table: "t"}
			// Sliced columns give the same.
			for from := range b.NumRows() {
				part := b.NewSlice(from, b.NumRows())
				if err := e.bind(part); err != nil {
					t.Fatal(err)
				}
				var got []byte
				for i := range int(part.NumRows()) {
					var err error
					if got, err = e.row(got, i, -1); err != nil {
						t.Fatal(err)
					}
				}
				part.Release()
				if !strings.HasSuffix(want, string(got)) || from == 0 && string(got) != want {
					t.Errorf("%q from %d:\n%s\nwant\n%s", c.rows, from, got, want)
				}
			}
		}
	}
}

func TestValuesWithoutAForm(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, c := range []struct {
		rows string
		to   arrow.DataType
		want string
	}{
		{"a:float32\nNaN\n", arrow.PrimitiveTypes.Float32, "no NaN"},
		{"a:float64\n-Inf\n", arrow.PrimitiveTypes.Float64, "no -Inf"},
		{"a:timestamp[us]\n2024-02-29T01:02:03.000001Z\n", &arrow.TimestampType{Unit: arrow.Millisecond}, "2024-02-29 01:02:03.000001 has a finer fraction"},
		{"a:timestamp[s]\n-99999999999\n", &arrow.TimestampType{Unit: arrow.Second}, "before the year 1"},
		{"a:date32\n-999999\n", arrow.FixedWidthTypes.Date32, "before the year 1"},
	} {
		e := encoder{columns: []Column{{Name: "a", Type: c.to}}, table: "fake: table t"}
		if err := e.bind(columnartest.Batch(t, mem, c.rows)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.row(nil, 0, -1); err == nil || !strings.Contains(err.Error(), `fake: table t: column "a": `) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "AS4151") {
			t.Errorf("%q: %v", c.rows, err)
		}
	}
}

// TestNullInDictionary renders a dictionary that holds NULL among its values.
func TestNullInDictionary(t *testing.T) {
	mem := columnartest.Allocator(t)
	values := columnartest.Batch(t, mem, "v:utf8\nx\nnull\n").Column(0)
	codes := columnartest.Batch(t, mem, "c:int32\n0\n1\nnull\n").Column(0)
	d := array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, codes, values)
	defer d.Release()
	b := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "d", Type: d.DataType(), Nullable: true}}, nil), []arrow.Array{d}, 3)
	defer b.Release()
	e := encoder{style: Style{Null: "N", End: ";"}, columns: []Column{{Name: "d", Type: arrow.BinaryTypes.String}}}
	if err := e.bind(b); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for i := range 3 {
		got, _ = e.row(got, i, -1)
	}
	if string(got) != "x;N;N;" {
		t.Errorf("%s", got)
	}
}
