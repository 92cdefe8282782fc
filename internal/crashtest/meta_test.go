package crashtest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var (
	metaSeed = flag.Uint64("meta.seed", 4, "seed of the first random set of options; the next ones count on")
	metaOps  = flag.Int("meta.ops", 2, "how many random sets of options are compared with the plain one")
)

// choice is a set of options that must not change a result: how rows are cut,
// who works on them with which instructions, when the state is committed, how
// often the job is killed. The zero value is the plain one.
type choice struct {
	sink      string // parquet or arrow
	workers   int
	batchRows int
	epoch     time.Duration
	memory    string // limit
	level     string // of the vector kernels, or purego: a program without them
	fileRows  int    // the input is in files of so many rows; 0 is one file
	kills     int    // by SIGKILL, at random moments
}

// choose draws a set of options.
func choose(seed uint64) choice {
	rng := rand.New(rand.NewPCG(seed, 0))
	one := func(of ...string) string { return of[rng.IntN(len(of))] }
	c := choice{
		sink: one("parquet", "arrow"), workers: 1 + rng.IntN(8), batchRows: 200 << rng.IntN(8), epoch: time.Millisecond << rng.IntN(11),
		memory: one("", "256MiB", "1GiB"), level: one("go", "avx2", "purego"), kills: rng.IntN(4),
	}
	c.batchRows += rng.IntN(c.batchRows)
	if rng.IntN(3) > 0 {
		c.fileRows = 2_000 + rng.IntN(rows)
	}
	return c
}

func (c choice) String() string {
	return fmt.Sprintf("--workers %d --batch-rows %d --epoch %s --memory-limit %q level %s, into %s, input in files of %d rows, killed %d times",
		c.workers, c.batchRows, c.epoch, c.memory, c.level, c.sink, c.fileRows, c.kills)
}

// run is what the job leaves with these options, and how long it took.
func (c choice) run(t *testing.T, seed uint64, usual time.Duration) (result, time.Duration) {
	t.Helper()
	p, at := prepare(t, target{name: c.sink, open: folders(c.sink)})
	p.workers = c.workers
	if c.epoch > 0 {
		p.epoch = c.epoch
	}
	if c.batchRows > 0 {
		p.args = append(p.args, "--batch-rows", fmt.Sprint(c.batchRows))
	}
	if c.memory != "" {
		p.args = append(p.args, "--memory-limit", c.memory)
	}
	switch c.level {
	case "":
	case "purego":
		p.program = pureGo(t)
	default:
		p.env = append(p.env, "ARROWSTREAM_SIMD="+c.level)
	}
	if c.fileRows > 0 {
		p.in = inFiles(t, c.fileRows)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	start := time.Now()
	for range c.kills {
		if p.start(t, "", 1+time.Duration(rng.Int64N(int64(usual)))) {
			return collect(t, p, at), 0
		}
	}
	if !p.start(t, "", 0) {
		t.Fatal("the last run did not end")
	}
	took := time.Since(start)
	return collect(t, p, at), took
}

// pureGo is the program without vector kernels, built when it is first needed.
func pureGo(t *testing.T) string {
	t.Helper()
	path := binary + "-purego"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := build(path, "failpoints,purego"); err != nil {
		t.Fatal(err)
	}
	return path
}

// inFiles is a folder with the input, in files of n rows in the same order.
func inFiles(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	query(t, fmt.Sprintf("CREATE TABLE cut USING parquet OPTIONS (path = '%s/', 'roll.rows' = %d); INSERT INTO cut SELECT * FROM '%s/*.parquet'", dir, n, input))
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if want := (rows + n - 1) / n; err != nil || len(files) != want {
		t.Fatalf("%d files of %d rows, want %d (%v)", len(files), n, want, err)
	}
	if err := os.Link(filepath.Join(input, "lines.json"), filepath.Join(dir, "lines.json")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestOptionsDoNotMatter runs the job with random options, and compares the rows
// of its outputs and its models with those of the plain ones.
func TestOptionsDoNotMatter(t *testing.T) {
	plain := choice{sink: "parquet"}
	want, usual := plain.run(t, 0, 0)
	for i := range *metaOps {
		seed := *metaSeed + uint64(i)
		c := choose(seed)
		t.Logf("-meta.seed %d: %s", seed, c)
		got, _ := c.run(t, seed, usual)
		got.compare(t, want, fmt.Sprintf("-meta.seed %d -meta.ops 1:\n  %s\nis not\n  %s\n", seed, c, plain))
	}
}
