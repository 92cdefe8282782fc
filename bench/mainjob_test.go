package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// prepare plans a script; what it shows goes nowhere.
func prepare(b testing.TB, script string, o arrowstream.Options) *sql.Program {
	b.Helper()
	p, err := sql.Prepare(script, sql.Options{
		Connectors: all.Connectors(), Formats: all.Formats(), Pipeline: o,
		Display: func(string) (arrowstream.Sink, error) { return &blackhole.Sink{}, nil },
	})
	if err != nil {
		b.Fatal(syntax.Render(err, script))
	}
	return p
}

func run(b testing.TB, script string, o arrowstream.Options) *arrowstream.Summary {
	b.Helper()
	summary, err := prepare(b, script, o).Run(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return summary
}

// clicks is the pattern of Parquet files of so many clicks. They are written
// once, and kept if ARROWSTREAM_BENCH_DIR names a folder.
func clicks(b testing.TB, rows int) string {
	b.Helper()
	dir := os.Getenv("ARROWSTREAM_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	dir = filepath.Join(dir, fmt.Sprintf("clicks-%d", rows))
	if _, err := os.Stat(dir); err != nil {
		run(b, fmt.Sprintf(`CREATE TABLE made WITH ('connector' = 'clicks', 'rows' = '%d', 'seed' = '1');
			CREATE TABLE kept USING parquet OPTIONS (path = '%s.part');
			INSERT INTO kept SELECT * FROM made;`, rows, dir), arrowstream.Options{})
		if err := os.Rename(dir+".part", dir); err != nil {
			b.Fatal(err)
		}
	}
	return filepath.Join(dir, "*.parquet")
}

var (
	port  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	shown = regexp.MustCompile(`(?m) USING console\b.*;$`)
)

// mainJob is examples/clicks/clicks.sql on other files, exporting on any free
// port and showing nothing.
func mainJob(b testing.TB, input string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "clicks", "clicks.sql"))
	if err != nil {
		b.Fatal(err)
	}
	script := strings.ReplaceAll(string(text), "data/*.parquet", input)
	script = shown.ReplaceAllString(script, " USING blackhole;")
	return port.ReplaceAllString(script, "127.0.0.1:0")
}

// BenchmarkMainJob runs the main job: Parquet in, two models that score and
// learn every row, windows, scored Parquet out. budget-MiB is the most Arrow
// memory the job had, peak-MiB the most the process had resident, cpu-ns/row
// the processor time of all cores and gc-%cpu the garbage collector's share.
func BenchmarkMainJob(b *testing.B) {
	sizes := []int{2_000_000}
	if os.Getenv("ARROWSTREAM_BENCH_LARGE") != "" {
		sizes = append(sizes, 50_000_000)
	}
	for _, rows := range sizes {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			input := clicks(b, rows)
			script := mainJob(b, input)
			b.Chdir(b.TempDir())
			forgetPeak(b)
			var budget int64
			n, before := 0, readCost(b)
			for b.Loop() {
				s := run(b, script, arrowstream.Options{})
				if s.RowsIn != int64(rows) {
					b.Fatalf("%d rows in, want %d", s.RowsIn, rows)
				}
				budget = max(budget, s.PeakBytes)
				n += rows
				if err := os.RemoveAll("out"); err != nil {
					b.Fatal(err)
				}
			}
			perRow(b, n)
			before.report(b, n)
			b.ReportMetric(float64(budget)/(1<<20), "budget-MiB")
			if peak, ok := peakBytes(); ok {
				b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
			}
		})
	}
}

// TestMainJobAllocations runs the main job on 200,000 and on 400,000 rows: what
// more rows allocate is what their ticks do, about 820 objects for the 19
// operators and 40 columns of each, and nothing per row.
func TestMainJobAllocations(t *testing.T) {
	const rows, tickRows, perTick = 200_000, 16_384, 900
	short, long := mainJob(t, clicks(t, rows)), mainJob(t, clicks(t, 2*rows))
	t.Chdir(t.TempDir())
	count := func(script string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run(t, script, arrowstream.Options{})
		runtime.ReadMemStats(&after)
		if err := os.RemoveAll("out"); err != nil {
			t.Fatal(err)
		}
		return after.Mallocs - before.Mallocs
	}
	count(long) // fills the pools
	few, many := count(short), count(long)
	if more := (float64(many) - float64(few)) / rows; more > perTick/float64(tickRows) {
		t.Errorf("%d objects for %d rows, %d for %d: %.0f per tick, %.3f per row", few, rows, many, 2*rows, more*tickRows, more)
	}
}

// BenchmarkScan reads the clicks and counts them in windows, without models.
func BenchmarkScan(b *testing.B) {
	const rows = 2_000_000
	input := clicks(b, rows)
	for _, c := range []struct{ name, query string }{
		{"columns=all", `CREATE TABLE nowhere WITH ('connector' = 'blackhole'); INSERT INTO nowhere SELECT * FROM t`},
		{"columns=1", `SELECT sum(f1) FROM t`},
		{"window", `SELECT window_start, label, count(*), avg(f1) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL 10 SECOND) GROUP BY window_start, label`},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				run(b, "CREATE TABLE t (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND) USING parquet OPTIONS (path = '"+input+"');\n"+c.query, arrowstream.Options{})
				n += rows
			}
			perRow(b, n)
		})
	}
}

// perRow reports the speed at which n rows were worked on.
func perRow(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}
