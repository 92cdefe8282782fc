package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/arrowstream/arrowstream/bench/peers/report"
)

const queriesText = "Each query reads one Parquet file from the file cache, planning included, and every value of its result is looked at. " +
	"The ratio is our time by that of DuckDB."

// query is one whole query, in our dialect and in that of DuckDB.
type query struct {
	name         string
	what         string
	ours, duckdb string
}

const four = "sum(x), avg(x), min(x), max(x)"

// both is a query that reads the same in either dialect.
func both(name, what, text string) query { return query{name, what, text, text} }

// queries are the whole queries over the events.
var queries = []query{
	both("filter+sum", "sum and count where y > 0.5", "SELECT sum(x), count(*) FROM t WHERE y > 0.5"),
	both("string-10k", "sum, avg, min, max by string, 10K groups", "SELECT s10k, "+four+" FROM t GROUP BY s10k"),
	both("composite-100k", "the same by two int64, 100K groups", "SELECT k100, k1k, "+four+" FROM t GROUP BY k100, k1k"),
	both("int64-1m", "the same by int64, 1M groups", "SELECT k1m, "+four+" FROM t GROUP BY k1m"),
	{
		"tumble-1min", "count per minute and int64, 1K keys",
		"SELECT window_start, k1k, count(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL 1 MINUTE) GROUP BY window_start, k1k",
		"SELECT date_trunc('minute', ts), k1k, count(*) FROM t GROUP BY ALL",
	},
	both("int64-1k", "sum, avg, min, max by int64, 1K groups", "SELECT k1k, "+four+" FROM t GROUP BY k1k"),
	both("int64-100k", "the same, 100K groups", "SELECT k100k, "+four+" FROM t GROUP BY k100k"),
}

// compareQueries runs every query with us and with DuckDB in turn, on the same
// file and with the same number of threads, compares every result, and gives
// each row to done.
func compareQueries(ctx context.Context, c config, done func(report.Row)) error {
	file, err := eventsFile(ctx, c.data, c.rows, c.codec)
	if err != nil {
		return err
	}
	db, err := openDuckDB(file)
	if err != nil {
		return err
	}
	defer db.Close()
	c.about("DuckDB", mapping.LibraryVersion())
	c.about("Parquet file", fmt.Sprintf("%d rows, 8 columns, %s", c.rows, c.codec))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, threads := range c.threads {
		runtime.GOMAXPROCS(threads)
		if err := db.SetThreads(threads); err != nil {
			return err
		}
		for _, q := range queries {
			if !c.only.MatchString(q.name) {
				continue
			}
			var mine, right *Digest
			a, b, err := alternate(c.pairs, timed(func() (err error) {
				mine, err = runOurs(ctx, file, q.ours, threads)
				return err
			}), timed(func() (err error) {
				if right, err = db.Query(q.duckdb); err != nil {
					return err
				}
				return mine.Differs(right)
			}))
			if err != nil {
				return fmt.Errorf("query %s: %w", q.name, err)
			}
			row := report.Row{Suite: "queries", Name: q.name + ": " + q.what, Peer: "DuckDB", Threads: threads, Unit: "ms", Goal: 1}
			done(compared(row, a, b, 1e6))
		}
	}
	return nil
}

// profileQueries writes a CPU profile of our side of every query, pairs runs
// each, into the folder dir.
func profileQueries(ctx context.Context, c config, dir string) error {
	file, err := eventsFile(ctx, c.data, c.rows, c.codec)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, threads := range c.threads {
		runtime.GOMAXPROCS(threads)
		for _, q := range queries {
			if !c.only.MatchString(q.name) {
				continue
			}
			out, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.prof", q.name, threads)))
			if err != nil {
				return err
			}
			if err := pprof.StartCPUProfile(out); err != nil {
				return err
			}
			for range c.pairs {
				if _, err := runOurs(ctx, file, q.ours, threads); err != nil {
					return fmt.Errorf("query %s: %w", q.name, err)
				}
			}
			pprof.StopCPUProfile()
			if err := out.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}
