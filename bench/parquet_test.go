package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/arrowstream/arrowstream"
)

// parquetQueries are whole queries on one Parquet file of the columns ts, k, a,
// x, p and s, as bench/peers asks them of other engines.
var parquetQueries = []struct{ name, query string }{
	{"all", `CREATE TABLE nowhere WITH ('connector' = 'blackhole'); INSERT INTO nowhere SELECT * FROM $T`},
	{"sum", `SELECT sum(x) FROM $T`},
	{"filter", `SELECT sum(x) FROM $T WHERE p > 50.0`},
	{"selective", `SELECT sum(x), max(s) FROM $T WHERE k = 1234`},
	{"range", `SELECT sum(x), sum(p) FROM $T WHERE ts >= TIMESTAMP '2023-11-20 00:00:00' AND ts < TIMESTAMP '2023-11-20 06:00:00'`},
	{"text", `SELECT sum(x) FROM $T WHERE s = 'key-000123'`},
	{"group", `SELECT s, sum(x), avg(x), min(x), max(x) FROM $T GROUP BY s`},
}

// BenchmarkParquet runs queries on the files that ARROWSTREAM_BENCH_PARQUET, a
// pattern, names.
func BenchmarkParquet(b *testing.B) {
	paths, err := filepath.Glob(os.Getenv("ARROWSTREAM_BENCH_PARQUET"))
	if err != nil || len(paths) == 0 {
		b.Skip("ARROWSTREAM_BENCH_PARQUET names no files")
	}
	for _, path := range paths {
		for _, q := range parquetQueries {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("file=%s/query=%s/workers=%d", filepath.Base(path), q.name, workers), func(b *testing.B) {
					b.ReportAllocs()
					rows := 0
					for b.Loop() {
						run(b, os.Expand(q.query, func(string) string { return "'" + path + "'" }), arrowstream.Options{Workers: workers})
						rows += 10_000_000
					}
					perRow(b, rows)
				})
			}
		}
	}
}
