package kernels

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/suggest"
	"github.com/arrowstream/arrowstream/internal/zone"
)

// timePart is a field of an instant, or a unit of time.
type timePart int

const (
	partNanosecond timePart = iota
	partMicrosecond
	partMillisecond
	partSecond
	partMinute
	partHour
	partDay
	partWeek
	partMonth
	partQuarter
	partYear
	partDayOfWeek
	partISODayOfWeek
	partDayOfYear
	partEpoch
)

var partNames = []struct {
	name string
	part timePart
}{
	{"nanosecond", partNanosecond},
	{"microsecond", partMicrosecond},
	{"millisecond", partMillisecond},
	{"second", partSecond},
	{"minute", partMinute},
	{"hour", partHour},
	{"day", partDay},
	{"week", partWeek},
	{"month", partMonth},
	{"quarter", partQuarter},
	{"year", partYear},
	{"dayofweek", partDayOfWeek},
	{"dow", partDayOfWeek},
	{"isodow", partISODayOfWeek},
	{"dayofyear", partDayOfYear},
	{"doy", partDayOfYear},
	{"dayofmonth", partDay},
	{"epoch", partEpoch},
	{"sql_tsi_second", partSecond},
	{"sql_tsi_minute", partMinute},
	{"sql_tsi_hour", partHour},
	{"sql_tsi_day", partDay},
	{"sql_tsi_week", partWeek},
	{"sql_tsi_month", partMonth},
	{"sql_tsi_quarter", partQuarter},
	{"sql_tsi_year", partYear},
	{"mm", partMonth},
	{"mon", partMonth},
	{"yyyy", partYear},
	{"yy", partYear},
	{"dd", partDay},
}

// parsePart reads the name of a part, singular or plural, in any case. Units
// are the parts from nanosecond to year.
func parsePart(name string, unit bool) (timePart, error) {
	lower := strings.ToLower(strings.TrimSpace(name))
	var known []string
	for _, p := range partNames {
		if unit && p.part > partYear {
			continue
		}
		if p.name == lower || p.name+"s" == lower {
			return p.part, nil
		}
		known = append(known, p.name)
	}
	return 0, &Error{Code: CodeFunction, Msg: "unknown time unit '" + cut(name) + "'", Hint: suggest.Hint(lower, known, "units")}
}

// nanos is the length of a unit of fixed length, 0 for months and longer.
func (p timePart) nanos() int64 {
	if p > partWeek {
		return 0
	}
	return [...]int64{1, 1e3, 1e6, 1e9, 60e9, 3600e9, 86400e9, 7 * 86400e9}[p]
}

// months is the length of a unit of months, quarters or years.
func (p timePart) months() int64 {
	return map[timePart]int64{partMonth: 1, partQuarter: 3, partYear: 12}[p]
}

// instants are the values of an instant column as counts of units, with the
// number of units in a day and the clock that shows them, nil for that of UTC.
type instants struct {
	i64    []int64
	i32    []int32
	mask   int
	perDay int64
	clock  *zone.Clock
}

func instantsOf(d Datum) instants {
	t := instants{mask: d.mask(), perDay: 1}
	switch d.Type().ID() {
	case arrow.DATE32:
		t.i32 = columnar.Values[int32](d.Array)
	case arrow.TIME32:
		t.i32, t.perDay = columnar.Values[int32](d.Array), perSecond(unitOf(d.Type()))*secondsPerDay
	case arrow.DATE64:
		t.i64, t.perDay = columnar.Values[int64](d.Array), secondsPerDay*1000
	default:
		t.i64, t.perDay = columnar.Values[int64](d.Array), perSecond(unitOf(d.Type()))*secondsPerDay
		t.clock, _ = wallClock(d.Type()) // [Function.Bind] knows the zone
	}
	return t
}

func (t *instants) at(i int) int64 {
	if t.i32 != nil {
		return int64(t.i32[i&t.mask])
	}
	return t.i64[i&t.mask]
}

// local is row i as the clock shows it.
func (t *instants) local(i int) int64 {
	if t.clock != nil {
		return t.clock.Local(t.at(i))
	}
	return t.at(i)
}

// split is the day and the nanoseconds of the day of row i on the clock.
func (t *instants) split(i int) (day, nanos int64) {
	// Divisions by constants are multiplications.
	v := t.local(i)
	switch t.perDay {
	case 1:
		return v, 0
	case secondsPerDay:
		day = columnar.FloorDiv(v, secondsPerDay)
		return day, (v - day*secondsPerDay) * 1e9
	case secondsPerDay * 1e3:
		day = columnar.FloorDiv(v, secondsPerDay*1e3)
		return day, (v - day*secondsPerDay*1e3) * 1e6
	case secondsPerDay * 1e6:
		day = columnar.FloorDiv(v, secondsPerDay*1e6)
		return day, (v - day*secondsPerDay*1e6) * 1e3
	}
	day = columnar.FloorDiv(v, secondsPerDay*1e9)
	return day, v - day*secondsPerDay*1e9
}

// extractPart is the kernel of a part, an int64.
func extractPart(p timePart) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, int64Type, n), nil
		}
		x := instantsOf(args[len(args)-1])
		if p == partEpoch {
			x.clock = nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[int64](mem, n)
		for i := range out {
			day, nanos := x.split(i)
			out[i] = p.of(day, nanos)
		}
		return finish(int64Type, valid, buf), nil
	}
}

// of is the value of a part for a day and the nanoseconds of the day.
func (p timePart) of(day, nanos int64) int64 {
	switch p {
	case partNanosecond:
		return nanos % 1e9
	case partMicrosecond:
		return nanos / 1e3 % 1e6
	case partMillisecond:
		return nanos / 1e6 % 1e3
	case partSecond:
		return nanos / 1e9 % 60
	case partMinute:
		return nanos / 60e9 % 60
	case partHour:
		return nanos / 3600e9
	case partWeek:
		_, week := isoWeek(day)
		return int64(week)
	case partDayOfWeek:
		return int64(weekday(day)+1)%7 + 1
	case partISODayOfWeek:
		return int64(weekday(day)) + 1
	case partDayOfYear:
		return int64(dayOfYear(day))
	case partEpoch:
		return day*secondsPerDay + nanos/1e9
	}
	y, m, d := civilOf(day)
	switch p {
	case partYear:
		return y
	case partQuarter:
		return int64(m+2) / 3
	case partMonth:
		return int64(m)
	}
	return int64(d)
}

// acceptsInstant is the type an argument that should be an instant, or a time
// of day, is cast to; nil if it is none.
func acceptsInstant(a Arg, clock bool) arrow.DataType {
	t := Logical(a.Type)
	switch {
	case isInstant(t), clock && isTimeOfDay(t):
		return t
	case isNull(t), a.Literal && isText(t):
		return micros
	}
	return nil
}

// bindPart resolves year(x), hour(x) and the like.
func bindPart(p timePart) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t := acceptsInstant(args[0], true)
		if t == nil {
			return nil, f.mismatch(args)
		}
		return &Binding{Args: []arrow.DataType{t}, Out: int64Type, Kernel: extractPart(p)}, nil
	}
}

// bindExtract resolves extract('unit', x); an interval has an epoch too.
func bindExtract(f *Function, args []Arg) (*Binding, error) {
	p, err := f.part(args, false)
	if err != nil {
		return nil, err
	}
	t := acceptsInstant(args[1], true)
	if args[1].Type.ID() == arrow.DURATION && p == partEpoch {
		t = args[1].Type
	}
	if t == nil {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: []arrow.DataType{nil, t}, Out: int64Type, Kernel: extractPart(p)}, nil
}

// part is the constant time unit that is the first argument.
func (f *Function) part(args []Arg, unit bool) (timePart, error) {
	name, ok := args[0].stringConst()
	if !ok {
		return 0, &Error{Code: CodeFunction, Msg: f.Name + ": the time unit must be a constant text", Hint: "usage: " + f.Usage}
	}
	return parsePart(name, unit)
}

// truncate rounds an instant down to a unit. Weeks begin on Monday. In a zone
// days and longer units begin when its clock first shows their start; shorter
// ones keep the offset, so that an hour that comes twice stays two hours.
func truncate(p timePart, t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x := instantsOf(args[1])
		valid := strict(mem, n, args...)
		if t.ID() == arrow.DATE32 {
			buf, out := fixed[int32](mem, n)
			for i := range out {
				out[i] = int32(p.floorDay(x.at(i)))
			}
			return finish(t, valid, buf), nil
		}
		buf, out := fixed[int64](mem, n)
		if p < partDay {
			unit := max(p.nanos()/(secondsPerDay*1e9/x.perDay), 1)
			for i := range out {
				v := x.at(i)
				if x.clock != nil {
					offset := x.clock.Offset(v)
					v = zone.Plus(v, offset)
					out[i] = v - floorMod(v, unit) - offset
					continue
				}
				out[i] = v - floorMod(v, unit)
			}
			return finish(t, valid, buf), nil
		}
		for i := range out {
			if x.clock != nil {
				day := columnar.FloorDiv(x.clock.Local(x.at(i)), x.perDay)
				out[i] = x.clock.First(p.floorDay(day) * x.perDay)
				continue
			}
			out[i] = p.floorDay(columnar.FloorDiv(x.at(i), x.perDay)) * x.perDay
		}
		return finish(t, valid, buf), nil
	}
}

// floorDay is the first day of the unit that holds day.
func (p timePart) floorDay(day int64) int64 {
	if p == partWeek {
		return day - int64(weekday(day))
	}
	if p < partMonth {
		return day
	}
	y, m, _ := civilOf(day)
	switch p {
	case partYear:
		m = 1
	case partQuarter:
		m -= (m - 1) % 3
	}
	return dayOf(y, m, 1)
}

func bindTruncate(f *Function, args []Arg) (*Binding, error) {
	p, err := f.part(args, true)
	if err != nil {
		return nil, err
	}
	t := acceptsInstant(args[1], false)
	if t == nil {
		return nil, f.mismatch(args)
	}
	if t.ID() == arrow.DATE64 {
		t = dateType
	}
	return &Binding{Args: []arrow.DataType{nil, t}, Out: t, Kernel: truncate(p, t)}, nil
}
