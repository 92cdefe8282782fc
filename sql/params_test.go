package sql_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql"
)

// TestParameters runs scripts with the values of their parameters.
func TestParameters(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 500_000_000, time.FixedZone("", 3600))
	type named = map[string]any
	for _, c := range []struct {
		script string
		args   []any
		named  map[string]any
		want   string
	}{
		{"SELECT ? AS a, ? AS b, ? AS c", []any{7, int64(-3), int64(math.MinInt64)}, nil, "a:int64! b:int64! c:int64!\n7 -3 -9223372036854775808"},
		{"SELECT ? AS a, ? AS b, ? AS c", []any{int8(-7), uint16(3), uint64(math.MaxUint64)}, nil, "a:int8! b:uint16! c:uint64!\n-7 3 18446744073709551615"},
		{"SELECT ? AS a, ? AS b, ? AS c, ? AS d", []any{-1.5, float32(0.1), math.NaN(), math.Inf(-1)}, nil, "a:float64! b:float32! c:float64! d:float64!\n-1.5 0.1 NaN -Inf"},
		{"SELECT ? AS a, ? AS b, ? AS c", []any{true, "it's ? :x", []byte("\x00a")}, nil, "a:bool! b:utf8! c:binary!\ntrue \"it's ? :x\" \"\\x00a\""},
		{"SELECT ? AS a, ? + CAST(? AS TIMESTAMP_LTZ(6)) AS b", []any{at, time.Second, "2026-01-01T00:00:00Z"}, nil, "1769850000500000 1767225601000000"},
		{"SELECT ? AS a, ? AS b", []any{[]float64{1, 2}, []string{"x"}}, nil, "a:list<float64>! b:list<utf8>!\n[1,2] [x]"},
		{"SELECT price FROM 'bid.mem' WHERE price > ? AND auction = ? ORDER BY price DESC LIMIT ?", []any{20, 1, 1}, nil, "price:int64"},
		{"SELECT price FROM 'bid.mem' WHERE price IN (:a, :b, :a) ORDER BY :order", nil, named{"a": 10, "b": 20, "order": 1}, "price:int64"},
		{"CREATE VIEW v AS SELECT ? AS a; SELECT a, ? AS b FROM v", []any{1, 2}, nil, "a:int64! b:int64!\n1 2"},
		{"SELECT CASE WHEN :x IS NULL THEN 'none' ELSE 'some' END AS a", nil, named{"x": nil}, "none"},
		{"SELECT ?", nil, nil, "AS2102"},
		{"SELECT ? AS a, ? AS b", []any{1}, nil, "1:16\n"},
		{"SELECT ?", []any{1, 2}, nil, "2 values for the 1 parameters"},
		{"SELECT 1", []any{1}, nil, "1 values for the 0 parameters"},
		{"SELECT :prize", nil, named{"price": 1}, "did you mean \"price\"?"},
		{"SELECT :a AS a", nil, named{"a": 1, "b": 2}, "no parameter :b"},
		{"SELECT ?", []any{struct{}{}}, nil, "AS1301"},
		{"SELECT price + ? FROM 'bid.mem'", []any{"x"}, nil, "AS4003"},
	} {
		h := newHarness(t)
		opts := h.options()
		opts.Args, opts.Named = c.args, c.named
		if got := h.runWith(c.script, opts); !strings.Contains(got, c.want) {
			t.Errorf("%s %v %v\ngot  %s\nwant %s", c.script, c.args, c.named, got, c.want)
		}
	}
}

// TestParametersPushed checks that a parameter is known to the source.
func TestParametersPushed(t *testing.T) {
	h := newHarness(t)
	opts := h.options()
	opts.Args = []any{30}
	got := h.runWith("EXPLAIN SELECT price FROM 'bid.mem' WHERE price > ?", opts)
	if want := h.run("EXPLAIN SELECT price FROM 'bid.mem' WHERE price > 30"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Values of a program are handed over as parameters: they are never read as SQL.
func ExampleOptions_parameters() {
	program, err := sql.Prepare("SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS t(n, word) WHERE word = :word OR n > :n", sql.Options{
		Connectors: all.Connectors(),
		Formats:    all.Formats(),
		Stdio:      arrowstream.Stdio{Out: os.Stdout},
		Named:      map[string]any{"word": "one' OR 'a' = 'a", "n": 1},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := program.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"n":2,"word":"two"}
}
