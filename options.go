package arrowstream

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// DecodeOptions sets the fields of *into from options given as text. A field
// takes part when it has a tag option:"name,alias,...". Supported kinds:
// string, bool, integers (with _ and exponents, sizes such as 64MiB), floats,
// time.Duration (also "10 seconds"), []string (separated by commas),
// []float64 and any type with UnmarshalText. An unknown name is an *Error that
// suggests the nearest ones; required fields carry the tag required:"true".
func DecodeOptions(options map[string]string, into any) error {
	v := reflect.ValueOf(into).Elem()
	fields := optionFields(into)
	for _, key := range slices.Sorted(maps.Keys(options)) {
		i, ok := fields[strings.ToLower(key)]
		if !ok {
			return &Error{Code: "AS1504", Msg: fmt.Sprintf("unknown option %q", key), Hint: Suggest(key, OptionNames(into), "options")}
		}
		if err := setOption(v.Field(i), options[key]); err != nil {
			return &Error{Code: "AS1504", Msg: fmt.Sprintf("option %q: %q", key, CutValue([]byte(options[key]))), Err: err}
		}
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("required") == "true" && v.Field(i).IsZero() {
			name, _, _ := strings.Cut(f.Tag.Get("option"), ",")
			return &Error{Code: "AS1504", Msg: fmt.Sprintf("option %q is missing", name)}
		}
	}
	return nil
}

// OptionNames lists the canonical option names of a configuration struct.
func OptionNames(config any) []string {
	t := reflect.TypeOf(config)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("option"); ok {
			name, _, _ := strings.Cut(tag, ",")
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

type textUnmarshaler interface{ UnmarshalText([]byte) error }

func setOption(f reflect.Value, text string) error {
	if u, ok := f.Addr().Interface().(textUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch p := f.Addr().Interface().(type) {
	case *time.Duration:
		d, err := ParseDuration(text)
		*p = d
		return err
	case *[]string:
		*p = nil
		for _, s := range strings.Split(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				*p = append(*p, s)
			}
		}
		return nil
	case *[]float64:
		*p = nil
		for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return fmt.Errorf("not a list of numbers")
			}
			*p = append(*p, x)
		}
		return nil
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Errorf("not true or false")
		}
		f.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := ParseSize(text)
		if err != nil || f.OverflowInt(n) {
			return fmt.Errorf("not a number in range")
		}
		f.SetInt(n)
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		n, err := ParseSize(text)
		if err != nil || n < 0 || f.OverflowUint(uint64(n)) {
			return fmt.Errorf("not a number in range")
		}
		f.SetUint(uint64(n))
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("not a number")
		}
		f.SetFloat(x)
	default:
		panic("arrowstream: option field of kind " + f.Kind().String())
	}
	return nil
}

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"tib", 1 << 40},
	{"kb", 1e3},
	{"mb", 1e6},
	{"gb", 1e9},
	{"tb", 1e12},
	{"b", 1},
}

// ParseSize reads a whole number: 12, 1_000_000, 1e6, 64MiB, 2GB.
func ParseSize(text string) (int64, error) {
	s := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), "_", ""))
	factor := int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if p := n * factor; p/factor == n {
			return p, nil
		}
		return 0, fmt.Errorf("size %q out of range", text)
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || x*float64(factor) != float64(int64(x*float64(factor))) || x*float64(factor) >= 1<<63 {
		return 0, fmt.Errorf("not a whole number: %q", text)
	}
	return int64(x * float64(factor)), nil
}

var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "nanosecond": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "microsecond": time.Microsecond,
	"ms": time.Millisecond, "millisecond": time.Millisecond, "millis": time.Millisecond, "s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "h": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// ParseDuration reads "10s", "1h30m", "250 ms", "1 day 2 hours". Units are
// singular or plural; a number without a unit is only allowed for zero.
func ParseDuration(text string) (time.Duration, error) {
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf("not a duration: %q (write 10s, 5m or '10 seconds')", text)
	}
	s := strings.ToLower(strings.TrimSpace(text))
	if s == "0" {
		return 0, nil
	}
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	if s == "" {
		return bad()
	}
	var sum time.Duration
	for s != "" {
		i := 0
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
			i++
		}
		number, rest := s[:i], strings.TrimLeft(s[i:], " ")
		j := 0
		for j < len(rest) && rest[j] != ' ' && (rest[j] < '0' || rest[j] > '9') && rest[j] != '.' {
			j++
		}
		unit, ok := durationUnits[rest[:j]]
		if !ok {
			unit, ok = durationUnits[strings.TrimSuffix(rest[:j], "s")]
		}
		if !ok {
			return bad()
		}
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || x*float64(unit)+float64(sum) >= 1<<63 {
			return bad()
		}
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			sum += time.Duration(n) * unit
		} else {
			sum += time.Duration(x * float64(unit))
		}
		s = strings.TrimLeft(rest[j:], " ")
	}
	if neg {
		sum = -sum
	}
	return sum, nil
}
