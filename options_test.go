package arrowstream

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

func TestDecodeOptions(t *testing.T) {
	type config struct {
		Path  string        `option:"path,location" required:"true"`
		Rows  int           `option:"rows"`
		Size  int64         `option:"roll.size"`
		Wait  time.Duration `option:"wait"`
		Names []string      `option:"names"`
		Rates []float64     `option:"rates"`
		Fast  bool          `option:"fast"`
		Rate  float64       `option:"rate"`
		other int
	}
	var c config
	err := DecodeOptions(map[string]string{
		"LOCATION": "x", "rows": "1e6", "roll.size": "64MiB", "wait": "1 minute 30s", "names": "a, b,,c", "rates": "1 2.5,3", "fast": "TRUE", "rate": "0.5",
	}, &c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Path != "x" || c.Rows != 1_000_000 || c.Size != 64<<20 || c.Wait != 90*time.Second || strings.Join(c.Names, "|") != "a|b|c" ||
		len(c.Rates) != 3 || c.Rates[1] != 2.5 || !c.Fast || c.Rate != 0.5 || c.other != 0 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []struct {
		options map[string]string
		want    string
	}{
		{map[string]string{"path": "x", "row": "1"}, `did you mean "rows"?`},
		{map[string]string{"rows": "1"}, `option "path" is missing`},
		{map[string]string{"path": "x", "rows": "many"}, `"many"`},
		{map[string]string{"path": "x", "wait": "10 lightyears"}, "not a duration"},
		{map[string]string{"path": "x", "fast": "perhaps"}, "true or false"},
		{map[string]string{"path": "x", "rates": "1,two"}, "list of numbers"},
	} {
		var coded *Error
		if err := DecodeOptions(bad.options, &config{}); !errors.As(err, &coded) || coded.Code != "AS1504" || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%v: %v", bad.options, err)
		}
	}
	if got := OptionNames(&c); strings.Join(got, " ") != "fast names path rate rates roll.size rows wait" {
		t.Errorf("names %v", got)
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "10 seconds": 10 * time.Second, "1h30m": 90 * time.Minute, "1 DAY 2 hours": 26 * time.Hour,
		"250ms": 250 * time.Millisecond, "0": 0, "1.5 min": 90 * time.Second, "-5s": -5 * time.Second, "2 weeks": 336 * time.Hour, "7us": 7 * time.Microsecond,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "10", "s", "10 parsecs", "-", "1e3s", "99999999999h", "1..2s"} {
		if d, err := ParseDuration(bad); err == nil {
			t.Errorf("%q gives %v", bad, d)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"12": 12, "1_000": 1000, "1e6": 1e6, "64MiB": 64 << 20, "2GB": 2e9, "1.5KiB": 1536, "-1": -1, "9223372036854775807": math.MaxInt64, "10 b": 10} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "1.5", "1e30", "99999999999GiB", "NaN", "Inf"} {
		if n, err := ParseSize(bad); err == nil {
			t.Errorf("%q gives %d", bad, n)
		}
	}
}

func TestSuggest(t *testing.T) {
	columns := []string{"ts", "price", "quantity"}
	for name, want := range map[string]string{
		"pric": `did you mean "price"?`, "PRICE": `did you mean "price"?`, "quanttiy": `did you mean "quantity"?`,
		"zzzzzz": "columns: ts, price, quantity", "st": `did you mean "ts"?`,
	} {
		if got := Suggest(name, columns, "columns"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := Suggest("x", nil, "tables"); got != "there are no tables" {
		t.Error(got)
	}
}

// FuzzOptions decodes any text as an option of every kind.
func FuzzOptions(f *testing.F) {
	f.Add("1h30m")
	f.Add("- 5 s")
	f.Add("64MiB")
	f.Add("1_000e3")
	f.Add("1 2.5,3")
	f.Add("1e999999999 days")
	f.Fuzz(func(t *testing.T, text string) {
		hostiletest.Within(t, len(text), func() {
			if d, err := ParseDuration(text); err == nil && len(text) < 20 && d == 0 && !strings.ContainsAny(text, "0") {
				t.Errorf("%q is zero", text)
			}
			_, _ = ParseSize(text)
			for _, name := range []string{"string", "bool", "int", "uint", "float", "wait", "names", "rates"} {
				var c struct {
					String string        `option:"string"`
					Bool   bool          `option:"bool"`
					Int    int           `option:"int"`
					Uint   uint32        `option:"uint"`
					Float  float64       `option:"float"`
					Wait   time.Duration `option:"wait"`
					Names  []string      `option:"names"`
					Rates  []float64     `option:"rates"`
				}
				var e *Error
				if err := DecodeOptions(map[string]string{name: text}, &c); err != nil && (!errors.As(err, &e) || e.Code != "AS1504") {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := DecodeOptions(map[string]string{text: "1"}, &struct {
				Rows int `option:"rows"`
			}{}); err == nil && !strings.EqualFold(text, "rows") {
				t.Errorf("%q is an option", text)
			}
		})
	})
}
