package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// timeDiff is TIMESTAMPDIFF(unit, a, b): the whole units from a to b, cut
// towards zero. A month counts when its day and time of day are reached.
func timeDiff(p timePart) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, int64Type, n), nil
		}
		x, y := instantsOf(args[1]), instantsOf(args[2])
		if p < partDay { // hours have the same length in every zone
			x.clock, y.clock = nil, nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[int64](mem, n)
		for i := range out {
			d1, t1 := x.split(i)
			d2, t2 := y.split(i)
			if p.months() > 0 {
				out[i] = monthsBetween(d1, t1, d2, t2) / p.months()
				continue
			}
			v, ok := unitsBetween(d1, t1, d2, t2, p)
			out[i] = v
			if !ok && valid.get(i) {
				giveUp(valid, buf)
				return nil, errorf(CodeOverflow, "timestampdiff: the difference does not fit in a BIGINT")
			}
		}
		return finish(int64Type, valid, buf), nil
	}
}

func unitsBetween(d1, t1, d2, t2 int64, p timePart) (int64, bool) {
	days, nanos := d2-d1, t2-t1
	// Give both parts the same sign, so that division cuts towards zero.
	if days > 0 && nanos < 0 {
		days, nanos = days-1, nanos+secondsPerDay*1e9
	} else if days < 0 && nanos > 0 {
		days, nanos = days+1, nanos-secondsPerDay*1e9
	}
	switch p {
	case partDay:
		return days, true
	case partWeek:
		return days / 7, true
	}
	v, ok := mulCheck(days, secondsPerDay*1e9/p.nanos())
	rest := nanos / p.nanos()
	sum := v + rest
	return sum, ok && (rest >= 0) == (sum >= v)
}

func monthsBetween(d1, t1, d2, t2 int64) int64 {
	y1, m1, dom1 := civilOf(d1)
	y2, m2, dom2 := civilOf(d2)
	months := (y2-y1)*12 + int64(m2-m1)
	rest := int64(dom2 - dom1)
	if rest == 0 {
		rest = t2 - t1
	}
	switch {
	case months > 0 && rest < 0:
		months--
	case months < 0 && rest > 0:
		months++
	}
	return months
}

func bindTimeDiff(f *Function, args []Arg) (*Binding, error) {
	p, err := f.part(args, true)
	if err != nil {
		return nil, err
	}
	x, y := acceptsInstant(args[1], false), acceptsInstant(args[2], false)
	if x == nil || y == nil {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: []arrow.DataType{nil, x, y}, Out: int64Type, Kernel: timeDiff(p), Fails: p < partSecond}, nil
}

// bindDateDiff resolves DATEDIFF(end, start), whole days of the calendar, and
// DATEDIFF(unit, start, end), which is TIMESTAMPDIFF.
func bindDateDiff(f *Function, args []Arg) (*Binding, error) {
	if len(args) == 3 {
		return bindTimeDiff(f, args)
	}
	x, y := acceptsInstant(args[0], false), acceptsInstant(args[1], false)
	if x == nil || y == nil {
		return nil, f.mismatch(args)
	}
	return &Binding{Args: []arrow.DataType{dateType, dateType}, Out: int64Type, Fails: true, Kernel: dateDiff}, nil
}

func dateDiff(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int64Type, n), nil
	}
	x, y := instantsOf(args[0]), instantsOf(args[1])
	valid := strict(mem, n, args...)
	buf, out := fixed[int64](mem, n)
	for i := range out {
		out[i] = x.at(i) - y.at(i)
	}
	return finish(int64Type, valid, buf), nil
}

// bindDateAdd resolves DATE_ADD(date, days), a DATE, and DATE_ADD(x, interval).
func bindDateAdd(op arithmetic) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		if acceptsInstant(args[0], false) == nil {
			return nil, f.mismatch(args)
		}
		if !isInt(Logical(args[1].Type)) {
			if isNull(args[1].Type) {
				return &Binding{Args: []arrow.DataType{dateType, int32Type}, Out: dateType, Kernel: elementwise[int32](simd.Operator(op), dateType, false), Fails: true}, nil
			}
			b := bindTimes(op, args, false)
			if b == nil {
				return nil, f.mismatch(args)
			}
			return b, nil
		}
		return &Binding{Args: []arrow.DataType{dateType, int32Type}, Out: dateType, Kernel: elementwise[int32](simd.Operator(op), dateType, false), Fails: true}, nil
	}
}

// bindTimestampAdd resolves TIMESTAMPADD(unit, n, x): n units after x.
func bindTimestampAdd(f *Function, args []Arg) (*Binding, error) {
	p, err := f.part(args, true)
	if err != nil {
		return nil, err
	}
	t := acceptsInstant(args[2], false)
	if t == nil || !accepts(args[1], int64Type) {
		return nil, f.mismatch(args)
	}
	if t.ID() == arrow.DATE64 {
		t = dateType
	}
	b := &Binding{Args: []arrow.DataType{nil, int64Type, t}, Out: t, Fails: true}
	if m := p.months(); m > 0 {
		b.Kernel = addUnits(bindMonths(t, 0, false, false).Kernel, arrow.FixedWidthTypes.MonthInterval, m)
		return b, nil
	}
	unit := unitOf(t)
	if t.ID() == arrow.DATE32 {
		if p == partDay || p == partWeek {
			b.Kernel = addUnits(elementwise[int32](simd.Add, t, false), int32Type, p.nanos()/(secondsPerDay*1e9))
			return b, nil
		}
		unit = arrow.Microsecond
	}
	for perSecond(unit)*p.nanos() < 1e9 && unit < arrow.Nanosecond {
		unit++
	}
	ts := &arrow.TimestampType{Unit: unit}
	if x, ok := t.(*arrow.TimestampType); ok {
		ts.TimeZone = x.TimeZone
	}
	b.Args[2], b.Out = ts, ts
	// Seconds and longer are whole multiples of every unit.
	per := p.nanos() / (1e9 / perSecond(unit))
	b.Kernel = addUnits(elementwise[int64](simd.Add, ts, false), &arrow.DurationType{Unit: unit}, per)
	return b, nil
}

// addUnits is k(args[2], args[1]*per), with the product of type t.
func addUnits(k Kernel, t arrow.DataType, per int64) Kernel {
	mul := elementwise[int64](simd.Mul, int64Type, false)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		buf, value := fixed[int64](mem, 1)
		value[0] = per
		factor := finish(int64Type, noNulls(mem, 1), buf)
		defer factor.Release()
		rows := n
		if args[1].Const {
			rows = 1
		}
		product, err := mul(mem, rows, []Datum{args[1], Constant(factor)})
		if err != nil {
			return nil, err
		}
		defer product.Release()
		units, err := countsAs(mem, product, t)
		if err != nil {
			return nil, err
		}
		defer units.Release()
		return k(mem, n, []Datum{args[2], {units, args[1].Const}})
	}
}

// countsAs gives int64 counts a type of times: the same bits for 64-bit types,
// checked for 32-bit ones.
func countsAs(mem memory.Allocator, a arrow.Array, t arrow.DataType) (arrow.Array, error) {
	if t.(arrow.FixedWidthDataType).Bytes() == 8 {
		return relabel(a, t), nil
	}
	narrow, err := Cast(mem, a, int32Type, false)
	if err != nil {
		return nil, err
	}
	defer narrow.Release()
	return relabel(narrow, t), nil
}

// relabel is a with another type of the same layout.
func relabel(a arrow.Array, t arrow.DataType) arrow.Array {
	d := a.Data()
	data := array.NewData(t, d.Len(), d.Buffers(), nil, a.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}
