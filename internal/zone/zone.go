// Package zone is floor 1: time zones by name, and their wall clocks.
//
// The zones are those of package time: of the machine, or of time/tzdata, which
// a binary that runs anywhere imports.
package zone

import (
	"strings"
	"sync"
	"time"
)

// zones are the zones that were looked up: *time.Location by name.
var zones sync.Map

// Find returns the zone of a name: one of the IANA data base such as
// Europe/Zurich, an offset such as +02:00, -0530, UTC+2 or GMT-03:30, or local,
// that of the machine. UTC is nil. ok is false for names that are none.
func Find(name string) (loc *time.Location, ok bool) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), true
	}
	loc, ok = load(name)
	if ok {
		zones.Store(name, loc)
	}
	return loc, ok
}

func load(name string) (*time.Location, bool) {
	upper := strings.ToUpper(name)
	switch upper {
	case "", "UTC", "Z", "GMT", "ETC/UTC", "UCT":
		return nil, true
	case "LOCAL":
		return time.Local, true
	}
	offset := strings.TrimPrefix(strings.TrimPrefix(upper, "UTC"), "GMT")
	if offset != "" && (offset[0] == '+' || offset[0] == '-') {
		return fixed(offset)
	}
	loc, err := time.LoadLocation(name)
	return loc, err == nil
}

// fixed reads +h, +hh, +hhmm or +hh:mm, up to 18 hours.
func fixed(s string) (*time.Location, bool) {
	digits := s[1:]
	if i := strings.IndexByte(digits, ':'); i >= 0 {
		digits = digits[:i] + digits[i+1:]
	}
	if len(digits) == 1 || len(digits) == 3 && s[2] == ':' {
		digits = "0" + digits
	}
	if len(digits) == 2 {
		digits += "00"
	}
	if len(digits) != 4 {
		return nil, false
	}
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return nil, false
		}
		n = 10*n + int(c-'0')
	}
	east := n/100*3600 + n%100*60
	if n/100 > 18 || n%100 > 59 {
		return nil, false
	}
	if s[0] == '-' {
		east = -east
	}
	if east == 0 {
		return nil, true
	}
	return time.FixedZone(s[:1]+digits[:2]+":"+digits[2:], east), true
}
