package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// TestDuckDB compares every query, run as a stream, with the same question put
// to DuckDB in its own words: rows and checksum of the final result agree. It is
// also run with several workers and other ticks.
func TestDuckDB(t *testing.T) {
	python := os.Getenv("ARROWSTREAM_PYTHON")
	if python == "" {
		t.Skip("ARROWSTREAM_PYTHON is not set: python with duckdb is needed")
	}
	dir := t.TempDir()
	const events, rate = 100_000, 2_000 // 50 seconds of event time
	for _, table := range []string{"person", "auction", "bid"} {
		load(t, fmt.Sprintf(`CREATE TABLE %[1]s USING nexmark OPTIONS ('table' = '%[1]s', 'events.num' = %[2]d, 'first-event.rate' = %[3]d, 'seed' = 1);
			INSERT INTO '%[4]s.parquet' SELECT * FROM %[1]s;`, table, events, rate, filepath.Join(dir, table)), nil)
	}
	script, err := filepath.Abs("testdata/oracle.py")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, script, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, q := range queries() {
		t.Run(q, func(t *testing.T) {
			answer := filepath.Join(dir, q+".parquet")
			if _, err := os.Stat(answer); err != nil {
				t.Fatalf("testdata/oracle.py has no %s", q)
			}
			want := &blackhole.Sink{Checksum: true}
			load(t, fmt.Sprintf("INSERT INTO sink SELECT * FROM '%s'", answer), want)
			ways := []arrowstream.Options{{Workers: 1}, {Workers: 2, TickRows: 777, BatchRows: 400}, {Workers: 4, TickRows: 20_000}}
			if q == "q12" {
				ways = []arrowstream.Options{{Workers: 1, TickRows: 1}, {Workers: 2, TickRows: 1}} // the clock goes on by ticks
			}
			for _, o := range ways {
				got, err := job{Query: q, Events: events, Rate: rate, Generators: 1}.run(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if got.Rows != want.Rows() || got.Checksum != want.Sum() || got.Late != 0 {
					t.Errorf("%d workers: %d rows, checksum %016x, %d late; DuckDB has %d rows, %016x",
						o.Workers, got.Rows, got.Checksum, got.Late, want.Rows(), want.Sum())
				}
			}
		})
	}
}

// load runs a script, into sink if it is given.
func load(t *testing.T, text string, sink arrowstream.Sink) {
	t.Helper()
	o := sql.Options{Connectors: all.Connectors(), Formats: all.Formats()}
	if sink != nil {
		o.Sink = func(string) (arrowstream.Sink, error) { return sink, nil }
	}
	p, err := sql.Prepare(text, o)
	if err == nil {
		_, err = p.Run(t.Context())
	}
	if err != nil {
		t.Fatal(syntax.Render(err, text))
	}
}

// TestFolders reads back what q10 wrote: the files and the names of their folders
// hold every bid.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	wrote, err := job{Query: "q10", Events: 20_000, Rate: 100, Generators: 1, Folder: dir}.run(t.Context(), arrowstream.Options{}) // 200 seconds
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "dt=*", "hm=*"))
	if err != nil || len(folders) < 4 {
		t.Errorf("folders %q, %v", folders, err)
	}
	read := &blackhole.Sink{Checksum: true}
	load(t, fmt.Sprintf("CREATE TABLE f (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra VARCHAR, dt VARCHAR, hm VARCHAR) PARTITIONED BY (dt, hm) WITH (connector = 'csv', path = '%s'); INSERT INTO sink SELECT * FROM f;", dir), read)
	if wrote.Rows != 18_400 || read.Rows() != wrote.Rows || read.Sum() != wrote.Checksum {
		t.Errorf("%d rows, checksum %016x are written, %d, %016x read back", wrote.Rows, wrote.Checksum, read.Rows(), read.Sum())
	}
}

// TestVectors checks the figures of the first million events that other
// generators of the same rules give, see nexmark.md of the design.
func TestVectors(t *testing.T) {
	if testing.Short() {
		t.Skip("a million events")
	}
	for _, v := range []struct {
		query    string
		rows     int64
		checksum uint64
	}{{"q0", 920_000, 0xd1c7ff637124ea51}, {"q2", 6_905, 0}, {"q14", 260_993, 0}, {"q21", 874_991, 0}} {
		got, err := job{Query: v.query, Events: 1_000_000, Rate: 100_000, Generators: 1}.run(t.Context(), arrowstream.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows != v.rows || v.checksum != 0 && got.Checksum != v.checksum {
			t.Errorf("%s: %d rows, checksum %016x; want %d, %016x", v.query, got.Rows, got.Checksum, v.rows, v.checksum)
		}
	}
}
