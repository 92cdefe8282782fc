package sql_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/parquet"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// groups writes a Parquet file of 10 row groups of 100 rows, sorted by time,
// and returns its path. Column i counts rows.
func groups(t *testing.T) string {
	t.Helper()
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("ts:timestamp[ms]@ i:int64! f:float64 r:float32 s:utf8 b:bool d:date32 n:int32\n")
	for i := range 1000 {
		n := "null"
		if i >= 500 {
			n = fmt.Sprint(i)
		}
		f := fmt.Sprint(float64(i) / 10)
		if i == 950 {
			f = "NaN"
		}
		fmt.Fprintf(&sb, "%d %d %s %g s%03d %t %d %s\n", i*1000, i, f, float32(i)/10, i, i >= 900, i/100, n)
	}
	path := filepath.Join(t.TempDir(), "groups.parquet")
	sink := &parquet.Sink{Path: path, RowGroupRows: 100}
	b := columnartest.Batch(t, mem, strings.TrimSpace(sb.String()))
	if err := sink.Bind(b.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	for i := int64(0); i < 1000; i += 100 {
		part := b.NewSlice(i, i+100)
		err := sink.Write(t.Context(), part)
		part.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// read runs a query, $T in it being the file, and returns how many rows were
// read, the result and the plan.
func (h *harness) read(query, path string, replay arrowstream.Replay) (rows int64, out, plan string) {
	h.t.Helper()
	opts := h.options()
	opts.Connectors = append(opts.Connectors, parquet.Connector)
	opts.Pipeline.Replay = replay
	p, err := sql.Prepare(strings.ReplaceAll(query, "$T", "'"+path+"'"), opts)
	if err != nil {
		h.t.Fatalf("%s", syntax.Render(err, query))
	}
	summary, err := p.Run(h.t.(*testing.T).Context())
	if err != nil {
		h.t.Fatal(err)
	}
	var sb strings.Builder
	for _, name := range h.sinks {
		for _, b := range h.written[name].Batches() {
			sb.WriteString(columnartest.Text(b))
		}
		h.written[name].Release()
	}
	return summary.RowsIn, sb.String(), p.Explain()
}

func TestPredicatesPushedDown(t *testing.T) {
	path := groups(t)
	// Two readers of one scan keep each other from restricting it.
	const plain = "CREATE TABLE other WITH ('connector'='mem'); INSERT INTO other SELECT i FROM $T LIMIT 0; "
	for _, c := range []struct {
		query string
		rows  int64 // read
	}{
		{"SELECT i FROM $T WHERE i >= 250 AND i < 310", 60},
		{"SELECT i FROM $T WHERE 910 < i", 89},
		{"SELECT s FROM $T WHERE i = 5", 1},
		{"SELECT i FROM $T WHERE i BETWEEN 190 AND 210 AND s LIKE 's%'", 21},
		{"SELECT i FROM $T WHERE i IN (640, 610, NULL, 799)", 190},
		{"SELECT i FROM $T WHERE s > 's850'", 149},
		{"SELECT i FROM $T WHERE b", 1000},
		{"SELECT i FROM $T WHERE b = true", 100},
		{"SELECT i FROM $T WHERE n IS NOT NULL AND n < 600", 100},
		{"SELECT i FROM $T WHERE n IS NULL AND i > 450", 49},
		{"SELECT i FROM $T WHERE f < 10.05", 101},
		{"SELECT i, f FROM $T WHERE f > 90.0", 99}, // NaN is greater
		{"SELECT i FROM $T WHERE r <= 9.5", 96},
		{"SELECT i FROM $T WHERE r = 9.9", 1000}, // 9.9 is no FLOAT
		{"SELECT i FROM $T WHERE i > 899.5", 100},
		{"SELECT i FROM $T WHERE i > 5e2 AND i <= 6e2", 100},
		{"SELECT i FROM $T WHERE ts >= TIMESTAMP '1970-01-01 00:15:00'", 100},
		{"SELECT i FROM $T WHERE ts < '1970-01-01 00:01:40'", 100},
		{"SELECT i FROM $T WHERE d = DATE '1970-01-04'", 100},
		{"SELECT i FROM $T WHERE d >= '1970-01-09'", 200},
		{"SELECT j FROM (SELECT i AS j, f * 2 AS g FROM $T WHERE i > 300) WHERE j < 500 AND g > 70", 199},
		{"SELECT i FROM $T WHERE i > 5 OR i < 2", 1000},
		{"SELECT i FROM $T WHERE i + 0 > 900", 1000},
		{"SELECT i FROM $T WHERE i > n", 1000},
		{"SELECT sum(f) AS x, avg(r) AS y, count(*) AS c FROM $T WHERE i >= 123 AND i < 456", 333},
		{"SELECT b, sum(f) AS x FROM $T WHERE i > 850 GROUP BY b ORDER BY b", 149},
		// The same scan read twice is not restricted.
		{"SELECT i FROM $T WHERE i < 10 UNION ALL SELECT i FROM $T WHERE i > 990", 1000},
		// Windows: only bounds of the event time.
		{"SELECT window_start, count(*) AS c, sum(f) AS x FROM TUMBLE($T, ts, 1m) WHERE ts >= TIMESTAMP '1970-01-01 00:05:00' AND i < 700 GROUP BY window_start, window_end", 700},
		{"SELECT window_start, count(*) AS c FROM TUMBLE($T, ts, 1m) WHERE i < 300 GROUP BY window_start, window_end", 1000},
		{"SELECT window_start, count(*) AS c FROM TUMBLE($T, ts, 1m) GROUP BY window_start, window_end HAVING count(*) > 50", 1000},
	} {
		rows, got, plan := newHarness(t).read(c.query, path, arrowstream.Replay{})
		if rows != c.rows {
			t.Errorf("%s: %d rows read, want %d", c.query, rows, c.rows)
		}
		if pushed := strings.Contains(plan, "pushed down:"); pushed != (rows < 1000) {
			t.Errorf("%s: %d rows read, but the plan says\n%s", c.query, rows, plan)
		}
		all, want, _ := newHarness(t).read(plain+c.query, path, arrowstream.Replay{})
		if all != 1000 || got != want {
			t.Errorf("%s: with %d and %d rows read the results differ:\n%s", c.query, rows, all, columnartest.Diff(got, want))
		}
	}
}

func TestReplaySpanPushedDown(t *testing.T) {
	path := groups(t)
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	query := `CREATE TABLE g (WATERMARK FOR ts) WITH ('connector'='parquet', 'path'='` + path + `'); SELECT window_start, count(*) AS c, sum(f) AS x FROM TUMBLE(g, ts, 1m) GROUP BY window_start, window_end`
	rows, got, plan := newHarness(t).read(query, path, arrowstream.Replay{From: at(250), To: at(310)})
	if want := "pushed down: ts >= 1970-01-01T00:04:10Z (replay), ts < 1970-01-01T00:05:10Z (replay)"; !strings.Contains(plan, want) {
		t.Errorf("plan:\n%s\nwant %s", plan, want)
	}
	if rows != 60 || strings.Count(got, "\n") != 2 {
		t.Errorf("%d rows:\n%s", rows, got)
	}
	computed := strings.Replace(query, "(WATERMARK FOR ts)", "(t2 AS ts + INTERVAL '0' SECOND, WATERMARK FOR t2)", 1)
	computed = strings.Replace(computed, "g, ts", "g, t2", 1)
	_, want, plan := newHarness(t).read(computed, path, arrowstream.Replay{From: at(250), To: at(310)})
	if got != want || strings.Contains(plan, "pushed") {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, plan)
	}
}

func TestExplainShowsPredicates(t *testing.T) {
	path := groups(t)
	opts := newHarness(t).options()
	opts.Connectors = append(opts.Connectors, parquet.Connector)
	p, err := sql.Prepare("EXPLAIN SELECT i FROM '"+path+"' WHERE i > 3 AND s IN ('b', 'a') AND f < 2.5", opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := "pushed down: i > 3, s >= 'a', s <= 'b', f < 2.5"; len(p.Results) != 1 || !strings.Contains(p.Results[0].Text, want) {
		t.Errorf("EXPLAIN: %+v, want %s", p.Results, want)
	}
}
