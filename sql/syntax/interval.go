package syntax

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// intervalUnits are the units of INTERVAL, fine to coarse. Year-month units
// have months, day-time units nanoseconds.
var intervalUnits = []struct {
	name   string
	nanos  int64
	months int64
}{
	{"NANOSECOND", 1, 0},
	{"MICROSECOND", 1e3, 0},
	{"MILLISECOND", 1e6, 0},
	{"SECOND", 1e9, 0},
	{"MINUTE", 60e9, 0},
	{"HOUR", 3600e9, 0},
	{"DAY", 86400e9, 0},
	{"WEEK", 7 * 86400e9, 0},
	{"MONTH", 0, 1},
	{"QUARTER", 0, 3},
	{"YEAR", 0, 12},
}

var shortUnits = map[string]string{
	"NS": "NANOSECOND", "US": "MICROSECOND", "MS": "MILLISECOND", "S": "SECOND", "SEC": "SECOND", "SECS": "SECOND", "M": "MINUTE", "MIN": "MINUTE", "MINS": "MINUTE",
	"H": "HOUR", "HR": "HOUR", "HRS": "HOUR", "D": "DAY", "W": "WEEK", "MON": "MONTH", "MONS": "MONTH", "Y": "YEAR", "MILLIS": "MILLISECOND", "MICROS": "MICROSECOND",
}

// unitIndex finds a unit by its name, singular or plural; short forms are
// accepted where short is set.
func unitIndex(word string, short bool) int {
	w := strings.ToUpper(word)
	if full, ok := shortUnits[w]; ok && short {
		w = full
	}
	for i, u := range intervalUnits {
		if w == u.name || w == u.name+"S" {
			return i
		}
	}
	return -1
}

// unitNames are the units that are suggested.
func unitNames() (out []string) {
	for _, u := range intervalUnits {
		out = append(out, u.name)
	}
	return out
}

// plainNumber reports whether text is a number without a unit.
func plainNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// intervalSum adds up the parts of an interval literal.
type intervalSum struct {
	months, nanos        big.Rat
	hasMonths, hasNanos  bool
	badNumber, badFormat bool
}

func (s *intervalSum) add(number string, unit int) {
	x, ok := new(big.Rat).SetString(strings.ReplaceAll(number, "_", ""))
	if !ok || len(number) > 40 || strings.ContainsAny(number, "eE/xX") {
		s.badNumber = true
		return
	}
	u := intervalUnits[unit]
	if u.months > 0 {
		s.hasMonths = true
		s.months.Add(&s.months, x.Mul(x, new(big.Rat).SetInt64(u.months)))
		return
	}
	s.hasNanos = true
	s.nanos.Add(&s.nanos, x.Mul(x, new(big.Rat).SetInt64(u.nanos)))
}

// interval takes an INTERVAL literal in any of its forms.
func (p *parser) interval() Expr {
	start := p.take().Span
	neg := p.op("-")
	var sum intervalSum
	if t := p.cur(); t.kind == tokString {
		p.take()
		text := strings.TrimSpace(t.text)
		if rest, ok := strings.CutPrefix(text, "-"); ok {
			text, neg = strings.TrimSpace(rest), !neg
		}
		if u := p.cur(); u.kind == tokIdent && unitIndex(u.up, false) >= 0 {
			p.take()
			from, to := unitIndex(u.up, false), -1
			if p.word("TO") {
				u2 := p.cur()
				if to = unitIndex(u2.up, false); u2.kind != tokIdent || to < 0 {
					p.unexpected("a unit such as SECOND")
				}
				p.take()
			}
			sum.unitForm(text, from, to)
		} else if plainNumber(text) && u.kind == tokIdent && !isReserved(u) {
			p.fail(u.Span, "AS1104", u.describe(p.src)+" is no unit of an interval", arrowstream.Suggest(u.text, unitNames(), "units"))
		} else {
			sum.words(text)
		}
	} else {
		p.intervalNumbers(&sum)
	}
	at := p.since(start)
	return p.finishInterval(at, &sum, neg)
}

// intervalNumbers takes number unit {number unit}.
func (p *parser) intervalNumbers(sum *intervalSum) {
	for n := p.cur(); n.kind == tokNumber; n = p.cur() {
		digits := strings.TrimRightFunc(n.text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if suffix := n.text[len(digits):]; suffix != "" { // 10s
			unit := unitIndex(suffix, true)
			if unit < 0 {
				p.unexpected("a number and a unit")
				return
			}
			p.take()
			sum.add(digits, unit)
			continue
		}
		unit := p.at(1)
		if i := unitIndex(unit.text, true); unit.kind == tokIdent && i >= 0 {
			p.take()
			p.take()
			sum.add(n.text, i)
			continue
		}
		if sum.hasMonths || sum.hasNanos {
			return
		}
		p.take()
		p.unexpected("a unit such as SECOND")
		return
	}
}

// words reads '10 seconds' and '1 day 2 hours'.
func (s *intervalSum) words(text string) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		s.badFormat = true
	}
	for i := 0; i < len(fields); i++ {
		number := strings.TrimRightFunc(fields[i], func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		unit := fields[i][len(number):]
		if unit == "" && i+1 < len(fields) {
			i++
			unit = fields[i]
		}
		k := unitIndex(unit, true)
		if k < 0 || number == "" {
			s.badFormat = true
			return
		}
		s.add(number, k)
	}
}

// unitForm reads '10' SECOND, '1:30' HOUR TO MINUTE and '1-6' YEAR TO MONTH.
func (s *intervalSum) unitForm(text string, from, to int) {
	if to < 0 {
		if text == "" || strings.Trim(text, "0123456789._") != "" {
			s.badFormat = true
			return
		}
		s.add(text, from)
		return
	}
	name := func(i int) string { return intervalUnits[i].name }
	sequence := []string{"DAY", "HOUR", "MINUTE", "SECOND"}
	if name(from) == "YEAR" {
		sequence = []string{"YEAR", "MONTH"}
	}
	first, last := slices.Index(sequence, name(from)), slices.Index(sequence, name(to))
	if first < 0 || last <= first {
		s.badFormat = true
		return
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ' ' || r == '-' })
	if len(parts) != last-first+1 {
		s.badFormat = true
		return
	}
	for i, part := range parts {
		if strings.Trim(part, "0123456789.") != "" {
			s.badFormat = true
			return
		}
		s.add(part, unitIndex(sequence[first+i], false))
	}
}

func (p *parser) finishInterval(at Span, s *intervalSum, neg bool) Expr {
	out := &Interval{Span: at, YearMonth: s.hasMonths}
	if p.failed {
		return out
	}
	form := "write INTERVAL '10' SECOND, INTERVAL '1 day 2 hours' or INTERVAL '1:30' HOUR TO MINUTE"
	whole := &s.nanos
	if s.hasMonths {
		whole = &s.months
	}
	switch {
	case s.badFormat || s.badNumber || !s.hasMonths && !s.hasNanos:
		p.fail(at, "AS1104", "not an interval: "+cut(p.src.Slice(at)), form)
	case s.hasMonths && s.hasNanos:
		p.fail(at, "AS1104", "an interval holds months or days, not both", "days have a fixed length, months do not; write two intervals")
	case !whole.IsInt():
		p.fail(at, "AS1104", "interval is finer than its unit allows: "+cut(p.src.Slice(at)), form)
	case !whole.Num().IsInt64() || whole.Num().Int64() == math.MinInt64:
		p.fail(at, "AS1104", "interval is out of range: "+cut(p.src.Slice(at)), "the longest one is about 292 years")
	}
	if p.failed {
		return out
	}
	n := whole.Num().Int64()
	if neg {
		n = -n
	}
	if s.hasMonths {
		out.Months = n
	} else {
		out.Nanos = n
	}
	return out
}

// String is the canonical spelling: one unit, the coarsest that is exact.
func (i *Interval) String() string {
	n, months := i.Nanos, i.YearMonth
	if months {
		n = i.Months
	}
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	for k := len(intervalUnits) - 1; k >= 0; k-- {
		u := intervalUnits[k]
		size := u.nanos
		if months {
			size = u.months
		}
		if size == 0 || u.name == "WEEK" || u.name == "QUARTER" || n%size != 0 || n == 0 && u.name != "SECOND" && u.name != "MONTH" {
			continue
		}
		return "INTERVAL " + sign + "'" + strconv.FormatInt(n/size, 10) + "' " + u.name
	}
	return "INTERVAL '0' SECOND"
}
