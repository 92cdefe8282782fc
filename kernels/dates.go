package kernels

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// bindAddMonths resolves ADD_MONTHS(x, n), of the type of x. A day of month past
// the end of the month becomes its last day.
func bindAddMonths(f *Function, args []Arg) (*Binding, error) {
	t := acceptsInstant(args[0], false)
	if t == nil || !accepts(args[1], int64Type) {
		return nil, f.mismatch(args)
	}
	if t.ID() == arrow.DATE64 || args[0].Literal {
		t = dateType
	}
	add := addUnits(bindMonths(t, 0, false, false).Kernel, arrow.FixedWidthTypes.MonthInterval, 1)
	return &Binding{Args: []arrow.DataType{t, int64Type}, Out: t, Fails: true, Kernel: func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		return add(mem, n, []Datum{args[0], args[1], args[0]})
	}}, nil
}

// lastDay is the last day of the month of an instant.
func lastDay(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, dateType, n), nil
	}
	x := instantsOf(args[0])
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i := range out {
		if !valid.get(i) {
			continue
		}
		day, _ := x.split(i)
		y, m, d := civilOf(day)
		day += int64(monthLength(y, m) - d)
		if out[i] = int32(day); int64(out[i]) != day {
			giveUp(valid, buf)
			return nil, errorf(CodeOverflow, "DATE overflow: last_day")
		}
	}
	return finish(dateType, valid, buf), nil
}

func bindLastDay(f *Function, args []Arg) (*Binding, error) {
	t := acceptsInstant(args[0], false)
	if t == nil {
		return nil, f.mismatch(args)
	}
	if args[0].Literal {
		t = dateType
	}
	return &Binding{Args: []arrow.DataType{t}, Out: dateType, Kernel: lastDay, Fails: true}, nil
}

// makeDate is MAKE_DATE(year, month, day).
func makeDate(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, dateType, n), nil
	}
	year, month, dom := intsOf(args[0]), intsOf(args[1]), intsOf(args[2])
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i := range out {
		if !valid.get(i) {
			continue
		}
		y, m, d := year.at(i), month.at(i), dom.at(i)
		const far = 6_000_000 // years, past those of a DATE
		ok := m >= 1 && m <= 12 && d >= 1 && y > -far && y < far && d <= int64(monthLength(y, int(m)))
		if ok {
			day := dayOf(y, int(m), int(d))
			out[i] = int32(day)
			ok = day >= math.MinInt32 && day <= math.MaxInt32
		}
		if !ok {
			giveUp(valid, buf)
			return nil, errorf(CodeValue, "make_date: there is no day %d-%d-%d", y, m, d)
		}
	}
	return finish(dateType, valid, buf), nil
}

var millisUTC = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

// timestampMillis is the instant n milliseconds after 1970.
func timestampMillis(_ memory.Allocator, _ int, args []Datum) (arrow.Array, error) {
	return relabel(args[0].Array, millisUTC), nil
}

// bindUnixMillis resolves UNIX_MILLIS(x), milliseconds after 1970, rounded down.
// A time without zone is one of the zone of the session.
func bindUnixMillis(f *Function, args []Arg) (*Binding, error) {
	t := acceptsInstant(args[0], false)
	if t == nil {
		return nil, f.mismatch(args)
	}
	zone := args[0].Zone
	if ts, ok := t.(*arrow.TimestampType); ok && ts.TimeZone != "" {
		zone = ts.TimeZone
	}
	if zone == "" {
		zone = "UTC"
	}
	return &Binding{Args: []arrow.DataType{&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: zone}}, Out: int64Type, Fails: true, Kernel: func(_ memory.Allocator, _ int, args []Datum) (arrow.Array, error) {
		return relabel(args[0].Array, int64Type), nil
	}}, nil
}

// bindUTC resolves FROM_UTC_TIMESTAMP(x, zone), what a clock in the zone shows
// when one in UTC shows x, and TO_UTC_TIMESTAMP, its inverse.
func bindUTC(from bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		three := []Arg{args[0], {Type: textType}, args[1]}
		if acceptsInstant(args[0], false) == nil || !accepts(args[1], textType) {
			return nil, f.mismatch(args)
		}
		if isText(args[0].Type) { // a literal
			three[0].Type = micros
		}
		b, err := bindConvertTZ(f, three)
		if err != nil {
			return nil, err
		}
		k := b.Kernel
		b.Args = []arrow.DataType{b.Args[0], textType}
		b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
			utc := Constant(utcName(mem))
			defer utc.Release()
			if from {
				return k(mem, n, []Datum{args[0], utc, args[1]})
			}
			return k(mem, n, []Datum{args[0], args[1], utc})
		}
		return b, nil
	}
}

// utcName is the text UTC.
func utcName(mem memory.Allocator) arrow.Array {
	b := array.NewStringBuilder(mem)
	defer b.Release()
	b.Append("UTC")
	return b.NewArray()
}
