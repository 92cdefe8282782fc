package kernels

import (
	"slices"
	"strings"
)

// timePattern is a compiled Java date pattern (DateTimeFormatter letters), in
// English and UTC.
type timePattern []timeToken

// timeToken is a run of one letter, or literal text if letter is 0.
type timeToken struct {
	letter byte
	count  int
	text   string
}

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

var dayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// patternLetters are the letters that are known, with the most of each.
var patternLetters = map[byte]int{
	'y': 9, 'u': 9, 'M': 4, 'L': 4, 'd': 2, 'D': 3, 'E': 4, 'Q': 2, 'q': 2, 'w': 2, 'Y': 9,
	'H': 2, 'h': 2, 'k': 2, 'K': 2, 'm': 2, 's': 2, 'S': 9, 'a': 1, 'X': 3, 'x': 3, 'Z': 3, 'z': 4, 'V': 2,
}

// compileTime reads a pattern such as yyyy-MM-dd'T'HH:mm:ss.SSS.
func compileTime(pattern string) (timePattern, error) {
	var p timePattern
	literal := func(s string) {
		if n := len(p); n > 0 && p[n-1].letter == 0 {
			p[n-1].text += s
			return
		}
		p = append(p, timeToken{text: s})
	}
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return nil, errorf(CodePattern, "date pattern %q: unclosed quote", cut(pattern))
			}
			if end == 0 {
				literal("'")
			} else {
				literal(pattern[i+1 : i+1+end])
			}
			i += end + 2
			// Two quotes inside a quoted text are one quote.
			if end > 0 && i < len(pattern) && pattern[i] == '\'' {
				literal("'")
				next := strings.IndexByte(pattern[i+1:], '\'')
				if next < 0 {
					return nil, errorf(CodePattern, "date pattern %q: unclosed quote", cut(pattern))
				}
				literal(pattern[i+1 : i+1+next])
				i += next + 2
			}
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			most, ok := patternLetters[c]
			if !ok || n > most {
				return nil, &Error{Code: CodePattern, Msg: "date pattern '" + cut(pattern) + "': " + strings.Repeat(string(c), min(n, 10)) + " is not known", Hint: "letters: y M d E D Q w H h m s S a X x Z; quote other letters"}
			}
			p = append(p, timeToken{letter: c, count: n})
			i += n
		default:
			literal(pattern[i : i+1])
			i++
		}
	}
	return p, nil
}

// zoneText is what a pattern shows of the zone of an instant.
type zoneText struct {
	offset   int64  // seconds east of UTC
	id, abbr string // Europe/Zurich, CET
}

var utcText = zoneText{id: "UTC", abbr: "UTC"}

// showsZone reports whether the pattern has a letter for the zone.
func (p timePattern) showsZone() bool {
	return slices.ContainsFunc(p, func(t timeToken) bool { return strings.IndexByte("XxZzV", t.letter) >= 0 })
}

// append writes a day and the nanoseconds of the day in a zone.
func (p timePattern) append(dst []byte, day, nanos int64, zone zoneText) []byte {
	year, month, dom := civilOf(day)
	for _, t := range p {
		switch t.letter {
		case 0:
			dst = append(dst, t.text...)
		case 'y', 'u':
			dst = appendYearField(dst, year, t.count)
		case 'Y':
			y, _ := isoWeek(day)
			dst = appendYearField(dst, y, t.count)
		case 'M', 'L':
			switch t.count {
			case 3:
				dst = append(dst, monthNames[month-1][:3]...)
			case 4:
				dst = append(dst, monthNames[month-1]...)
			default:
				dst = appendPadded(dst, int64(month), t.count)
			}
		case 'E':
			name := dayNames[weekday(day)]
			if t.count < 4 {
				name = name[:3]
			}
			dst = append(dst, name...)
		case 'S':
			frac := nanos % 1e9
			for range 9 - t.count {
				frac /= 10
			}
			dst = appendPadded(dst, frac, t.count)
		case 'a':
			dst = append(dst, "AMPM"[nanos/(43200*1e9)*2:][:2]...)
		case 'X', 'x', 'Z', 'z', 'V':
			dst = appendZone(dst, t, zone)
		default:
			dst = appendPadded(dst, t.value(day, nanos, month, dom), t.count)
		}
	}
	return dst
}

// value is the number of a numeric letter.
func (t timeToken) value(day, nanos int64, month, dom int) int64 {
	hour := nanos / 3600e9
	switch t.letter {
	case 'd':
		return int64(dom)
	case 'D':
		return int64(dayOfYear(day))
	case 'Q', 'q':
		return int64(month+2) / 3
	case 'w':
		_, week := isoWeek(day)
		return int64(week)
	case 'H':
		return hour
	case 'k':
		return (hour+23)%24 + 1
	case 'h':
		return (hour+11)%12 + 1
	case 'K':
		return hour % 12
	case 'm':
		return nanos / 60e9 % 60
	}
	return nanos / 1e9 % 60
}

func appendYearField(dst []byte, y int64, count int) []byte {
	if count == 2 {
		return appendPadded(dst, floorMod(y, 100), 2)
	}
	if y < 0 {
		dst, y = append(dst, '-'), -y
	}
	return appendPadded(dst, y, count)
}

// appendZone writes X and x as +hh[mm], +hhmm or +hh:mm for one, two or three
// letters, X as Z for UTC, Z as +hhmm, z as the abbreviation, V as the name.
func appendZone(dst []byte, t timeToken, zone zoneText) []byte {
	switch {
	case t.letter == 'X' && zone.offset == 0:
		return append(dst, 'Z')
	case t.letter == 'z':
		return append(dst, zone.abbr...)
	case t.letter == 'V':
		return append(dst, zone.id...)
	}
	sign, minutes := byte('+'), zone.offset/60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	dst = appendPadded(append(dst, sign), minutes/60, 2)
	offset := t.letter != 'Z'
	if offset && t.count == 1 && minutes%60 == 0 {
		return dst
	}
	if offset && t.count == 3 {
		dst = append(dst, ':')
	}
	return appendPadded(dst, minutes%60, 2)
}
