package kernels

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/zone"
)

// ParseTimestamp reads "2026-01-31", "2026-01-31 10:00", "2026-01-31T10:00:00.123Z"
// or a time with an offset such as +02:00 or -0530 as a count of units since
// the epoch. Text without an offset is taken as UTC. Digits finer than the unit
// are cut off. Blanks around are ignored.
func ParseTimestamp(s string, unit arrow.TimeUnit) (int64, error) {
	return parseInstant(s, unit, nil)
}

// parseInstant is ParseTimestamp for text that is, without an offset, what a
// clock shows, nil for that of UTC.
func parseInstant(s string, unit arrow.TimeUnit, clock *zone.Clock) (int64, error) {
	p := timeParser{s: trimBlanks(s)}
	day, ok := p.date()
	if !ok {
		return 0, badText(s, "TIMESTAMP", "2026-01-31 10:00:00.123")
	}
	var sec, nanos, shift int64
	if p.at < len(p.s) {
		if c := p.s[p.at]; c != ' ' && c != 'T' && c != 't' {
			return 0, badText(s, "TIMESTAMP", "2026-01-31 10:00:00.123")
		}
		p.at++
		sec, nanos, ok = p.clock()
		if ok && p.at < len(p.s) {
			clock = nil
			shift, ok = p.offset()
		}
		if !ok || p.at < len(p.s) {
			return 0, badText(s, "TIMESTAMP", "2026-01-31 10:00:00.123")
		}
	}
	v, ok := join(day*secondsPerDay+sec-shift, nanos, unit)
	if !ok {
		return 0, errorf(CodeOverflow, "timestamp %q is out of range of unit %s", cut(s), unit)
	}
	if clock != nil {
		v = clock.Instant(v)
	}
	return v, nil
}

// ParseDate reads "2026-01-31" as days since the epoch. A time after the date
// is checked and ignored.
func ParseDate(s string) (int32, error) {
	t := trimBlanks(s)
	p := timeParser{s: t}
	day, ok := p.date()
	if ok && p.at < len(t) {
		_, err := ParseTimestamp(t, arrow.Second)
		ok = err == nil
	}
	if !ok || day != int64(int32(day)) {
		return 0, badText(s, "DATE", "2026-01-31")
	}
	return int32(day), nil
}

// ParseTime reads "10:00" or "10:00:00.123" as a count of units since midnight.
func ParseTime(s string, unit arrow.TimeUnit) (int64, error) {
	p := timeParser{s: trimBlanks(s)}
	sec, nanos, ok := p.clock()
	if !ok || p.at < len(p.s) {
		return 0, badText(s, "TIME", "10:00:00.123")
	}
	v, _ := join(sec, nanos, unit)
	return v, nil
}

func badText(s, kind, example string) error {
	return &Error{Code: CodeValue, Msg: "cannot read " + strconv.Quote(cut(s)) + " as " + kind, Hint: "write it as '" + example + "'"}
}

// join is seconds and nanoseconds as a count of units, rounded down.
func join(sec, nanos int64, unit arrow.TimeUnit) (int64, bool) {
	per := perSecond(unit)
	v, ok := mulCheck(sec, per)
	if !ok {
		return 0, false
	}
	sum := v + nanos/(1e9/per)
	return sum, sum >= v
}

// mulCheck is a*b and whether it fits.
func mulCheck(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	hi -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a)
	return int64(lo), int64(hi) == int64(lo)>>63
}

func trimBlanks(s string) string {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// timeParser reads a text from left to right; at is the next byte.
type timeParser struct {
	s  string
	at int
}

// number reads between least and most digits.
func (p *timeParser) number(least, most int) (int64, bool) {
	from, v := p.at, int64(0)
	for p.at < len(p.s) && p.at-from < most && p.s[p.at]-'0' <= 9 {
		v = v*10 + int64(p.s[p.at]-'0')
		p.at++
	}
	return v, p.at-from >= least
}

func (p *timeParser) byte(c byte) bool {
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

// date reads [+-]yyyy-mm-dd as a day number.
func (p *timeParser) date() (int64, bool) {
	negative := p.byte('-')
	if !negative {
		p.byte('+')
	}
	y, ok := p.number(4, 7)
	if !ok || !p.byte('-') {
		return 0, false
	}
	m, ok1 := p.number(2, 2)
	dash := p.byte('-')
	d, ok2 := p.number(2, 2)
	if negative {
		y = -y
	}
	if !ok1 || !dash || !ok2 || m < 1 || m > 12 || d < 1 || int(d) > monthLength(y, int(m)) {
		return 0, false
	}
	return dayOf(y, int(m), int(d)), true
}

// clock reads hh:mm[:ss[.fraction]].
func (p *timeParser) clock() (sec, nanos int64, ok bool) {
	h, ok1 := p.number(2, 2)
	colon := p.byte(':')
	m, ok2 := p.number(2, 2)
	if !ok1 || !colon || !ok2 || h > 23 || m > 59 {
		return 0, 0, false
	}
	var s int64
	if p.byte(':') {
		if s, ok = p.number(2, 2); !ok || s > 59 {
			return 0, 0, false
		}
		if p.byte('.') {
			if nanos, ok = p.fraction(); !ok {
				return 0, 0, false
			}
		}
	}
	return h*3600 + m*60 + s, nanos, true
}

// fraction reads digits after a decimal point as nanoseconds.
func (p *timeParser) fraction() (int64, bool) {
	from := p.at
	nanos, ok := p.number(1, 9)
	for range 9 - (p.at - from) {
		nanos *= 10
	}
	for p.at < len(p.s) && p.s[p.at]-'0' <= 9 {
		p.at++
	}
	return nanos, ok
}

// offset reads nothing, Z, " UTC" or ±hh[[:]mm] as seconds east of UTC.
func (p *timeParser) offset() (int64, bool) {
	if p.at == len(p.s) {
		return 0, true
	}
	if p.s[p.at:] == " UTC" {
		p.at = len(p.s)
		return 0, true
	}
	if p.byte('Z') || p.byte('z') {
		return 0, true
	}
	sign := int64(1)
	switch {
	case p.byte('-'):
		sign = -1
	case !p.byte('+'):
		return 0, false
	}
	h, ok := p.number(2, 2)
	if !ok || h > 18 {
		return 0, false
	}
	p.byte(':')
	var m int64
	if p.at < len(p.s) {
		if m, ok = p.number(2, 2); !ok || m > 59 {
			return 0, false
		}
	}
	return sign * (h*3600 + m*60), true
}

// appendDate writes yyyy-mm-dd; years outside 0000 to 9999 carry a sign.
func appendDate(dst []byte, day int64) []byte {
	y, m, d := civilOf(day)
	dst = appendYear(dst, y)
	dst = append(dst, '-')
	dst = appendPadded(dst, int64(m), 2)
	dst = append(dst, '-')
	return appendPadded(dst, int64(d), 2)
}

func appendYear(dst []byte, y int64) []byte {
	switch {
	case y < 0:
		dst, y = append(dst, '-'), -y
	case y > 9999:
		dst = append(dst, '+')
	}
	return appendPadded(dst, y, 4)
}

// appendPadded writes v, which is not negative, with at least width digits.
func appendPadded(dst []byte, v int64, width int) []byte {
	switch {
	case width == 2 && v < 100:
		return append(dst, byte('0'+v/10), byte('0'+v%10))
	case width == 4 && v < 10000:
		return append(dst, byte('0'+v/1000), byte('0'+v/100%10), byte('0'+v/10%10), byte('0'+v%10))
	}
	for p := int64(math.Pow10(width - 1)); p > v && p > 1; p /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, v, 10)
}

// appendClock writes hh:mm:ss and, if there is one, the fraction without
// trailing zeros.
func appendClock(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	per := perSecond(unit)
	sec, frac := v/per, v%per
	dst = appendPadded(dst, sec/3600, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, sec/60%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, sec%60, 2)
	return appendFraction(dst, frac, 3*int(unit))
}

func appendFraction(dst []byte, frac int64, digits int) []byte {
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, frac, digits)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendTimestamp writes "2026-01-31 10:00:00.123", UTC.
func appendTimestamp(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	perDay := perSecond(unit) * secondsPerDay
	dst = appendDate(dst, columnar.FloorDiv(v, perDay))
	dst = append(dst, ' ')
	return appendClock(dst, floorMod(v, perDay), unit)
}

// appendDuration writes [-]d hh:mm:ss[.fraction].
func appendDuration(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	u := uint64(v)
	if v < 0 {
		dst, u = append(dst, '-'), -u
	}
	perDay := uint64(perSecond(unit) * secondsPerDay)
	dst = strconv.AppendUint(dst, u/perDay, 10)
	dst = append(dst, ' ')
	return appendClock(dst, int64(u%perDay), unit)
}
