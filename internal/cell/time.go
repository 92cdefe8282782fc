package cell

import (
	"errors"
	"math"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

var (
	errTime   = errors.New("not a time (want 2006-01-02T15:04:05Z)")
	errDate   = errors.New("not a date (want 2006-01-02)")
	errOfDay  = errors.New("not a time of day (want 15:04:05)")
	errSpan   = errors.New("a time that its column cannot hold")
	perSecond = [...]int64{arrow.Second: 1, arrow.Millisecond: 1e3, arrow.Microsecond: 1e6, arrow.Nanosecond: 1e9}
)

// instant is a point in time as it was written.
type instant struct {
	days   int64 // since 1970-01-01
	second int64 // of the day; less the offset of the zone
	nanos  int64
	timed  bool // has a time of day
	zoned  bool // has a zone
}

// ParseTimestamp reads 2006-01-02, optionally followed by T or a blank and
// 15:04[:05[.fraction]], optionally followed by Z or an offset, as a number of
// units since 1970-01-01 UTC. Without zone it is taken as UTC. Digits beyond
// the unit are cut.
func ParseTimestamp(v []byte, unit arrow.TimeUnit) (int64, error) {
	t, ok := parseInstant(v)
	if !ok {
		return 0, errTime
	}
	per := perSecond[unit]
	seconds := t.days*86400 + t.second
	if seconds > math.MaxInt64/per-1 || seconds < math.MinInt64/per+1 {
		return 0, errSpan
	}
	return seconds*per + t.nanos/(1e9/per), nil
}

func parseInstant(v []byte) (t instant, ok bool) {
	if len(v) < 10 {
		return t, false
	}
	if t.days, ok = parseDate(v[:10]); !ok {
		return t, false
	}
	if v = v[10:]; len(v) == 0 {
		return t, true
	}
	if v[0] != 'T' && v[0] != ' ' && v[0] != 't' {
		return t, false
	}
	t.timed = true
	if t.second, t.nanos, v, ok = parseClock(v[1:]); !ok {
		return t, false
	}
	offset, zoned, ok := parseZone(v)
	t.second -= offset
	t.zoned = zoned
	return t, ok
}

// parseClock reads 15:04[:05[.fraction]] and returns what follows.
func parseClock(v []byte) (second, nanos int64, rest []byte, ok bool) {
	if len(v) < 5 || v[2] != ':' {
		return 0, 0, v, false
	}
	h, ok1 := two(v)
	m, ok2 := two(v[3:])
	s, ok3 := int64(0), true
	v = v[5:]
	if len(v) >= 3 && v[0] == ':' {
		s, ok3 = two(v[1:])
		v = v[3:]
		if len(v) > 1 && (v[0] == '.' || v[0] == ',') {
			scale := int64(1e8)
			i := 1
			for ; i < len(v) && v[i] >= '0' && v[i] <= '9'; i++ {
				nanos += int64(v[i]-'0') * scale
				scale /= 10
			}
			if i == 1 {
				return 0, 0, v, false
			}
			v = v[i:]
		}
	}
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 59 {
		return 0, 0, v, false
	}
	return h*3600 + m*60 + s, nanos, v, true
}

// parseZone reads nothing, Z or an offset: +01, +0130, +01:30.
func parseZone(v []byte) (offset int64, zoned, ok bool) {
	switch {
	case len(v) == 0:
		return 0, false, true
	case len(v) == 1:
		return 0, true, v[0] == 'Z' || v[0] == 'z'
	case v[0] != '+' && v[0] != '-':
		return 0, false, false
	}
	sign := int64(1)
	if v[0] == '-' {
		sign = -1
	}
	h, ok := two(v[1:])
	m := int64(0)
	if v = v[min(3, len(v)):]; len(v) == 3 && v[0] == ':' {
		v = v[1:]
	}
	if len(v) > 0 {
		var ok2 bool
		m, ok2 = two(v)
		ok = ok && ok2 && len(v) == 2
	}
	return sign * (h*3600 + m*60), true, ok && h <= 23 && m <= 59
}

func two(v []byte) (int64, bool) {
	if len(v) < 2 || v[0]-'0' > 9 || v[1]-'0' > 9 {
		return 0, false
	}
	return int64(v[0]-'0')*10 + int64(v[1]-'0'), true
}

// parseDate reads 2006-01-02 as days since 1970-01-01.
func parseDate(v []byte) (int64, bool) {
	if len(v) != 10 || v[4] != '-' || v[7] != '-' {
		return 0, false
	}
	hi, ok1 := two(v)
	lo, ok2 := two(v[2:])
	m, ok3 := two(v[5:])
	d, ok4 := two(v[8:])
	y := hi*100 + lo
	if !ok1 || !ok2 || !ok3 || !ok4 || m < 1 || m > 12 || d < 1 || d > monthDays(y, m) {
		return 0, false
	}
	return daysOf(y, m, d), true
}

func monthDays(y, m int64) int64 {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysOf counts days since 1970-01-01 in the proleptic Gregorian calendar: in
// years that begin in March, leap days come last.
func daysOf(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := columnar.FloorDiv(y, 400)
	of := y - era*400
	day := (153*(m-3)+2)/5 + d - 1
	return era*146097 + of*365 + of/4 - of/100 + day - 719468
}

// dateOf is the inverse of daysOf.
func dateOf(days int64) (y, m, d int64) {
	days += 719468
	era := columnar.FloorDiv(days, 146097)
	day := days - era*146097
	of := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*of + of/4 - of/100
	p := (5*day + 2) / 153
	y, m, d = of+era*400, p+3, day-(153*p+2)/5+1
	if m > 12 {
		y, m = y+1, m-12
	}
	return y, m, d
}

func (c *Column) appendDate(v []byte) error {
	days, ok := parseDate(v)
	if !ok {
		return errDate
	}
	if c.ID == arrow.DATE64 {
		c.AppendInt64(days * 86_400_000)
	} else {
		c.AppendInt32(int32(days))
	}
	return nil
}

func (c *Column) appendTime(v []byte, unit arrow.TimeUnit) error {
	second, nanos, rest, ok := parseClock(v)
	if !ok || len(rest) > 0 {
		return errOfDay
	}
	per := perSecond[unit]
	c.AppendInteger(second*per + nanos/(1e9/per))
	return nil
}

func appendDigits(b []byte, v int64, width int) []byte {
	at := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := width - 1; i >= 0; i-- {
		b[at+i] = '0' + byte(v%10)
		v /= 10
	}
	return b
}

// AppendDate renders days since 1970-01-01.
func AppendDate(b []byte, days int64) []byte {
	y, m, d := dateOf(days)
	if y < 0 {
		b, y = append(b, '-'), -y
	}
	b = append(appendDigits(b, y, max(4, digitsOf(y))), '-')
	return appendDigits(append(appendDigits(b, m, 2), '-'), d, 2)
}

func digitsOf(v int64) int {
	n := 1
	for ; v > 9; v /= 10 {
		n++
	}
	return n
}

// AppendTimestamp renders a number of units since 1970-01-01 UTC as date, sep
// and time, with 3, 6 or 9 digits of a fraction if it has one, and Z if zoned.
func AppendTimestamp(b []byte, v int64, unit arrow.TimeUnit, sep byte, zoned bool) []byte {
	per := perSecond[unit]
	seconds := columnar.FloorDiv(v, per)
	days := columnar.FloorDiv(seconds, 86400)
	b = append(AppendDate(b, days), sep)
	b = appendClock(b, seconds-days*86400, (v-seconds*per)*(1e9/per))
	if zoned {
		b = append(b, 'Z')
	}
	return b
}

// AppendTimeOfDay renders a number of units since midnight.
func AppendTimeOfDay(b []byte, v int64, unit arrow.TimeUnit) []byte {
	per := perSecond[unit]
	return appendClock(b, columnar.FloorDiv(v, per), (v-columnar.FloorDiv(v, per)*per)*(1e9/per))
}

func appendClock(b []byte, second, nanos int64) []byte {
	if second < 0 {
		b, second = append(b, '-'), -second
	}
	b = append(appendDigits(b, second/3600, max(2, digitsOf(second/3600))), ':')
	b = append(appendDigits(b, second/60%60, 2), ':')
	b = appendDigits(b, second%60, 2)
	switch {
	case nanos == 0:
		return b
	case nanos%1e6 == 0:
		return appendDigits(append(b, '.'), nanos/1e6, 3)
	case nanos%1e3 == 0:
		return appendDigits(append(b, '.'), nanos/1e3, 6)
	}
	return appendDigits(append(b, '.'), nanos, 9)
}

// looksLikeTime reports whether v is written as a date or an instant, and in
// the latter case whether with a zone.
func looksLikeTime(v []byte) (date, zoned, ok bool) {
	t, ok := parseInstant(v)
	return !t.timed, t.zoned, ok
}
