package kernels

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/suggest"
	"github.com/arrowstream/arrowstream/internal/zone"
)

// FindZone is [zone.Find] with an error, of code AS4003, for names that are no
// zone.
func FindZone(name string) (*time.Location, error) {
	if loc, ok := zone.Find(name); ok {
		return loc, nil
	}
	known := []string{"UTC", "local", "+01:00", "Europe/London", "Europe/Berlin", "Europe/Zurich", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Shanghai", "Asia/Kolkata"}
	return nil, &Error{Code: CodeValue, Msg: "unknown time zone '" + cut(name) + "'", Hint: suggest.Hint(name, known, "zones, for example")}
}

// zoned reports whether t is a timestamp with a zone, an instant.
func zoned(t arrow.DataType) bool {
	ts, ok := t.(*arrow.TimestampType)
	return ok && ts.TimeZone != ""
}

// wallClock is the clock in which values of type t are shown and read: that of
// its zone, nil for UTC and for types without a zone.
func wallClock(t arrow.DataType) (*zone.Clock, error) {
	ts, ok := t.(*arrow.TimestampType)
	if !ok || ts.TimeZone == "" {
		return nil, nil
	}
	loc, err := FindZone(ts.TimeZone)
	if loc == nil || err != nil {
		return nil, err
	}
	return zone.New(loc, perSecond(ts.Unit)), nil
}
