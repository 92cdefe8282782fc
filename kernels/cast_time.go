package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// timeCaster converts among dates, timestamps, times of day and durations. A
// timestamp with a zone is an instant, which becomes what the clock of its zone
// shows, and the other way round.
func timeCaster(from, to arrow.DataType) (c caster, fails bool) {
	f, t := from.ID(), to.ID()
	switch {
	case zoned(from) && zoned(to):
		if unitOf(from) == unitOf(to) {
			return renameZone, false
		}
	case zoned(from):
		if c, fails = timeCaster(&arrow.TimestampType{Unit: unitOf(from)}, to); c != nil {
			c = throughWallClock(c)
		}
		return c, fails
	case zoned(to):
		if c, fails = timeCaster(from, &arrow.TimestampType{Unit: unitOf(to)}); c != nil {
			c = intoZone(c)
		}
		return c, fails
	}
	switch {
	case f == arrow.TIMESTAMP && t == arrow.TIMESTAMP, f == arrow.DURATION && t == arrow.DURATION:
		return castUnits, unitOf(to) > unitOf(from)
	case f == arrow.TIMESTAMP && t == arrow.DATE32, f == arrow.DATE64 && t == arrow.DATE32:
		return instantToDate, true
	case f == arrow.TIMESTAMP && t == arrow.DATE64, f == arrow.DATE32 && t == arrow.DATE64:
		return throughDate, true
	case f == arrow.DATE32 && t == arrow.TIMESTAMP:
		return dateToTimestamp, true
	case f == arrow.DATE64 && t == arrow.TIMESTAMP:
		return throughDate, true
	case f == arrow.TIMESTAMP && isTimeOfDay(to):
		return timestampToTime, false
	case isTimeOfDay(from) && isTimeOfDay(to):
		return castTimeOfDay, false
	}
	return nil, false
}

func renameZone(_ memory.Allocator, a arrow.Array, to arrow.DataType, _ bool) (arrow.Array, error) {
	return relabel(a, to), nil
}

// throughWallClock converts what the clock of the zone of a column shows by c.
func throughWallClock(c caster) caster {
	return func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
		local := &arrow.TimestampType{Unit: unitOf(a.DataType())}
		clock, err := wallClock(a.DataType())
		if err != nil {
			return nil, err
		}
		shown := relabel(a, local)
		if clock != nil {
			shown.Release()
			shown = onClock(mem, a, local, clock.Local)
		}
		if arrow.TypeEqual(local, to) {
			return shown, nil
		}
		defer shown.Release()
		return c(mem, shown, to, try)
	}
}

// intoZone reads what c makes of a column on the clock of a zone.
func intoZone(c caster) caster {
	return func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
		local := &arrow.TimestampType{Unit: unitOf(to)}
		clock, err := wallClock(to)
		if err != nil {
			return nil, err
		}
		shown := a
		if arrow.TypeEqual(a.DataType(), local) {
			a.Retain()
		} else if shown, err = c(mem, a, local, try); err != nil {
			return nil, err
		}
		defer shown.Release()
		if clock == nil {
			return relabel(shown, to), nil
		}
		return onClock(mem, shown, to, clock.Instant), nil
	}
}

// onClock is a column of type t with f of every value of a.
func onClock(mem memory.Allocator, a arrow.Array, t arrow.DataType, f func(int64) int64) arrow.Array {
	valid := strict(mem, a.Len(), Column(a))
	buf, out := unset[int64](mem, a.Len())
	for i, v := range columnar.Values[int64](a) {
		out[i] = f(v)
	}
	return finish(t, valid, buf)
}

// scaleUnits converts counts of one unit to counts of another: to a finer one
// by checked multiplication, to a coarser one rounding down. It returns the
// first valid row that does not fit, or -1.
func scaleUnits(out, x []int64, valid columnar.Bitmap, from, to int64) int {
	if to <= from {
		by := from / to
		for i, v := range x {
			q := v / by
			if v%by < 0 {
				q--
			}
			out[i] = q
		}
		return -1
	}
	if simd.Arith(simd.Mul, out, x, []int64{to / from}) {
		return firstBad(valid, func(i int) bool { return overflows(simd.Mul, x[i], to/from) })
	}
	return -1
}

func castUnits(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	return castScaled(mem, a, columnar.Values[int64](a), to, perSecond(unitOf(a.DataType())), perSecond(unitOf(to)), try)
}

func castScaled(mem memory.Allocator, a arrow.Array, x []int64, to arrow.DataType, from, unit int64, try bool) (arrow.Array, error) {
	valid := strict(mem, a.Len(), Column(a))
	buf, out := fixed[int64](mem, a.Len())
	if i := scaleUnits(out, x, valid.bits, from, unit); i >= 0 {
		if !try {
			giveUp(valid, buf)
			return nil, outOfRange(string(textOf(a)(nil, i)), to)
		}
		for i, v := range x {
			if valid.get(i) && overflows(simd.Mul, v, unit/from) {
				valid.null(i)
			}
		}
	}
	return finish(to, valid, buf), nil
}

func instantToDate(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	perDay := int64(secondsPerDay * 1000)
	if a.DataType().ID() == arrow.TIMESTAMP {
		perDay = perSecond(unitOf(a.DataType())) * secondsPerDay
	}
	valid := strict(mem, a.Len(), Column(a))
	buf, out := fixed[int32](mem, a.Len())
	for i, v := range columnar.Values[int64](a) {
		day := columnar.FloorDiv(v, perDay)
		out[i] = int32(day)
		if int64(int32(day)) == day || !valid.get(i) {
			continue
		}
		if !try {
			giveUp(valid, buf)
			return nil, outOfRange(string(textOf(a)(nil, i)), to)
		}
		valid.null(i)
	}
	return finish(to, valid, buf), nil
}

func dateToTimestamp(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	days := columnar.Values[int32](a)
	wide := make([]int64, len(days))
	for i, d := range days {
		wide[i] = int64(d) * secondsPerDay
	}
	return castScaled(mem, a, wide, to, 1, perSecond(unitOf(to)), try)
}

// throughDate converts to or from date64 by way of date32.
func throughDate(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	if a.DataType().ID() == arrow.DATE32 {
		ms, err := dateToTimestamp(mem, a, &arrow.TimestampType{Unit: arrow.Millisecond}, try)
		if err != nil {
			return nil, err
		}
		defer ms.Release()
		valid := strict(mem, a.Len(), Column(ms))
		buf, out := fixed[int64](mem, a.Len())
		copy(out, columnar.Values[int64](ms))
		return finish(to, valid, buf), nil
	}
	day, err := Cast(mem, a, dateType, try)
	if err != nil {
		return nil, err
	}
	defer day.Release()
	return Cast(mem, day, to, try)
}

// timestampToTime keeps the time of day.
func timestampToTime(mem memory.Allocator, a arrow.Array, to arrow.DataType, _ bool) (arrow.Array, error) {
	perDay := perSecond(unitOf(a.DataType())) * secondsPerDay
	x := columnar.Values[int64](a)
	clock := make([]int64, len(x))
	for i, v := range x {
		clock[i] = floorMod(v, perDay)
	}
	return timeOfDay(mem, a, clock, to)
}

func castTimeOfDay(mem memory.Allocator, a arrow.Array, to arrow.DataType, _ bool) (arrow.Array, error) {
	clock := make([]int64, a.Len())
	if a.DataType().ID() == arrow.TIME64 {
		copy(clock, columnar.Values[int64](a))
	} else {
		for i, v := range columnar.Values[int32](a) {
			clock[i] = int64(v)
		}
	}
	return timeOfDay(mem, a, clock, to)
}

// timeOfDay builds a time column from counts of the unit of a, whose NULLs it
// takes over.
func timeOfDay(mem memory.Allocator, a arrow.Array, clock []int64, to arrow.DataType) (arrow.Array, error) {
	valid := strict(mem, a.Len(), Column(a))
	scaleUnits(clock, clock, valid.bits, perSecond(unitOf(a.DataType())), perSecond(unitOf(to)))
	if to.ID() == arrow.TIME32 {
		buf, out := fixed[int32](mem, len(clock))
		for i, v := range clock {
			out[i] = int32(v)
		}
		return finish(to, valid, buf), nil
	}
	buf, out := fixed[int64](mem, len(clock))
	copy(out, clock)
	return finish(to, valid, buf), nil
}

// textToTime reads dates, timestamps and times of day.
func textToTime(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	unit := unitOf(to)
	switch to.ID() {
	case arrow.DATE32:
		return parsed(mem, a, to, try, ParseDate)
	case arrow.DATE64:
		return parsed(mem, a, to, try, func(s string) (int64, error) {
			day, err := ParseDate(s)
			return int64(day) * secondsPerDay * 1000, err
		})
	case arrow.TIMESTAMP:
		clock, err := wallClock(to)
		if err != nil {
			return nil, err
		}
		return parsed(mem, a, to, try, func(s string) (int64, error) { return parseInstant(s, unit, clock) })
	case arrow.TIME32:
		return parsed(mem, a, to, try, func(s string) (int32, error) {
			v, err := ParseTime(s, unit)
			return int32(v), err
		})
	}
	return parsed(mem, a, to, try, func(s string) (int64, error) { return ParseTime(s, unit) })
}
