package generator

import (
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

// datagen is the source of a table with columns and options, as SQL declares it.
func datagen(t testing.TB, columns string, options map[string]string) (*Datagen, error) {
	t.Helper()
	table := arrowstream.Table{Options: options}
	if columns != "" {
		var err error
		if table.Schema, err = columnartest.Schema(columns); err != nil {
			t.Fatal(err)
		}
	}
	s, err := DatagenConnector.Source(table)
	if err != nil {
		return nil, err
	}
	_, err = s.Schema()
	return s.(*Datagen), err
}

// everyType has a column of each type that there is.
const everyType = "b:bool i8:int8 i16:int16 i32:int32 i64:int64 u8:uint8 u16:uint16 u32:uint32 u64:uint64 f:float32 d:float64 dec:decimal(10,2) wide:decimal(38,3) " +
	"s:utf8 bin:binary dict:dict day:date32 day64:date64 sec:time32[s] ms:time32[ms] us:time64[us] ns:time64[ns] " +
	"at:timestamp[s] at3:timestamp[ms,UTC] at6:timestamp[us] at9:timestamp[ns] dur:duration[us] list:list<int32> vec:vector[3] row:struct<a:int64,b:utf8>"

func TestDatagenTypes(t *testing.T) {
	options := map[string]string{"number-of-rows": "500", "interval": "1s", "seed": "3", "fields.s.length": "7", "fields.s.null-rate": "0.25", "fields.row.b.length": "2", "fields.list.var-len": "true"}
	s, err := datagen(t, everyType, options)
	if err != nil {
		t.Fatal(err)
	}
	if rows, ends := s.RowCount(); rows != 500 || !ends || !s.Bounded() {
		t.Errorf("%d rows, bounded: %t", rows, s.Bounded())
	}
	whole := textOf(t, s, 1000)
	if n := strings.Count(whole, "\n"); n != 501 {
		t.Errorf("%d lines", n)
	}
	for _, batch := range []int{1, 7, 64} {
		if textOf(t, s, batch) != whole {
			t.Errorf("rows depend on batches of %d", batch)
		}
	}
	maps.Copy(options, map[string]string{"seed": "4"})
	if s, err = datagen(t, everyType, options); err != nil {
		t.Fatal(err)
	} else if textOf(t, s, 1000) == whole {
		t.Error("the seed does nothing")
	}
	// Every column but that of times has values that differ, and no NULL that was
	// not asked for.
	read(t, s, 1000, func(b arrow.Record) {
		for i, f := range b.Schema().Fields() {
			col, seen := b.Column(i), map[string]bool{}
			for r := range col.Len() {
				seen[kernels.TextAt(col, r)] = true
			}
			if len(seen) < 2 && f.Type.ID() != arrow.DATE32 && f.Type.ID() != arrow.DATE64 {
				t.Errorf("%s: %v", f.Name, seen)
			}
			if nulls := col.NullN(); f.Name != "s" && nulls > 0 || f.Name == "s" && (nulls < 80 || nulls > 170) {
				t.Errorf("%s: %d NULLs", f.Name, nulls)
			}
		}
	})
}

// TestDatagenBounds checks that numbers lie between their bounds and reach them,
// and how often each of a few is drawn.
func TestDatagenBounds(t *testing.T) {
	s, err := datagen(t, "i:int8 u:uint64 d:float64 dec:decimal(5,1) s:utf8 list:list<int32> past:timestamp[us] one:int64", map[string]string{
		"rows": "10000", "fields.i.min": "-2", "fields.i.max": "2", "fields.u.min": "18446744073709551610", "fields.d.min": "-5", "fields.d.max": "5",
		"fields.dec.min": "-0.5", "fields.dec.max": "0.5", "fields.s.values": "x, y", "fields.list.length": "4", "fields.list.var-len": "true",
		"fields.list.element.min": "1", "fields.list.element.max": "2", "fields.past.max-past": "10s", "interval": "1us", "fields.one.min": "7", "fields.one.max": "7",
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]map[string]int, 8)
	lo, hi := math.Inf(1), math.Inf(-1)
	oldest, lengths := int64(math.MaxInt64), map[int64]int{}
	read(t, s, 512, func(b arrow.Record) {
		for i := range counts {
			if counts[i] == nil {
				counts[i] = map[string]int{}
			}
			for r := range int(b.NumRows()) {
				counts[i][kernels.TextAt(b.Column(i), r)]++
			}
		}
		for _, v := range columnar.Values[float64](b.Column(2)) {
			lo, hi = min(lo, v), max(hi, v)
		}
		for r, v := range columnar.Values[int64](b.Column(6)) {
			oldest = min(oldest, v-clicksBaseTime*1000)
			from, to := b.Column(5).(*array.List).ValueOffsets(r)
			lengths[to-from]++
		}
	})
	evenly := func(name string, got map[string]int, want int) {
		if len(got) != want {
			t.Errorf("%s: %d values: %v", name, len(got), got)
		}
		for v, n := range got {
			if share := float64(n) * float64(want) / 10_000; share < 0.85 || share > 1.15 {
				t.Errorf("%s: %s is drawn %d times", name, v, n)
			}
		}
	}
	evenly("i", counts[0], 5)
	evenly("u", counts[1], 6)
	evenly("dec", counts[3], 11)
	evenly("s", counts[4], 2)
	evenly("one", counts[7], 1)
	if lo < -5 || lo > -4.9 || hi > 5 || hi < 4.9 {
		t.Errorf("d is between %v and %v", lo, hi)
	}
	if oldest < -10e6 || oldest > -9.9e6 {
		t.Errorf("the oldest time is %d µs before the first", oldest)
	}
	if len(lengths) != 5 || lengths[0] < 1800 || lengths[4] < 1800 {
		t.Errorf("lists of %v elements", lengths)
	}
}

func TestDatagenSequence(t *testing.T) {
	s, err := datagen(t, "a:int8 b:utf8 c:decimal(10,2) d:float32 e:uint16 f:struct<g:int64>", map[string]string{
		"fields.a.kind": "sequence", "fields.a.start": "-2", "fields.a.end": "0", "fields.b.kind": "SEQUENCE", "fields.c.kind": "sequence", "fields.c.start": "7",
		"fields.d.kind": "sequence", "fields.e.kind": "sequence", "fields.e.start": "65000", "fields.f.g.kind": "sequence",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.SplitN(textOf(t, s, 2), "\n", 2)[1], "-2 0 7.00 0 65000 {0}\n-1 1 8.00 1 65001 {1}\n0 2 9.00 2 65002 {2}\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Without an end that of a small type ends the rows; a large one does not.
	for columns, want := range map[string]int64{"a:int8": 128, "a:uint16": 65536, "a:int64": 0, "a:uint64": 0} {
		s, err := datagen(t, columns, map[string]string{"fields.a.kind": "sequence"})
		if err != nil {
			t.Fatal(err)
		}
		if rows, _ := s.RowCount(); rows != want {
			t.Errorf("%s: %d rows, want %d", columns, rows, want)
		}
	}
}

// TestDatagenRate has rows that follow the clock, and goes on from a position.
func TestDatagenRate(t *testing.T) {
	mem, clock := columnartest.Allocator(t), &stepClock{time.UnixMilli(5_000)}
	open := func(options map[string]string, past bool) arrowstream.Replayer {
		s, err := datagen(t, "", options)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}, BatchRows: 100, Clock: clock, Past: past})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { parts[0].Close() })
		return parts[0].(arrowstream.Replayer)
	}
	rows := func(p arrowstream.Partition) string {
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		v, at := columnar.Values[int64](b.Column(1)), columnar.Values[int64](b.Column(0))
		return fmt.Sprintf("%d-%d at %d-%d", v[0], v[len(v)-1], at[0], at[len(at)-1])
	}
	live := open(map[string]string{"rowsPerSecond": "1000", "rows": "45"}, false)
	var pos []byte
	for i, want := range []string{"0-0 at 5000-5000", "1-20 at 5001-5020", "21-40 at 5021-5040", "41-44 at 5041-5044"} {
		if got := rows(live); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if i == 1 {
			var err error
			if pos, err = live.Position(); err != nil {
				t.Fatal(err)
			}
		}
		clock.at = clock.at.Add(20 * time.Millisecond)
	}
	if _, err := live.Read(t.Context()); err != io.EOF {
		t.Error(err)
	}
	again := open(map[string]string{"rowsPerSecond": "1000", "rows": "45"}, true)
	if err := again.Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	if got := rows(again); got != "21-44 at 5021-5044" {
		t.Error(got)
	}
	if err := again.Seek(t.Context(), []byte("x")); err == nil {
		t.Error("a position of something else is taken")
	}
	if got := rows(open(nil, false)); got != "0-0 at 5080-5080" { // as fast as the clock, without an end
		t.Error(got)
	}
}

// TestDatagenMemory reads rows that are large: there are few of them in a batch.
func TestDatagenMemory(t *testing.T) {
	s, err := datagen(t, "s:utf8 l:list<utf8>", map[string]string{"rows": "40", "fields.s.length": "1000000", "fields.l.length": "10", "fields.l.element.length": "100000"})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	read(t, s, 8192, func(b arrow.Record) {
		if n += b.NumRows(); b.NumRows() > 8 {
			t.Errorf("%d rows of 2 MB", b.NumRows())
		}
	})
	if n != 40 {
		t.Errorf("%d rows", n)
	}
}

func TestDatagenErrors(t *testing.T) {
	for _, tc := range []struct {
		columns, option, value, code, want string
	}{
		{"a:int8", "fields.a.min", "200", "AS2161", `"fields.a.min": "200" is no int8`},
		{"a:int8", "fields.a.min", "x", "AS2161", `"x" is no int8`},
		{"a:uint8", "fields.a.min", "-1", "AS2161", `"-1" is no uint8`},
		{"a:int8", "fields.a.max", "-129", "AS2161", `is no int8`},
		{"a:float64", "fields.a.min", "2", "AS2161", `"fields.a.max": is less than min`},
		{"a:float64", "fields.a.max", "NaN", "AS2161", `is no number`},
		{"a:decimal(4,1)", "fields.a.max", "12345.6", "AS2161", `is no decimal(4,1)`},
		{"a:decimal(38,0)", "fields.a.max", "99999999999999999999", "AS2161", `more than 18 digits`},
		{"a:int8", "fields.a.kind", "gauss", "AS2161", `"gauss" is not random or sequence`},
		{"a:bool", "fields.a.kind", "sequence", "AS2161", `there is no sequence of bool`},
		{"a:list<int8>", "fields.a.element.kind", "sequence", "AS2161", `no sequence in a list`},
		{"a:int8", "fields.a.null-rate", "1.5", "AS2161", `between 0 and 1`},
		{"a:int8!", "fields.a.null-rate", "0.5", "AS2161", `NOT NULL`},
		{"a:utf8", "fields.a.length", "1e9", "AS2161", `between 0 and`},
		{"a:list<list<utf8>>", "fields.a.length", "1000000", "AS2161", `a row of`},
		{"a:timestamp[us]", "fields.a.max-past", "-1s", "AS2161", `negative`},
		{"a:int8", "fields.a.values", "1,2,300", "AS2161", `"300"`},
		{"a:list<int8>", "fields.a.values", "1", "AS2161", `cannot be read from text`},
		{"a:months", "rows", "1", "AS2161", `cannot be made`},
		{"a:int8", "fields.b.min", "1", "AS2160", `no column "b"`},
		{"a:int8", "fields.a.mni", "1", "AS1504", `unknown option "fields.a.mni"`},
		{"a:int8", "fields.a", "1", "AS1504", `unknown option "fields.a"`},
		{"a:int8", "rows", "-1", "AS2161", `number-of-rows`},
		{"a:int8", "rate", "-1", "AS2161", `rows-per-second`},
		{"a:int8", "interval", "-1s", "AS2161", `interval`},
		{"", "fields.c.min", "1", "AS2160", `no column "c"`},
	} {
		_, err := datagen(t, tc.columns, map[string]string{tc.option: tc.value})
		var e *arrowstream.Error
		if e, _ = err.(*arrowstream.Error); e == nil || e.Code != tc.code || !strings.Contains(e.Msg, tc.want) {
			t.Errorf("%s, %s = %s: %v, want %s %s", tc.columns, tc.option, tc.value, err, tc.code, tc.want)
		}
	}
}

// TestDatagenTwice gives the values of a column under two spellings of its name,
// which SQL cannot.
func TestDatagenTwice(t *testing.T) {
	s := &Datagen{Values: map[string]Values{"value": {}, "Value": {}}}
	if _, err := s.Schema(); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Error(err)
	}
}

func BenchmarkDatagen(b *testing.B) {
	s, err := datagen(b, "id:int64 x:float64 g:int32 s:utf8 ts:timestamp[us]", map[string]string{
		"fields.id.kind": "sequence", "fields.g.min": "0", "fields.g.max": "99", "fields.s.length": "12", "base-time": "0",
	})
	if err != nil {
		b.Fatal(err)
	}
	parts, err := s.Open(b.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: memory.DefaultAllocator}, BatchRows: 16384, Past: true})
	if err != nil {
		b.Fatal(err)
	}
	rows := int64(0)
	for b.Loop() {
		rec, err := parts[0].Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		rows += rec.NumRows()
		rec.Release()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
