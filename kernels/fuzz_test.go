package kernels

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// FuzzCast reads any text as every type: no panic, try is NULL exactly where
// the strict cast fails, and the text of what was read reads back as the same.
func FuzzCast(f *testing.F) {
	for _, s := range []string{"", "1", "-9223372036854775808", "1e400", "+.5", "2026-02-29", "2026-01-31T10:00:00.5+02:00", "t", "[1, 2]", "1 2 3", "NaN", "-0", "99999999999999999999999999999999999999", "0000-01-01", "23:59:59.999"} {
		f.Add(s)
	}
	types := []string{
		"bool", "int8", "int16", "int32", "int64", "uint8", "uint64", "float32", "float64", "decimal(5,2)", "decimal(38,0)", "decimal(38,20)", "date32", "date64",
		"timestamp[s]", "timestamp[ns]", "timestamp[us,UTC]", "time32[ms]", "time64[ns]", "list<float64>", "vector[2]", "list<int64>", "binary", "large_utf8", "dict",
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		mem := columnartest.Allocator(t)
		b := array.NewStringBuilder(mem)
		b.Append(s)
		text := b.NewArray()
		b.Release()
		defer text.Release()
		for _, name := range types {
			typ, err := columnar.ParseType(name)
			if err != nil {
				t.Fatal(err)
			}
			try, err := Cast(mem, text, typ, true)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			strict, err := Cast(mem, text, typ, false)
			if (err != nil) != try.IsNull(0) {
				t.Errorf("%q as %s: try is null %v, strict error %v", s, name, try.IsNull(0), err)
			}
			if err == nil {
				readsBack(t, strict)
				strict.Release()
			}
			try.Release()
		}
	})
}

func readsBack(t *testing.T, a arrow.Array) {
	t.Helper()
	mem := columnartest.Allocator(t)
	out, err := Cast(mem, a, textType, false)
	if err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	defer out.Release()
	again, err := Cast(mem, out, a.DataType(), false)
	if err != nil {
		t.Errorf("%s %v: text %q does not read back: %v", a.DataType(), a, TextAt(out, 0), err)
		return
	}
	defer again.Release()
	if x, y := TextAt(a, 0), TextAt(again, 0); x != y {
		t.Errorf("%s: %q reads back as %q", a.DataType(), x, y)
	}
}

// FuzzLike compares with a regular expression.
func FuzzLike(f *testing.F) {
	for _, c := range [][2]string{{"hello", "h%_o"}, {"aab", "%ab"}, {"", "%%"}, {"a.b", "a._"}, {"ä", "_"}, {"a!%", "%!%"}, {"abcabc", "%b%c"}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if !utf8.ValidString(s) || !utf8.ValidString(pattern) || len(pattern) > 100 || len(s) > 1000 {
			return
		}
		p, err := compileLike(pattern, "!", false)
		re, end := "(?s)^", false
		for i, r := range pattern {
			switch {
			case end:
				re, end = re+regexp.QuoteMeta(string(r)), false
			case r == '!':
				end = true
				if i == len(pattern)-1 {
					if err == nil {
						t.Fatal("escape at the end compiles")
					}
					return
				}
			case r == '%':
				re += ".*"
			case r == '_':
				re += "."
			default:
				re += regexp.QuoteMeta(string(r))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := p.match([]byte(s)), regexp.MustCompile(re+"$").MatchString(s); got != want {
			t.Errorf("%q LIKE %q: got %v", s, pattern, got)
		}
	})
}

// FuzzDatePattern compiles any pattern; what it writes it must read back when
// it holds all fields.
func FuzzDatePattern(f *testing.F) {
	for _, p := range []string{"yyyy-MM-dd HH:mm:ss", "yyyyMMdd", "EEE, d MMM yyyy h:mm a", "''''", "'a''b'yyyy", "u-D k:m:s.SSS XXX"} {
		f.Add(p, int64(1768000000), uint32(123456789))
	}
	f.Fuzz(func(t *testing.T, pattern string, sec int64, nanos uint32) {
		p, err := compileTime(pattern)
		if err != nil {
			return
		}
		sec %= 200 * 365 * secondsPerDay
		day := columnar.FloorDiv(sec, secondsPerDay)
		text := string(p.append(nil, day, floorMod(sec, secondsPerDay)*1e9+int64(nanos%1e9), utcText))
		got, _, _, ok := p.parse(text)
		if ok && strings.Contains(pattern, "yyyy-MM-dd HH:mm:ss") && !strings.ContainsAny(pattern[19:], "uyMLdDEaHhkKms'SXxZzVwQqY") && got != sec {
			t.Errorf("%q: %q reads as %d, not %d", pattern, text, got, sec)
		}
	})
}

// FuzzParseTimestamp compares with the time package where both read.
func FuzzParseTimestamp(f *testing.F) {
	for _, s := range []string{"2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456789+05:30", "1600-02-29T23:59:59-08:00", "0000-01-01T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseTimestamp(s, arrow.Microsecond)
		want, err2 := time.Parse(time.RFC3339Nano, s)
		if err2 != nil {
			return
		}
		if err != nil {
			// The time package takes offsets up to 24 hours and one-digit hours.
			if _, off := want.Zone(); off > 18*3600 || off < -18*3600 || len(s) < 20 || s[13] != ':' || strings.Contains(s, ",") {
				return
			}
			t.Fatalf("%q: %v", s, err)
		}
		if v != want.UnixMicro() {
			t.Errorf("%q: got %d, want %d", s, v, want.UnixMicro())
		}
	})
}

func TestCalendar(t *testing.T) {
	for day := int64(-800000); day < 800000; day += 1 + (day&31)*3 {
		want := time.Unix(day*secondsPerDay, 0).UTC()
		y, m, d := civilOf(day)
		if int(y) != want.Year() || m != int(want.Month()) || d != want.Day() {
			t.Fatalf("day %d: %d-%d-%d", day, y, m, d)
		}
		if dayOf(y, m, d) != day {
			t.Fatalf("day %d is not its own date", day)
		}
		year, week := want.ISOWeek()
		if wy, w := isoWeek(day); int(wy) != year || w != week {
			t.Fatalf("day %d: week %d of %d", day, w, wy)
		}
		if dayOfYear(day) != want.YearDay() || (weekday(day)+1)%7 != int(want.Weekday()) {
			t.Fatalf("day %d: day of year or week", day)
		}
	}
	for _, day := range []int64{math.MinInt32, math.MaxInt32} {
		if y, m, d := civilOf(day); dayOf(y, m, d) != day {
			t.Errorf("day %d is not its own date", day)
		}
	}
}

func TestExp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 200000 {
		x := r.Float64()*1400 - 700
		if r.IntN(2) == 0 {
			x = r.NormFloat64()
		}
		want := math.Exp(x)
		worst = max(worst, math.Abs(Exp(x)-want)/want)
	}
	if worst > 1e-15 {
		t.Errorf("relative error %g", worst)
	}
	for _, x := range []float64{0, math.Inf(1), math.Inf(-1), -745, 709.7, -708.5, 1e-320} {
		if got, want := Exp(x), math.Exp(x); math.Abs(got-want) > 1e-15*want+5e-324 && got != want {
			t.Errorf("exp(%g) = %g, want %g", x, got, want)
		}
	}
	if v := Exp(math.NaN()); v == v {
		t.Errorf("exp(NaN) = %g", v)
	}
}

// The table: every name is found once, every function has a usage and a line
// of documentation, and its kernel answers wrong arguments with an error.
func TestTable(t *testing.T) {
	seen := map[string]string{}
	for _, f := range table {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if old, ok := seen[n]; ok {
				t.Errorf("%s is %s and %s", n, old, f.Name)
			}
			seen[n] = f.Name
			if got, ok := Find(strings.ToUpper(n)); !ok || got.Name != f.Name {
				t.Errorf("%s is not found", n)
			}
		}
		if f.Usage == "" || f.Doc == "" {
			t.Errorf("%s has no documentation", f.Name)
		}
		wide := f.most
		if wide < 0 {
			wide = f.least + 2
		}
		for n := range wide + 2 {
			for _, typ := range []arrow.DataType{arrow.Null, boolType, int64Type, textType, columnar.Dict, micros, dateType, columnar.Vector(2), arrow.StructOf(arrow.Field{Name: "a", Type: int64Type})} {
				args := make([]Arg, n)
				for i := range args {
					args[i].Type = typ
				}
				b, err := f.Bind(args)
				if _, ok := err.(*Error); err != nil && !ok {
					t.Errorf("%s(%d x %s): error %T", f.Name, n, typ, err)
				}
				if err == nil && (b.Kernel == nil || b.Out == nil || len(b.Args) != n) {
					t.Errorf("%s(%d x %s): incomplete binding %+v", f.Name, n, typ, b)
				}
			}
		}
	}
	if len(Names()) != len(table) {
		t.Error("Names is not the table")
	}
	if e := Unknown("substrng"); !strings.Contains(e.Hint, `"substring"`) {
		t.Errorf("got %v", e)
	}
}
