package cell

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/zone"
)

// timestamp appends a timestamp: one with a zone as the clock there shows it,
// with the offset, Z for UTC and for zones that are not known.
func (v *View) timestamp(b []byte, i int, t *arrow.TimestampType, sep byte) []byte {
	at := v.ints[i]
	if v.clock == nil {
		return AppendTimestamp(b, at, t.Unit, sep, t.TimeZone != "")
	}
	b = AppendTimestamp(b, v.clock.Local(at), t.Unit, sep, false)
	minutes := v.clock.Offset(at) / perSecond[t.Unit] / 60
	if minutes < 0 {
		b, minutes = append(b, '-'), -minutes
	} else {
		b = append(b, '+')
	}
	b = append(appendDigits(b, minutes/60, 2), ':')
	return appendDigits(b, minutes%60, 2)
}

// clockOf is the clock that shows timestamps of type t, nil for that of UTC.
func clockOf(t *arrow.TimestampType) *zone.Clock {
	if t.TimeZone == "" {
		return nil
	}
	loc, _ := zone.Find(t.TimeZone)
	if loc == nil {
		return nil
	}
	return zone.New(loc, perSecond[t.Unit])
}
