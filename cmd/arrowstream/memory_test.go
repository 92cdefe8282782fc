package main

import (
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/zstd"

	"github.com/arrowstream/arrowstream"
)

var memoryKeys = flag.Int("memory.keys", 2_000_000, "keys of the grouped aggregate in TestMemoryLimit")

// peakVar names the file to which a child writes the most memory it had
// resident. What the system tells a parent includes the parent's own.
const peakVar = "ARROWSTREAM_TEST_PEAK"

// binaryBase is what a process may have beyond 1.2 times its limit: the pages
// of the binary, which the kernel can drop, and the Go runtime.
const binaryBase = 64 << 20

// writePeak writes VmHWM to the file that peakVar names.
func writePeak() {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(os.Getenv(peakVar), regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)[1], 0o600)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
}

// hungry is a job that would take more memory than it is given.
type hungry struct {
	name  string
	limit string // default 64MiB
	spill bool   // into a folder
	state bool   // with a store
	sql   string
	in    io.Reader
	// want matches what the job says when it fails; it may as well end with
	// all its rows unless fails is set.
	want  string
	fails bool
}

// TestMemoryLimit runs jobs that want more memory than they may have: each
// ends with rows or with an error that names what used the memory up, and its
// process never has more than 1.2 times the limit resident.
func TestMemoryLimit(t *testing.T) {
	if runtime.GOOS != "linux" || raceDetector {
		t.Skip("the peak of a process is read from /proc, and the race detector has its own")
	}
	dir := t.TempDir()
	clicks := func(rows int) string {
		return fmt.Sprintf(`CREATE TABLE c (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND)
			WITH ('connector' = 'clicks', 'rows' = '%d', 'seed' = '1', 'interval' = '10us'); CREATE TABLE n USING blackhole; INSERT INTO n `, rows)
	}
	file := func(name string) string {
		return "CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM '" + filepath.Join(dir, name) + "'"
	}
	stdin := func(format string) string {
		return "CREATE TABLE t (a BIGINT, b STRING) WITH ('connector' = '" + format + "', 'path' = '-'); CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM t"
	}
	writeWide(t, filepath.Join(dir, "wide.csv"))
	writeLine(t, filepath.Join(dir, "line.csv"), "a,b\n")
	writeLine(t, filepath.Join(dir, "quote.csv"), "a,b\n\"")
	writeLine(t, filepath.Join(dir, "line.json"), `{"a":1}`+"\n"+`{"b":"`)
	row := strings.Repeat("y", 100) + ",2\n"
	packGzip(t, filepath.Join(dir, "rows.csv.gz"), row)
	packGzip(t, filepath.Join(dir, "line.csv.gz"), "x")
	packZstd(t, filepath.Join(dir, "rows.csv.zst"), row)
	packZstd(t, filepath.Join(dir, "line.json.zst"), "x")
	writeZeros(t, filepath.Join(dir, "zeros.arrows"), 15e6)
	writeLarge(t, filepath.Join(dir, "dictionary.arrows"))
	zeros := filepath.Join(dir, "some.arrows")
	writeZeros(t, zeros, 7e6)
	succeed(t, "run", "-q", "-e", fmt.Sprintf("CREATE TABLE p USING parquet OPTIONS (path = '%s'); INSERT INTO p SELECT * FROM '%s' UNION ALL SELECT * FROM '%s'", filepath.Join(dir, "zeros.parquet"), zeros, zeros))

	// State of operators that go on in a folder, in parts.
	named := func(rows int) string { return "SET job.name = parts; " + clicks(rows) }
	different := "SET job.mode = streaming; SET state.unbounded = allow; " + named(*memoryKeys) + "SELECT DISTINCT ts FROM c"
	pairs := strings.Replace(named(*memoryKeys/2), "INSERT", fmt.Sprintf("CREATE TABLE d WITH ('connector' = 'clicks', 'rows' = '%d', 'seed' = '2', 'interval' = '10us'); INSERT", *memoryKeys/2), 1) +
		"SELECT c.ts, c.user_id, d.user_id AS u FROM c JOIN d ON c.ts = d.ts"
	windows := named(*memoryKeys) + "SELECT ts, count(*) AS x, sum(f1) AS s FROM TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL 1 HOUR) GROUP BY ts, window_start"
	sessions := strings.Replace(windows, "TUMBLE", "SESSION", 1)

	const line, hot = `longer than|too long|not closed`, `AS6001.*(aggregate|session|tumbling)1: `
	jobs := []hungry{
		{name: "slow pipe", sql: "SELECT * FROM '" + filepath.Join(dir, "wide.csv") + "'"},
		{name: "slow socket", sql: "CREATE TABLE s WITH ('connector' = 'socket', 'connect' = '" + slowServer(t) + "', 'format' = 'json'); INSERT INTO s SELECT * FROM '" + filepath.Join(dir, "wide.csv") + "'"},
		{name: "gzip rows", sql: file("rows.csv.gz")},
		{name: "gzip line", sql: file("line.csv.gz"), want: line, fails: true},
		{name: "zstd rows", sql: file("rows.csv.zst")},
		{name: "zstd line", sql: file("line.json.zst"), want: line, fails: true},
		{name: "parquet zeros", sql: file("zeros.parquet")},
		{name: "ipc zeros", sql: file("zeros.arrows"), want: `zeros.arrows`},
		{name: "ipc dictionary", sql: strings.Replace(file("dictionary.arrows"), "*", "upper(s) || CAST(a AS STRING) AS s", 1), want: `AS6001|project1: .*too many`},
		{name: "csv line", sql: file("line.csv"), want: line, fails: true},
		{name: "csv quote", sql: file("quote.csv"), want: line, fails: true},
		{name: "json line", sql: file("line.json"), want: line, fails: true},
		{name: "csv line of stdin", sql: stdin("csv"), in: io.LimitReader(endless{}, 1e9), want: line, fails: true},
		{name: "json line of stdin", sql: stdin("json"), in: io.LimitReader(endless{}, 1e9), want: line, fails: true},
		{name: "hot key", sql: clicks(3e6) + "SELECT 1 AS k, count(DISTINCT ts) AS x FROM c GROUP BY 1", want: hot, fails: true},
		{name: "hot list", sql: clicks(3e6) + "SELECT 1 AS k, array_agg(ts) AS x FROM c GROUP BY 1", want: hot, fails: true},
		{name: "hot window", sql: clicks(3e6) + "SELECT k, array_agg(ts) AS x FROM TUMBLE(TABLE (SELECT 1 AS k, ts FROM c), DESCRIPTOR(ts), INTERVAL 1 HOUR) GROUP BY k, window_start", want: hot, fails: true},
		{name: "hot session", sql: clicks(3e6) + "SELECT k, count(DISTINCT ts) AS x FROM SESSION(TABLE (SELECT 1 AS k, ts FROM c), DESCRIPTOR(ts), INTERVAL 1 MINUTE) GROUP BY k, window_start", want: hot, fails: true},
		{name: "distinct", sql: clicks(3e6) + "SELECT DISTINCT ts FROM c", want: hot, fails: true},
		{name: "keys beyond the limit", limit: "256MiB", sql: clicks(max(*memoryKeys, 4e6)) + "SELECT ts, count(*) AS x, sum(f1) AS s FROM c GROUP BY ts", want: hot, fails: true},
		{name: "keys in a folder", limit: "128MiB", spill: true, sql: clicks(max(*memoryKeys, 4e6)) + "SELECT ts, count(*) AS x, sum(f1) AS s FROM c GROUP BY ts"},
		{name: "keys in a folder and a store", limit: "128MiB", spill: true, state: true, sql: "SET job.name = keys; " + clicks(max(*memoryKeys, 4e6)) + "SELECT ts, count(*) AS x, sum(f1) AS s FROM c GROUP BY ts"},
		{name: "join beyond the limit", sql: pairs, want: `AS6001.*remembers \d+ keys in \d+ MiB: hashjoin1: `, fails: true},
		{name: "distinct in a folder", limit: "128MiB", spill: true, sql: different},
		{name: "distinct in a folder and a store", limit: "128MiB", spill: true, state: true, sql: different},
		{name: "join in a folder", limit: "128MiB", spill: true, sql: pairs},
		{name: "join in a folder and a store", limit: "128MiB", spill: true, state: true, sql: pairs},
		{name: "windows in a folder", limit: "128MiB", spill: true, sql: windows},
		{name: "windows in a folder and a store", limit: "128MiB", spill: true, state: true, sql: windows},
		{name: "sessions in a folder", limit: "128MiB", spill: true, sql: sessions},
		{name: "sessions in a folder and a store", limit: "128MiB", spill: true, state: true, sql: sessions},
		{name: "keys within the limit", limit: strconv.Itoa(200 * *memoryKeys), sql: clicks(*memoryKeys) + "SELECT ts, count(*) AS x, sum(f1) AS s FROM c GROUP BY ts"},
	}
	for _, j := range jobs {
		t.Run(j.name, func(t *testing.T) { j.run(t) })
	}
}

func (j hungry) run(t *testing.T) {
	if j.limit == "" {
		j.limit = "64MiB"
	}
	limit, err := arrowstream.ParseSize(j.limit)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	peakFile := filepath.Join(t.TempDir(), "peak")
	args := []string{"run", "-q", "--format", "csv", "--memory-limit", j.limit, "-e", j.sql}
	if j.spill {
		args = append(args, "--spill", t.TempDir())
	}
	if j.state {
		args = append(args, "--state", t.TempDir())
	}
	cmd := child(ctx, []string{peakVar + "=" + peakFile}, args...)
	cmd.Stdin = j.in
	var said shared
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	readSlowly(out)
	code := codeOf(cmd.Wait())
	switch failed := code != exitOK; {
	case failed && (j.want == "" || !regexp.MustCompile(j.want).MatchString(said.String())):
		t.Errorf("exit %d: %.600s", code, said.String())
	case !failed && j.fails:
		t.Error("the job ended well")
	}
	text, err := os.ReadFile(peakFile)
	if err != nil {
		t.Fatalf("exit %d: %.600s: %v", code, said.String(), err)
	}
	kib, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("exit %d, peak %d MiB, limit %d MiB", code, kib>>10, limit>>20)
	if most := limit*12/10 + binaryBase; kib<<10 > most {
		t.Errorf("the process had %d MiB, want at most %d", kib>>10, most>>20)
	}
}

// readSlowly reads all of r in pieces so small that the writer has to wait.
func readSlowly(r io.Reader) {
	piece := make([]byte, 256)
	for {
		if _, err := r.Read(piece); err != nil {
			return
		}
	}
}

// slowServer is the address of a server that reads slowly what one client sends.
func slowServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			readSlowly(c)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func create(t *testing.T, path string, write func(f *os.File) error) {
	t.Helper()
	f, err := os.Create(path)
	if err == nil {
		if err = write(f); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writeWide writes 64 MiB of long rows.
func writeWide(t *testing.T, path string) {
	create(t, path, func(f *os.File) error {
		text := strings.Repeat("y", 32<<10)
		_, err := f.WriteString("a,s\n")
		for i := 0; i < 2048 && err == nil; i++ {
			_, err = fmt.Fprintf(f, "%d,%s\n", i, text)
		}
		return err
	})
}

// writeLine writes a file that goes on for 1 GB without a newline; most of it
// is a hole.
func writeLine(t *testing.T, path, begin string) {
	create(t, path, func(f *os.File) error {
		if _, err := f.WriteString(begin + strings.Repeat("x", 1<<20)); err != nil {
			return err
		}
		return f.Truncate(1e9)
	})
}

// repeat writes 128 MiB of a text.
func repeat(w io.Writer, text string) (err error) {
	text = strings.Repeat(text, 1<<20/len(text))
	for i := 0; i < 128 && err == nil; i++ {
		_, err = io.WriteString(w, text)
	}
	return err
}

func packGzip(t *testing.T, path, text string) {
	create(t, path, func(f *os.File) error {
		z := gzip.NewWriter(f)
		return errors.Join(repeat(z, text), z.Close())
	})
}

func packZstd(t *testing.T, path, text string) {
	create(t, path, func(f *os.File) error {
		z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		return errors.Join(repeat(z, text), z.Close())
	})
}

// writeZeros writes one batch of 8 bytes a row that is packed into a few kilobytes.
func writeZeros(t *testing.T, path string, rows int) {
	values := array.NewInt64Data(array.NewData(arrow.PrimitiveTypes.Int64, rows, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 8*rows))}, nil, 0, 0))
	writeArrow(t, path, arrow.Field{Name: "a", Type: values.DataType()}, values)
}

// writeLarge writes a million rows of 1 MiB each, all the same entry of a dictionary.
func writeLarge(t *testing.T, path string) {
	const rows = 1_000_000
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.Append(strings.Repeat("x", 1<<20))
	codes := array.NewInt32Data(array.NewData(arrow.PrimitiveTypes.Int32, rows, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 4*rows))}, nil, 0, 0))
	large := array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, codes, b.NewArray())
	numbers := array.NewInt32Data(codes.Data())
	writeArrow(t, path, arrow.Field{Name: "s", Type: large.DataType()}, large, arrow.Field{Name: "a", Type: numbers.DataType()}, numbers)
}

// writeArrow writes one batch of columns, each a field and an array.
func writeArrow(t *testing.T, path string, columns ...any) {
	var fields []arrow.Field
	var arrays []arrow.Array
	for i := 0; i < len(columns); i += 2 {
		fields, arrays = append(fields, columns[i].(arrow.Field)), append(arrays, columns[i+1].(arrow.Array))
	}
	schema := arrow.NewSchema(fields, nil)
	create(t, path, func(f *os.File) error {
		w := ipc.NewWriter(f, ipc.WithSchema(schema), ipc.WithZstd())
		return errors.Join(w.Write(array.NewRecord(schema, arrays, int64(arrays[0].Len()))), w.Close())
	})
}
