package hive

import (
	"cmp"
	"math"
	"strconv"
	"time"

	"github.com/arrowstream/arrowstream"
)

// Excludes reports whether no row of a file can satisfy all predicates on the
// columns that its folders give. What cannot be told apart here is read.
func Excludes(values []Value, predicates []arrowstream.Predicate) bool {
	for _, p := range predicates {
		if v, ok := Find(values, p.Column); ok && v.fails(p) {
			return true
		}
	}
	return false
}

// fails reports whether the value surely does not satisfy p.
func (v Value) fails(p arrowstream.Predicate) bool {
	switch p.Op {
	case "is null":
		return !v.Null
	case "is not null":
		return v.Null
	}
	if v.Null {
		return true
	}
	order, ok := v.compare(p.Value)
	if !ok {
		return false
	}
	switch p.Op {
	case "=":
		return order != 0
	case "<":
		return order >= 0
	case "<=":
		return order > 0
	case ">":
		return order <= 0
	case ">=":
		return order < 0
	}
	return false
}

// compare is the order of the value and a constant, by the type of that; ok is
// false where the text is no such value.
func (v Value) compare(with any) (order int, ok bool) {
	switch with := with.(type) {
	case string:
		return cmp.Compare(v.Text, with), true
	case int64:
		x, err := strconv.ParseInt(v.Text, 10, 64)
		return cmp.Compare(x, with), err == nil
	case float64:
		x, err := strconv.ParseFloat(v.Text, 64)
		return cmp.Compare(x, with), err == nil && !math.IsNaN(x) && !math.IsNaN(with)
	case bool:
		x, err := strconv.ParseBool(v.Text)
		return cmp.Compare(truth(x), truth(with)), err == nil
	case time.Time:
		for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05Z07:00"} {
			if x, err := time.Parse(layout, v.Text); err == nil {
				return x.Compare(with), true
			}
		}
	}
	return 0, false
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
