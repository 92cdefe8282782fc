package syntax_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// FuzzParse checks that nothing panics, that places lie in the text, and that
// what parses without error prints to a text that parses to the same tree.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.test")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			in, _, _ := strings.Cut(block, "\n----\n")
			f.Add(in)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		hostiletest.Within(t, len(text), func() {
			script, err := syntax.Parse("f.sql", text)
			if err != nil {
				lines := strings.Count(text, "\n") + 1
				list := syntax.List(err)
				if len(list) > syntax.MaxErrors {
					t.Errorf("%d errors", len(list))
				}
				for _, e := range list {
					if e.Code == "" || e.Pos.Line < 1 || e.Pos.Line > lines || e.Pos.Col < 1 || e.Pos.EndCol <= e.Pos.Col {
						t.Errorf("bad error %#v", e)
					}
				}
				syntax.Render(err, text)
				return
			}
			for _, st := range script.Statements {
				checkPrinted(t, st)
			}
		})
	})
}

// FuzzInterval checks that what an INTERVAL literal may hold never panics and
// that one that is accepted prints to one of the same length.
func FuzzInterval(f *testing.F) {
	for _, s := range [][2]string{{"10", "SECOND"}, {"1 02:03:04.5", "DAY TO SECOND"}, {"-1-6", "YEAR TO MONTH"}, {"1 day 2 hours", ""}, {"99999999999999999999", "WEEK"}, {"1e9999999", "MONTH"}, {"5", "SECOND(3)"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, unit string) {
		hostiletest.Within(t, len(text)+len(unit), func() {
			script, err := syntax.Parse("", "SELECT INTERVAL '"+text+"' "+unit)
			if err != nil || len(script.Statements) != 1 {
				return
			}
			once := syntax.Text(script.Statements[0])
			again, err := syntax.Parse("", once)
			if err != nil || len(again.Statements) != 1 || syntax.Text(again.Statements[0]) != once {
				t.Fatalf("'%s' %s prints as %q: %v", text, unit, once, err)
			}
		})
	})
}

// TestNesting checks that deep and long inputs end in an error or a tree, not
// in a stack overflow.
func TestNesting(t *testing.T) {
	const n = 20_000
	for _, text := range []string{
		"SELECT " + strings.Repeat("(", n) + "1",
		"SELECT " + strings.Repeat("-", 1) + strings.Repeat("- ", n) + "1",
		"SELECT " + strings.Repeat("NOT ", n) + "a",
		"SELECT 1" + strings.Repeat("+1", n),
		"SELECT a" + strings.Repeat("::INT", n),
		"SELECT a" + strings.Repeat(".b", n),
		"SELECT a" + strings.Repeat("[1]", n),
		"SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", n),
		"SELECT " + strings.Repeat("f(", n),
		"SELECT * FROM " + strings.Repeat("(SELECT * FROM ", n),
		"SELECT * FROM " + strings.Repeat("TABLE(", n),
		"SELECT * FROM " + strings.Repeat("(", n),
		"SELECT CAST(a AS " + strings.Repeat("ARRAY<", n),
		"SELECT CAST(a AS INT" + strings.Repeat("[]", n),
		strings.Repeat("EXPLAIN ", n) + "SELECT 1",
		"SELECT " + strings.Repeat("CASE WHEN ", n),
		strings.Repeat("/*", n),
		"SELECT [" + strings.Repeat("[", n),
		"SELECT * FROM a" + strings.Repeat(" JOIN b", n),
		"SELECT * FROM a" + strings.Repeat(" JOIN b ON TRUE", n),
		"SELECT * FROM a" + strings.Repeat(", b", n),
		"SELECT * FROM a" + strings.Repeat(" LATERAL VIEW explode(x) t AS y", n),
		"SELECT * FROM " + strings.Repeat("(a JOIN ", n),
		"SELECT * FROM " + strings.Repeat("LATERAL ", n) + "f(x)",
		"SELECT * FROM a" + strings.Repeat(" MATCH_RECOGNIZE (ORDER BY t MEASURES x AS x PATTERN (a) DEFINE a AS TRUE)", n),
		"SELECT * FROM a MATCH_RECOGNIZE (ORDER BY t MEASURES x AS x PATTERN " + strings.Repeat("(", n),
		"SELECT * FROM a MATCH_RECOGNIZE (ORDER BY t MEASURES x AS x PATTERN (" + strings.Repeat("(a ", n),
		"SELECT * FROM a WHERE x IN " + strings.Repeat("((", n) + "SELECT 1" + strings.Repeat(")", n),
		"SELECT " + strings.Repeat("(", n) + "SELECT 1" + strings.Repeat(")+1", n),
		"SELECT " + strings.Repeat("EXISTS (SELECT ", n),
		"SELECT " + strings.Repeat("sum(x) OVER (ORDER BY ", n),
		"SELECT a" + strings.Repeat(" -> 1", n),
		"SELECT " + strings.Repeat("filter(x -> ", n),
		"SELECT a FROM t GROUP BY " + strings.Repeat("GROUPING SETS (", n),
		strings.Repeat("WITH a AS (", n),
		strings.Repeat("CREATE STREAM s INSERT INTO t ", n),
		"SELECT a FROM t " + strings.Repeat("/*+ ", n),
	} {
		if _, err := syntax.Parse("", text); err == nil {
			t.Errorf("no error for %.40s...", text)
		}
	}
}

// BenchmarkParse reads statements of 30 lines: one of expressions, and one of
// joins, windows and subqueries.
func BenchmarkParse(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"expressions", "SELECT window_start, k, " + strings.Repeat("sum(CASE WHEN a.x > 10 AND y IS NOT NULL THEN x * 2 ELSE 0 END) AS s,\n", 28) +
			"count(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) AS a GROUP BY window_start, k"},
		{"joins", "WITH w AS (SELECT *, row_number() OVER (PARTITION BY bidder ORDER BY ts DESC) AS rn FROM bid)\nSELECT a.id, w.price\nFROM auction AS a\n" +
			strings.Repeat("LEFT JOIN w ON w.auction = a.id AND w.ts BETWEEN a.ts AND a.ts + INTERVAL '10' MINUTE\n", 22) +
			"JOIN fx FOR SYSTEM_TIME AS OF a.ts AS r ON a.cur = r.cur\nWHERE w.rn <= 10\nAND a.category IN (SELECT id FROM category WHERE name <> 'x')\nQUALIFY rank() OVER (ORDER BY ts) = 1\nORDER BY 1"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := syntax.Parse("", bench.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
