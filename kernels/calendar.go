package kernels

import "github.com/arrowstream/arrowstream/columnar"

// The proleptic Gregorian calendar on day numbers since 1970-01-01, for all
// int32 days, without time.Time.

const secondsPerDay = 86400

// floorMod is a - b*columnar.FloorDiv(a, b).
func floorMod(a, b int64) int64 {
	r := a % b
	if r < 0 {
		r += b
	}
	return r
}

// civilOf is the date of a day number. Years are counted from March, so that
// the leap day is the last of its year, in eras of 400 years of 146,097 days.
func civilOf(day int64) (year int64, month, dom int) {
	z := day + 719468 // days since 0000-03-01
	era := columnar.FloorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	m := (5*doy + 2) / 153 // 0 is March
	dom = int(doy-(153*m+2)/5) + 1
	month = int(m) + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, dom
}

// dayOf is the day number of a date. A day of month past the end runs on.
func dayOf(year int64, month, dom int) int64 {
	m := int64(month) - 3
	if m < 0 {
		m += 12
		year--
	}
	era := columnar.FloorDiv(year, 400)
	yoe := year - era*400
	doy := (153*m+2)/5 + int64(dom) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

func leap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// monthLength is the number of days of a month.
func monthLength(year int64, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// addMonths is the day n months after day; a day of month past the end of the
// month becomes its last.
func addMonths(day, n int64) int64 {
	y, m, d := civilOf(day)
	k := y*12 + int64(m-1) + n
	y, m = columnar.FloorDiv(k, 12), int(floorMod(k, 12))+1
	return dayOf(y, m, min(d, monthLength(y, m)))
}

// weekday is 0 for Monday to 6 for Sunday.
func weekday(day int64) int { return int(floorMod(day+3, 7)) }

// dayOfYear counts from 1.
func dayOfYear(day int64) int {
	y, _, _ := civilOf(day)
	return int(day-dayOf(y, 1, 1)) + 1
}

// isoWeek is the week of ISO 8601 and the year it belongs to.
func isoWeek(day int64) (year int64, week int) {
	thursday := day - int64(weekday(day)) + 3
	year, _, _ = civilOf(thursday)
	return year, int(thursday-dayOf(year, 1, 1))/7 + 1
}
