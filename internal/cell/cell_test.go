package cell

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// The fast path gives the bits of strconv.
func TestParseFloat(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0", "-0", "+1.5", "5.", ".5", "123456789012345678", "9007199254740993", "1e22", "1e23", "4.9e-324", "1.7976931348623157e308", "0.1", "00012.5000"}
	for range 20000 {
		texts = append(texts, strconv.FormatFloat(r.NormFloat64()*math.Pow(10, float64(r.IntN(20)-10)), 'f', r.IntN(10), 64), strconv.FormatFloat(math.Float64frombits(r.Uint64()), 'g', -1, 64))
	}
	for _, s := range texts {
		want, err := strconv.ParseFloat(s, 64)
		if err != nil || want != want {
			continue
		}
		got, err := ParseFloat([]byte(s), true)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: %v %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-", ".", "1e", "1e999", "0x1p3", "1_0", "1 ", "nan1", "--1", "1.2.3"} {
		if x, err := ParseFloat([]byte(s), true); err == nil {
			t.Errorf("%q is %v", s, x)
		}
	}
	if _, err := ParseFloat([]byte("NaN"), false); err == nil {
		t.Error("NaN is a number")
	}
}

func TestParseTimestamp(t *testing.T) {
	for s, want := range map[string]string{
		"2024-02-29":                          "2024-02-29T00:00:00Z",
		"2024-02-29T12:34":                    "2024-02-29T12:34:00Z",
		"2024-02-29 12:34:56.789Z":            "2024-02-29T12:34:56.789Z",
		"2024-02-29T12:34:56.123456789+02:30": "2024-02-29T10:04:56.123456789Z",
		"2024-02-29T12:34:56-0130":            "2024-02-29T14:04:56Z",
		"2024-02-29T12:34:56+05":              "2024-02-29T07:34:56Z",
		"1969-12-31T23:59:59.5Z":              "1969-12-31T23:59:59.5Z",
		"2024-03-01T00:30:00+01:00":           "2024-02-29T23:30:00Z",
	} {
		at, err := time.Parse(time.RFC3339Nano, want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseTimestamp([]byte(s), arrow.Nanosecond); err != nil || got != at.UnixNano() {
			t.Errorf("%s: %d %v, want %d", s, got, err, at.UnixNano())
		}
		if got, err := ParseTimestamp([]byte(s), arrow.Second); err != nil || got != at.Unix() {
			t.Errorf("%s in seconds: %d %v, want %d", s, got, err, at.Unix())
		}
	}
	for _, s := range []string{"", "2024-2-29", "2023-02-29", "2024-13-01", "2024-01-00", "2024-01-01T", "2024-01-01T24:00", "2024-01-01T00:60", "2024-01-01T00:00:60", "2024-01-01T00:00:00.", "2024-01-01T00:00:00x", "2024-01-01T00:00:00+1", "2024-01-01T00:00:00+25:00", "2024-01-01x00:00", "20240101"} {
		if got, err := ParseTimestamp([]byte(s), arrow.Microsecond); err == nil {
			t.Errorf("%q is %d", s, got)
		}
	}
	if _, err := ParseTimestamp([]byte("9999-01-01"), arrow.Nanosecond); err == nil {
		t.Error("the year 9999 fits nanoseconds")
	}
}

func TestDates(t *testing.T) {
	for days := int64(-800_000); days < 3_000_000; days += 37 {
		want := time.Unix(days*86400, 0).UTC()
		y, m, d := dateOf(days)
		if int(y) != want.Year() || int(m) != int(want.Month()) || int(d) != want.Day() || daysOf(y, m, d) != days {
			t.Fatalf("day %d is %d-%d-%d, want %s", days, y, m, d, want)
		}
	}
	if got := string(AppendTimestamp(nil, -1, arrow.Microsecond, 'T', true)); got != "1969-12-31T23:59:59.999999Z" {
		t.Error(got)
	}
}

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		text             string
		precision, scale int32
		want             string
	}{
		{"1.25", 5, 2, "125"},
		{"-1.2", 5, 2, "-120"},
		{"1e2", 5, 2, "10000"},
		{"12500e-2", 5, 2, "12500"},
		{"0.00", 5, 2, "0"},
		{"1.2500", 5, 2, "125"},
		{"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
		{".5", 3, 1, "5"},
		{"000.10", 3, 1, "1"},
		{"1.255", 5, 2, ""},
		{"1234.5", 5, 2, ""},
		{"", 5, 2, ""},
		{".", 5, 2, ""},
		{"1e", 5, 2, ""},
		{"x", 5, 2, ""},
		{"1e999999", 5, 2, ""},
	} {
		n, err := parseDecimal([]byte(c.text), c.precision, c.scale)
		if (err == nil) != (c.want != "") || err == nil && n.BigInt().String() != c.want {
			t.Errorf("%s as decimal(%d,%d): %v %v, want %q", c.text, c.precision, c.scale, n.BigInt(), err, c.want)
		}
	}
}

// Whatever was appended, Truncate gives the column of the rows that are left.
func TestTruncate(t *testing.T) {
	text := "b:bool i:int64 s:utf8 l:list<list<int64>> st:struct<x:int64,y:list<utf8>> v:vector[2] d:dict n:int16\n" +
		strings.Repeat("true 1 abc [[1,2],[]] {1,[a,b]} [1,2] x 5\nnull null null null null null null null\nfalse 2 \"\" [] {null,null} [3,4] y 6\n", 30)
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, text)
	views := make([]*View, in.NumCols())
	for i, c := range in.Columns() {
		var err error
		if views[i], err = NewView(c); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := NewRows(in.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	appendRow := func(i, columns int) {
		for j, c := range rows.Columns[:columns] {
			appendValue(t, c, views[j], i)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range int(in.NumRows()) {
		for range r.IntN(3) {
			appendRow(r.IntN(int(in.NumRows())), r.IntN(len(views)+1))
			rows.Rollback()
		}
		appendRow(i, len(views))
		if missing := rows.Commit(); missing >= 0 {
			t.Fatal(missing)
		}
	}
	out := rows.Flush()
	defer out.Release()
	columnartest.Equal(t, out, in)
}

func appendValue(t *testing.T, c *Column, v *View, i int) {
	t.Helper()
	if !v.Valid.Get(i) {
		c.AppendNull()
		return
	}
	switch c.ID {
	case arrow.LIST, arrow.FIXED_SIZE_LIST:
		if c.ID == arrow.LIST {
			c.BeginList()
		}
		from, to := v.list.ValueOffsets(i)
		for j := from; j < to; j++ {
			appendValue(t, c.Kids[0], v.kids[0], int(j))
		}
		c.EndList()
	case arrow.STRUCT:
		for j, k := range c.Kids {
			appendValue(t, k, v.kids[j], i)
		}
		c.EndList()
	default:
		if err := c.AppendParsed(v.AppendPlain(nil, i, 'T')); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendNulls(t *testing.T) {
	schema, _ := columnartest.Schema("i:int64 s:utf8 st:struct<x:int64,y:utf8> b:bool l:list<int64>")
	mem := columnartest.Allocator(t)
	var want strings.Builder
	want.WriteString("i:int64 s:utf8 st:struct<x:int64,y:utf8> b:bool l:list<int64>\n")
	rows, err := NewRows(schema, mem)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	for _, n := range []int{0, 3, 1, 64, 7, 200, 8, 5} {
		for _, c := range rows.Columns {
			c.AppendNulls(n)
		}
		rows.N += n
		want.WriteString(strings.Repeat("null null null null null\n", n) + "1 a {2,b} true null\n")
		rows.Columns[0].AppendInt64(1)
		rows.Columns[1].AppendString("a")
		rows.Columns[2].Kids[0].AppendInt64(2)
		rows.Columns[2].Kids[1].AppendString("b")
		rows.Columns[2].EndList()
		rows.Columns[3].AppendBool(true)
		rows.Commit()
	}
	got := rows.Flush()
	defer got.Release()
	columnartest.Equal(t, got, columnartest.Batch(t, mem, want.String()))
}

func TestNotNull(t *testing.T) {
	schema, _ := columnartest.Schema("a:int64 b:int64!")
	rows, err := NewRows(schema, columnartest.Allocator(t))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Release()
	rows.Columns[0].AppendInt64(1)
	if missing := rows.Commit(); missing != 1 || rows.N != 0 {
		t.Errorf("missing %d, %d rows", missing, rows.N)
	}
	rows.Columns[1].AppendInt64(2)
	if missing := rows.Commit(); missing != -1 || rows.N != 1 {
		t.Errorf("missing %d, %d rows", missing, rows.N)
	}
}

func TestPlain(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "d:dict\nx\nnull\ny\nx")
	want := columnartest.Batch(t, mem, "d:utf8\nnull\ny")
	cut := in.NewSlice(1, 3)
	defer cut.Release()
	got, err := Plain(cut.Column(0), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if got.String() != want.Column(0).String() {
		t.Errorf("got %s", got)
	}
}

func BenchmarkParseFloat(b *testing.B) {
	text := []byte("-12.345678")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseFloat(text, true); err != nil {
			b.Fatal(err)
		}
	}
}
