package sql_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// vectors makes the fixture "vectors": n rows with a feature vector and a label.
func vectors(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var sb strings.Builder
	sb.WriteString("__time__:timestamp[us] label:int64 features:vector[2] region:dict\n")
	for i := range n {
		a, b := r.NormFloat64(), r.NormFloat64()
		label := 0
		if a-b+r.NormFloat64()/4 > 0 {
			label = 1
		}
		fmt.Fprintf(&sb, "%d %d [%g,%g] %s\n", i*100_000, label, a, b, []string{"n", "s"}[r.IntN(2)])
	}
	return strings.TrimSpace(sb.String())
}

// TestSparkScript saves a model and runs the script in Spark's spelling with
// it; acc is compared with a count over the scored rows.
func TestSparkScript(t *testing.T) {
	fixtures["vectors"] = vectors(300)
	defer delete(fixtures, "vectors")
	path := filepath.Join(t.TempDir(), "lr.model")
	if out := newHarness(t).run(`CREATE MODEL lr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate = 0.1, model_path = '` + path + `')
		AS SELECT features, label FROM 'vectors.mem';`); out != "" {
		t.Fatal(out)
	}
	h := newHarness(t)
	got := h.run(`CREATE TABLE IF NOT EXISTS dataset USING mem OPTIONS (path = "vectors.mem", ` + "`event.time`" + ` = "__time__");
		CREATE FUNCTION Logistic_Regression AS 'logistic_regression';
		SET streaming.query.name=lr_prediction;
		SET spark.sql.streaming.query.outputMode.lr_prediction=update;
		INSERT INTO result SELECT window.start, label, sum(if(tb.predict = tb.label, 1, 0)) / count(tb.label) as acc
		  FROM (SELECT default.Logistic_Regression("` + path + `", features) as predict, label, __time__ as time FROM dataset) tb
		  GROUP BY TUMBLING(tb.time, interval 10 second), tb.label;`)
	plain := newHarness(t).run(`CREATE TABLE dataset USING mem OPTIONS (path = "vectors.mem", ` + "`event.time`" + ` = "__time__", watermark.delay = '0s');
		CREATE MODEL lr OPTIONS (model_path = '` + path + `');
		SELECT window_start, label, avg(CASE WHEN predicted_label = label THEN 1e0 ELSE 0e0 END) AS acc
		FROM TUMBLE(TABLE (SELECT * FROM ML_PREDICT(TABLE dataset, MODEL lr, DESCRIPTOR(features))), __time__, 10s) GROUP BY window_start, window_end, label;`)
	_, got, _ = strings.Cut(got, "acc:float64")
	_, plain, ok := strings.Cut(plain, "acc:float64")
	if got != plain || !ok || strings.Count(got, "\n") != 6 {
		t.Errorf("script:\n%s\nindependent:\n%s", got, plain)
	}
	for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
		var start, label int64
		var acc float64
		if _, err := fmt.Sscan(line, &start, &label, &acc); err != nil || acc < 0.8 {
			t.Errorf("line %q: want an accuracy of at least 0.8", line)
		}
	}
}

// TestWorkers checks that a script gives the same rows for every number of
// workers and every batch size.
func TestWorkers(t *testing.T) {
	fixtures["vectors"] = vectors(500)
	defer delete(fixtures, "vectors")
	text := `CREATE TABLE v (WATERMARK FOR __time__) WITH ('connector'='mem', 'data'='vectors');
		CREATE MODEL m OPTIONS (model_type='LOGISTIC_REG', input_label_cols=['label']) AS SELECT features, label FROM v;
		CREATE VIEW scored AS SELECT *, region || '!' AS r2 FROM ML_PREDICT(TABLE v, MODEL m);
		SELECT window_start, r2, count(*) AS n, sum(IF(predicted_label = label, 1, 0)) AS hits FROM HOP(scored, __time__, 5s, 10s) GROUP BY window_start, window_end, r2;
		INSERT INTO 'scored.mem' SELECT * FROM scored WHERE region = 's';`
	want := ""
	for _, o := range []arrowstream.Options{{Workers: 1}, {Workers: 1, BatchRows: 7}, {Workers: 4, BatchRows: 100}, {Workers: 2}, {Workers: 3}, {Workers: 8, BatchRows: 7}} {
		h := newHarness(t)
		opts := h.options()
		o.Allocator = h.mem
		opts.Pipeline = o
		got := h.runWith(text, opts)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%+v: other result:\n%.600s\nwant\n%.600s", o, got, want)
		}
	}
	if strings.Count(want, "\n") < 100 {
		t.Errorf("too few rows:\n%s", want)
	}
}

// TestColumnsPushedDown checks that a source reads only what is needed.
func TestColumnsPushedDown(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT auction FROM 'bid.mem' WHERE price > 10": "bid.mem: auction price",
		"SELECT count(*) FROM 'bid.mem'":                 "bid.mem: ts",
		"CREATE TABLE l WITH ('connector'='mem'); SELECT count(*) FROM TUMBLE('bid.mem', ts, 1s) GROUP BY window_start LATE DATA TO l": "bid.mem: ",
		"SELECT * FROM 'bid.mem'": "bid.mem: ",
		"CREATE VIEW v AS SELECT *, price * 2 AS p FROM 'bid.mem'; SELECT p FROM v":                        "bid.mem: price",
		"SELECT window_start, count(channel) FROM TUMBLE('bid.mem', ts, 1s) GROUP BY window_start":         "bid.mem: ts channel",
		"SELECT auction FROM 'bid.mem' UNION ALL SELECT price FROM 'bid.mem'":                              "bid.mem: auction price",
		"CREATE TABLE t (x AS price + 1, y AS ts) WITH ('connector'='mem', 'data'='bid'); SELECT x FROM t": "bid: price",
	} {
		h := newHarness(t)
		h.run(text)
		if got := strings.Join(h.columns, "; "); got != want {
			t.Errorf("%s: read %q, want %q", text, got, want)
		}
	}
}

// TestLateRows checks that rows behind the watermark go where LATE DATA TO
// says, with all their columns.
func TestLateRows(t *testing.T) {
	fixtures["late"] = "ts:timestamp[ms] k:utf8 x:int64\n1000 a 1\n20000 b 2\n2000 c 3\n31000 d 4"
	defer delete(fixtures, "late")
	h := newHarness(t)
	opts := h.options()
	opts.Pipeline.TickRows = 1
	got := h.runWith(`CREATE TABLE l (WATERMARK FOR ts) WITH ('connector'='mem', 'data'='late');
		CREATE TABLE rest WITH ('connector'='mem');
		SELECT window_start, count(*) AS n FROM TUMBLE(l, ts, 10s) GROUP BY window_start, window_end LATE DATA TO rest`, opts)
	want := `rest: ts:timestamp[ms] k:utf8 x:int64 late_by:duration[us]! watermark:timestamp[us]
2000 c 3 18000000 20000000
result: window_start:timestamp[ms]! n:int64!
0 1
20000 1
30000 1`
	if got = strings.ReplaceAll(got, "@", ""); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// BenchmarkPrepare parses and plans a script of 30 lines: the INSERT, and EXPLAIN
// of it.
func BenchmarkPrepare(b *testing.B) {
	const declarations = `CREATE TABLE bid (
  WATERMARK FOR ts AS ts - INTERVAL '4' SECOND
) WITH ('connector' = 'mem', 'data' = 'bid');
CREATE VIEW priced AS
  SELECT ts, auction, price, channel,
         CASE WHEN price > 100 THEN 'hi' ELSE 'lo' END AS band
  FROM bid
  WHERE price IS NOT NULL AND auction > 0;
`
	const insert = `INSERT INTO 'o.mem'
SELECT window_start,
       window_end,
       auction,
       band,
       count(*) AS n,
       sum(price) AS total,
       avg(price) AS mean,
       min(price) AS low,
       max(price) AS high,
       count(DISTINCT channel) AS channels,
       count(*) FILTER (WHERE channel = 'web') AS web,
       sum(IF(price > 20, 1, 0)) / count(*) AS share
FROM TABLE(
  TUMBLE(TABLE priced, DESCRIPTOR(ts),
         INTERVAL '10' SECOND))
WHERE channel LIKE 'w%'
   OR channel IN ('app', 'ext')
GROUP BY window_start, window_end, auction, band
HAVING count(*) > 0
   AND sum(price) BETWEEN 1 AND 1000000`
	opts := newHarness(b).options()
	opts.Pipeline.Allocator = memory.NewGoAllocator()
	bid, err := opts.Connectors[0].Source(arrowstream.Table{Options: map[string]string{"data": "bid"}})
	if err != nil {
		b.Fatal(err)
	}
	opts.Connectors[0].Source = func(arrowstream.Table) (arrowstream.Source, error) { return bid, nil }
	for name, text := range map[string]string{"insert": declarations + insert, "explain": declarations + "EXPLAIN " + insert} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sql.Prepare(text, opts); err != nil {
					b.Fatal(syntax.Render(err, text))
				}
			}
		})
	}
}

// FuzzPrepare checks that no text makes the planner panic.
func FuzzPrepare(f *testing.F) {
	for _, text := range goldenScripts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hostiletest.Within(t, len(text), func() {
			h := newHarness(t)
			opts := h.options()
			opts.Param = nil
			p, err := sql.Prepare(text, opts)
			if err != nil {
				for _, e := range syntax.List(err) {
					if e.Code == "" {
						t.Errorf("error without code: %v", e)
					}
				}
				return
			}
			for _, r := range p.Results {
				if r.Rows != nil {
					columnartest.Text(r.Rows)
				}
			}
			p.Explain()
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	})
}
