package kernels

import "strings"

// timeFields collects what a pattern reads.
type timeFields struct {
	year                     int64
	month, dom, doy          int64
	hour, minute, sec, nanos int64
	half                     int64 // hours of a 12-hour clock
	pm, clock12              bool
	offset                   int64
	zoned                    bool // there is an offset
}

// parse reads s, all of it, as seconds since the epoch and nanoseconds. What
// the pattern does not hold is taken from 1970-01-01 00:00:00. zoned tells that
// s has an offset from UTC.
func (p timePattern) parse(s string) (sec, nanos int64, zoned, ok bool) {
	in := timeParser{s: s}
	f := timeFields{year: 1970, month: 1, dom: 1}
	for i, t := range p {
		fixed := i+1 < len(p) && p[i+1].numeric()
		if !f.read(&in, t, fixed) {
			return 0, 0, false, false
		}
	}
	if in.at < len(s) {
		return 0, 0, false, false
	}
	sec, nanos, ok = f.instant()
	return sec, nanos, f.zoned, ok
}

// numeric reports whether the token is written as digits.
func (t timeToken) numeric() bool {
	switch t.letter {
	case 0, 'E', 'a', 'X', 'x', 'Z', 'z', 'V':
		return false
	case 'M', 'L':
		return t.count < 3
	}
	return true
}

// read reads one token. Digits run on when the pattern has one letter and no
// number follows, else there are as many as letters.
func (f *timeFields) read(in *timeParser, t timeToken, followed bool) bool {
	if !t.numeric() {
		return f.readText(in, t)
	}
	least, most := t.count, t.count
	switch {
	case t.letter == 'S':
		from := in.at
		v, ok := in.number(least, most)
		for range 9 - (in.at - from) {
			v *= 10
		}
		f.nanos = v
		return ok
	case t.letter == 'y' || t.letter == 'u':
		return f.readYear(in, t, followed)
	case t.count == 1 && !followed:
		most = 2
		if t.letter == 'D' {
			most = 3
		}
	}
	v, ok := in.number(least, most)
	if !ok {
		return false
	}
	switch t.letter {
	case 'M', 'L':
		f.month = v
	case 'd':
		f.dom = v
	case 'D':
		f.doy = v
		return v >= 1
	case 'H':
		f.hour = v
	case 'k':
		f.hour = v % 24
		return v >= 1 && v <= 24
	case 'h':
		f.half, f.clock12 = v%12, true
		return v >= 1 && v <= 12
	case 'K':
		f.half, f.clock12 = v, true
		return v < 12
	case 'm':
		f.minute = v
	case 's':
		f.sec = v
	default:
		return false // quarters and weeks do not say which day
	}
	return true
}

func (f *timeFields) readYear(in *timeParser, t timeToken, followed bool) bool {
	negative := in.byte('-')
	least, most := t.count, t.count
	if !followed && t.count != 2 {
		most = 7
	}
	v, ok := in.number(least, most)
	if t.count == 2 {
		v += 2000
	}
	if negative {
		v = -v
	}
	f.year = v
	return ok
}

// readText reads literal text, names and zones.
func (f *timeFields) readText(in *timeParser, t timeToken) bool {
	rest := in.s[in.at:]
	switch t.letter {
	case 0:
		if !strings.HasPrefix(rest, t.text) {
			return false
		}
		in.at += len(t.text)
		return true
	case 'a':
		if len(rest) < 2 {
			return false
		}
		f.pm = strings.EqualFold(rest[:2], "pm")
		in.at += 2
		return f.pm || strings.EqualFold(rest[:2], "am")
	case 'E':
		_, ok := in.name(dayNames[:], t.count < 4)
		return ok
	case 'M', 'L':
		m, ok := in.name(monthNames[:], t.count < 4)
		f.month = int64(m) + 1
		return ok
	case 'z', 'V':
		if !strings.HasPrefix(rest, "UTC") && !strings.HasPrefix(rest, "GMT") {
			return false
		}
		in.at += 3
		f.zoned = true
		return true
	}
	if in.at == len(in.s) {
		return false
	}
	var ok bool
	f.zoned = true
	f.offset, ok = in.offset()
	return ok
}

// name reads one of names, or its first three letters, in any case.
func (p *timeParser) name(names []string, short bool) (int, bool) {
	for i, n := range names {
		if short {
			n = n[:3]
		}
		if len(p.s)-p.at >= len(n) && strings.EqualFold(p.s[p.at:p.at+len(n)], n) {
			p.at += len(n)
			return i, true
		}
	}
	return 0, false
}

func (f *timeFields) instant() (sec, nanos int64, ok bool) {
	if f.clock12 {
		f.hour = f.half
		if f.pm {
			f.hour += 12
		}
	}
	if f.month < 1 || f.month > 12 || f.dom < 1 || int(f.dom) > monthLength(f.year, int(f.month)) || f.hour > 23 || f.minute > 59 || f.sec > 59 {
		return 0, 0, false
	}
	day := dayOf(f.year, int(f.month), int(f.dom))
	if f.doy > 0 {
		if f.doy > 366 || f.doy == 366 && !leap(f.year) {
			return 0, 0, false
		}
		day = dayOf(f.year, 1, 1) + f.doy - 1
	}
	return day*secondsPerDay + f.hour*3600 + f.minute*60 + f.sec - f.offset, f.nanos, true
}
