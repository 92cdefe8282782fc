package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/zone"
)

// readsClock are the functions whose result depends on the wall clock of the
// zone of an instant.
var readsClock = map[string]bool{
	"extract": true, "year": true, "quarter": true, "month": true, "week": true, "day": true, "dayofweek": true, "dayofyear": true,
	"hour": true, "minute": true, "second": true, "date_trunc": true, "date_format": true, "to_date": true, "to_timestamp": true,
	"timestampdiff": true, "timestampadd": true, "add": true, "sub": true, "date_add": true, "date_sub": true, "datediff": true,
	"add_months": true, "last_day": true, "concat": true, "concat_ws": true, "array_join": true,
}

// ReadsClock reports whether the function shows or computes with instants as
// the clock of their time zone does.
func (f *Function) ReadsClock() bool { return readsClock[f.Name] }

// zoneClocks are the clocks of a column of names of zones.
type zoneClocks struct {
	arg   textArg
	per   int64
	last  string
	known bool
	clock *zone.Clock
}

func (z *zoneClocks) at(i int) (*zone.Clock, error) {
	if s := z.arg.string(i); !z.known || s != z.last {
		loc, err := FindZone(s)
		if err != nil {
			return nil, err
		}
		z.clock, z.last, z.known = zone.New(loc, z.per), string(z.arg.at(i)), true
	}
	return z.clock, nil
}

// bindConvertTZ resolves CONVERT_TZ(x, from, to): what a clock in one zone shows
// when a clock in the other one shows x, a timestamp or a text.
func bindConvertTZ(f *Function, args []Arg) (*Binding, error) {
	if !accepts(args[1], textType) || !accepts(args[2], textType) {
		return nil, f.mismatch(args)
	}
	for _, a := range args[1:] {
		if s, ok := a.stringConst(); ok {
			if _, err := FindZone(s); err != nil {
				return nil, err
			}
		}
	}
	if isText(args[0].Type) {
		b := &Binding{Args: same(textType, 3), Out: textType, Fails: true}
		seconds := &arrow.TimestampType{Unit: arrow.Second}
		convert := convertTZ(seconds)
		b.Kernel = func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
			x, err := Cast(mem, args[0].Array, seconds, false)
			if err != nil {
				return nil, err
			}
			defer x.Release()
			a, err := convert(mem, n, []Datum{{x, args[0].Const}, args[1], args[2]})
			if err != nil {
				return nil, err
			}
			defer a.Release()
			return Cast(mem, a, textType, false)
		}
		return b, nil
	}
	t := acceptsInstant(args[0], false)
	if t == nil {
		return nil, f.mismatch(args)
	}
	t = &arrow.TimestampType{Unit: unitOf(t)}
	return &Binding{Args: []arrow.DataType{t, textType, textType}, Out: t, Fails: true, Kernel: convertTZ(t)}, nil
}

func convertTZ(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x := instantsOf(args[0])
		per := perSecond(unitOf(t))
		from, to := zoneClocks{arg: textsOf(args[1]), per: per}, zoneClocks{arg: textsOf(args[2]), per: per}
		valid := strict(mem, n, args...)
		buf, out := fixed[int64](mem, n)
		for i := range out {
			if !valid.get(i) {
				continue
			}
			there, err := from.at(i)
			if err != nil {
				giveUp(valid, buf)
				return nil, err
			}
			here, err := to.at(i)
			if err != nil {
				giveUp(valid, buf)
				return nil, err
			}
			out[i] = here.Local(there.Instant(x.at(i)))
		}
		return finish(t, valid, buf), nil
	}
}
