package sql_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/sql"
)

// analyzed runs a script that ends with EXPLAIN ANALYZE; times and sizes are
// replaced by T and B. The program itself must write nothing.
func analyzed(t *testing.T, script string) string {
	t.Helper()
	h := newHarness(t)
	p, err := sql.Prepare(script, h.options())
	if err != nil {
		return err.Error()
	}
	defer p.Close()
	r := p.Results[len(p.Results)-1]
	if r.Analyze == nil {
		t.Fatalf("%s: no answer that runs", script)
	}
	text, err := r.Analyze(t.Context())
	if err != nil {
		return err.Error()
	}
	again, err := r.Analyze(t.Context())
	if err != nil || blur(again) != blur(text) {
		t.Errorf("%s: the second time %v\n%s", script, err, again)
	}
	if len(h.sinks) > 0 {
		t.Errorf("%s: wrote %v", script, h.sinks)
	}
	return text
}

var (
	times = regexp.MustCompile(`[0-9.]+(µs|ms|s)\b|\b0s\b|"(busyMicros|seconds|peakBytes|stateBytes)": [0-9.e-]+`)
	sizes = regexp.MustCompile(`[0-9.]+ (KiB|MiB|GiB|bytes)`)
)

func blur(s string) string { return sizes.ReplaceAllString(times.ReplaceAllString(s, "T"), "B") }

func TestExplainAnalyze(t *testing.T) {
	for script, want := range map[string][]string{
		"EXPLAIN ANALYZE SELECT channel, count(*) AS n FROM 'bid.mem' WHERE price > 10 GROUP BY channel": {
			"4 rows in, 3 rows out, T", "6 rows out, T", "ran T; 6 rows read; peak of memory B; nothing was written",
		},
		"CREATE VIEW v AS SELECT price * 2 AS p FROM 'bid.mem'; CREATE FUNCTION f(x BIGINT) RETURNS BIGINT AS x + 1; EXPLAIN ANALYZE INSERT INTO 'out.mem' SELECT f(p) FROM v": {"sink out.mem", "project", "6 rows in, 6 rows out, T"},
		"CREATE TABLE t (x BIGINT); INSERT INTO t VALUES (1), (2); EXPLAIN ANALYZE SELECT * FROM t":                                                                            {"2 rows out"},
		"CREATE TABLE b WITH ('connector'='mem', 'data'='bid', 'unbounded'='true'); EXPLAIN ANALYZE SELECT * FROM b":                                                           {"EXPLAIN ANALYZE of b, which does not end [AS1405] (write EXPLAIN ANALYZE FOR 10 SECONDS ...)"},
		"CREATE TABLE b WITH ('connector'='mem', 'data'='bid', 'unbounded'='true'); EXPLAIN ANALYZE FOR 300 MILLISECONDS SELECT * FROM b":                                      {"6 rows out"},
		"EXPLAIN ANALYZE SELECT 1 / x FROM (VALUES (0)) AS t(x)":                                                                                                               {"AS4002"},
		"SET state.unbounded = allow; SET job.q.state = 'none/of/this'; SET job.name = q; EXPLAIN ANALYZE SELECT count(*) AS n FROM 'bid.mem'":                                 {"1 rows out"},
	} {
		got := blur(analyzed(t, script))
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s\ngot\n%s\nwant %s", script, got, w)
			}
		}
	}
	if _, err := os.Stat("none"); err == nil {
		t.Error("a state was made")
	}
}

func TestExplainJSON(t *testing.T) {
	type plan struct {
		Operators []struct {
			ID        int
			Operator  string
			Inputs    []int
			Columns   []string
			Changelog bool
			Ran       *struct{ RowsIn, RowsOut int64 }
		}
		Sinks    []struct{ Name, Guarantee string }
		RowsRead int64
	}
	const query = "SELECT channel, count(*) AS n FROM 'bid.mem' WHERE price > 10 GROUP BY channel"
	h := newHarness(t)
	p, err := sql.Prepare("EXPLAIN FORMAT JSON "+query, h.options())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i, text := range []string{p.Results[0].Text, analyzed(t, "EXPLAIN ANALYZE FORMAT JSON "+query)} {
		var got plan
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		var kinds []string
		for _, o := range got.Operators {
			kinds = append(kinds, o.Operator)
			if (o.Ran != nil) != (i == 1) {
				t.Errorf("operator %s: ran %v", o.Operator, o.Ran)
			}
		}
		if !slices.Equal(kinds[:3], []string{"scan", "filter", "aggregate"}) && !slices.Contains(kinds, "aggregate") {
			t.Errorf("operators %v", kinds)
		}
		if last := got.Operators[len(got.Operators)-1]; !slices.Equal(last.Columns, []string{"channel", "n"}) || i == 1 && (last.Ran.RowsOut != 3 || got.RowsRead != 6) {
			t.Errorf("%+v, %d rows read", last, got.RowsRead)
		}
		if len(got.Sinks) != 1 {
			t.Errorf("sinks %v", got.Sinks)
		}
	}
}
