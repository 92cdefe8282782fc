package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// wholeUnits reports whether a constant duration is a multiple of unit.
func wholeUnits(d Arg, unit arrow.TimeUnit) bool {
	if d.Const == nil || d.Const.IsNull(0) {
		return false
	}
	v := columnar.Values[int64](d.Const)[0]
	return v%(perSecond(unitOf(d.Type))/perSecond(unit)) == 0
}

// bindMonths resolves the sum, or difference, of an instant of type t, the
// argument at that position, and an interval of months, the other argument. A
// day of month past the end of the month becomes its last day.
func bindMonths(t arrow.DataType, instant int, minus, try bool) *Binding {
	months := 1 - instant
	if t.ID() == arrow.DATE64 {
		t = dateType
	}
	b := &Binding{Args: make([]arrow.DataType, 2), Out: t, Fails: true}
	b.Args[instant], b.Args[months] = t, arrow.FixedWidthTypes.MonthInterval
	b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		sign := int64(1)
		if minus {
			sign = -1
		}
		by := columnar.Values[int32](args[months].Array)
		mb, mi := args[months].mask(), args[instant].mask()
		valid := strict(mem, n, args...)
		if t.ID() == arrow.DATE32 {
			days := columnar.Values[int32](args[instant].Array)
			buf, out := fixed[int32](mem, n)
			for i := range out {
				v := addMonths(int64(days[i&mi]), sign*int64(by[i&mb]))
				out[i] = int32(v)
				if v == int64(out[i]) || !valid.get(i) {
					continue
				}
				if !try {
					giveUp(valid, buf)
					return nil, errorf(CodeOverflow, "DATE overflow: %s and %d months", appendDate(nil, int64(days[i&mi])), by[i&mb])
				}
				valid.null(i)
			}
			return finish(t, valid, buf), nil
		}
		perDay := perSecond(unitOf(t)) * secondsPerDay
		instants := instantsOf(args[instant])
		buf, out := fixed[int64](mem, n)
		for i := range out {
			v := instants.local(i)
			rest := floorMod(v, perDay)
			day, ok := mulCheck(addMonths(columnar.FloorDiv(v, perDay), sign*int64(by[i&mb])), perDay)
			out[i] = day + rest
			if ok && out[i] >= day || !valid.get(i) {
				if instants.clock != nil {
					out[i] = instants.clock.Instant(out[i])
				}
				continue
			}
			if !try {
				giveUp(valid, buf)
				return nil, errorf(CodeOverflow, "%s overflow: %s and %d months", SQLName(t), appendTimestamp(nil, v, unitOf(t)), by[i&mb])
			}
			valid.null(i)
		}
		return finish(t, valid, buf), nil
	}
	return b
}
