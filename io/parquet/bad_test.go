package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/safe"
)

const (
	childEnv = "ARROWSTREAM_PARQUET_CHILD"
	// childRows ends the reading of a file that claims more rows than a test
	// has time for.
	childRows = 50_000_000
	fuzzRows  = 500_000
)

// child reads the file named by the environment with the real reader in a
// limited address space. Its exit code is 0 for rows, 3 for an error.
func child() int {
	limit := syscall.Rlimit{Cur: 4 << 30, Max: 4 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		fmt.Println(err)
		return 9
	}
	rows, err := drain(context.Background(), os.Getenv(childEnv), childRows, columnar.NewBudget(256<<20, memory.NewGoAllocator()).Account("bad"))
	fmt.Printf("rows %d err %v\n", rows, err)
	if caught, byRuntime := safe.IsPanic(err); caught && byRuntime {
		fmt.Println("a panic of the runtime was caught")
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		fmt.Printf("rss %d\n", usage.Maxrss<<10)
	}
	if err != nil {
		return 3
	}
	return 0
}

// drain reads a file to its end, or to the most rows, and returns their number.
func drain(ctx context.Context, path string, most int64, mem memory.Allocator) (rows int64, err error) {
	s := &Source{Path: path}
	if _, err := s.Schema(); err != nil {
		return 0, err
	}
	parts, err := s.Open(ctx, testEnv(mem, 0, 2))
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		defer func() { err = errors.Join(err, p.Close()) }()
		for rows < most {
			b, err := p.Read(ctx)
			if err != nil {
				if err.Error() == "EOF" {
					break
				}
				return rows, err
			}
			rows += b.NumRows()
			b.Release()
		}
	}
	return rows, nil
}

func dataDir(t testing.TB) string {
	dir := os.Getenv("ARROWSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no data folder at %s (set ARROWSTREAM_DATA)", dir)
	}
	return dir
}

func TestMalformedCorpus(t *testing.T) {
	dir := dataDir(t)
	var paths []string
	for _, pattern := range []string{"bad/parquet-testing/bad_data/*.parquet", "bad/arrow-testing/data/parquet/fuzzing/*"} {
		more, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, more...)
	}
	if len(paths) < 100 {
		t.Fatalf("only %d files below %s", len(paths), dir)
	}
	counts := map[int]int{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Run()
		cancel()
		code := cmd.ProcessState.ExitCode()
		counts[code]++
		name := filepath.Base(path)
		if code != 0 && code != 3 {
			t.Errorf("%s: exit code %d, %v\n%s", name, code, err, out.Bytes()[:min(out.Len(), 2000)])
			continue
		}
		if testing.Verbose() {
			t.Logf("%s: %s", name, strings.TrimSpace(out.String()))
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if s, ok := strings.CutPrefix(line, "rss "); ok {
				rss, err := strconv.ParseInt(s, 10, 64)
				if limit := int64(256<<20) + 32*info.Size(); err != nil || rss > limit {
					t.Errorf("%s: %s bytes of memory for a file of %d", name, s, info.Size())
				}
			}
		}
	}
	t.Logf("%d files: %d with rows, %d with an error", len(paths), counts[0], counts[3])
}

// small is a file of a few hundred bytes with the usual suspects in it.
func small(t testing.TB, codec string) []byte {
	mem := columnartest.Allocator(t)
	path := filepath.Join(t.TempDir(), "small.parquet")
	write(t, mem, &Sink{Path: path, Compression: codec}, columnartest.Batch(t, mem, "ts:timestamp[us]! k:dict x:float64 l:list<int64>\n1 a 1.5 [1,2]\n2 b null null\n3 a 2.5 []\n4 null 3.5 [null,4]\n"))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readBytes reads a file out of memory with the real reader.
func readBytes(t testing.TB, dir string, b []byte, checksums bool) ([]string, error) {
	t.Helper()
	path := filepath.Join(dir, "x.parquet")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	return read(t.Context(), &Source{Path: path, Checksums: checksums}, testEnv(columnar.NewBudget(64<<20, mem).Account("bad"), 100, 1))
}

func TestTruncatedAtEveryLength(t *testing.T) {
	b := small(t, "zstd")
	dir := t.TempDir()
	for n := range b {
		if rows, err := readBytes(t, dir, b[:n], false); err == nil {
			t.Fatalf("the first %d of %d bytes are read as %d rows", n, len(b), len(rows))
		}
	}
}

// TestBitFlips flips two bits of every byte of a file, one at a time. What
// checksums cover is detected if they are verified; elsewhere an error or rows
// are fine, a panic of the runtime is not.
func TestBitFlips(t *testing.T) {
	for _, codec := range []string{"zstd", "none"} {
		b := small(t, codec)
		dir := t.TempDir()
		failed := map[bool]int{}
		for i := range b {
			for _, bit := range []int{i % 8, (i + 3) % 8} {
				b[i] ^= 1 << bit
				for _, checksums := range []bool{false, true} {
					if _, err := readBytes(t, dir, b, checksums); err != nil {
						failed[checksums]++
						if caught, byRuntime := safe.IsPanic(err); caught && byRuntime {
							t.Errorf("byte %d, bit %d: %v", i, bit, err)
						}
					}
				}
				b[i] ^= 1 << bit
			}
		}
		t.Logf("%s: %d of %d flips are errors, %d with checksums", codec, failed[false], 2*len(b), failed[true])
		if failed[true] < failed[false]+20 {
			t.Error("checksums find nothing")
		}
	}
}

func TestNoParquetFile(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, content, want string }{
		{"empty", "", "not a Parquet file: 0 bytes"},
		{"text", "hello, this is a text file", "starts with"},
		{"half written", "PAR1" + strings.Repeat("x", 40), "was it still being written"},
		{"encrypted", "PARE" + strings.Repeat("x", 40) + "PARE", "encrypted"},
		{"footer length", "PAR1" + strings.Repeat("x", 8) + "\xff\xff\xff\xffPAR1", "does not fit a file"},
		// A list of 2^31 elements in a few bytes made the library ask for 200 GB.
		{"list count", "PAR1" + "\x19\xfc\xff\xff\xff\xff\x07\x00" + "\x08\x00\x00\x00PAR1", "cut off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readBytes(t, dir, []byte(tt.content), true)
			wantError(t, err, "x.parquet", tt.want)
			var d *arrowstream.DataError
			if !errors.As(err, &d) {
				t.Errorf("%T is no DataError", err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, codec := range []string{"zstd", "none", "snappy"} {
		f.Add(small(f, codec))
	}
	f.Add([]byte("PAR1\x19\xfc\xff\xff\xff\xff\x07\x00\x08\x00\x00\x00PAR1"))
	for _, dir := range [][]string{{"bad", "parquet-testing", "bad_data"}, {"bad", "arrow-testing", "data", "parquet", "fuzzing"}} {
		for b := range hostiletest.Seeds(dir...) {
			f.Add(b)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		hostiletest.Within(t, len(b), func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			path := fuzzFile(t, dir, b)
			mem := memory.NewCheckedAllocator(columnar.Pool)
			defer mem.AssertSize(t, 0)
			rows, err := drain(ctx, path, fuzzRows, columnar.NewBudget(32<<20, mem).Account("fuzz"))
			if caught, byRuntime := safe.IsPanic(err); caught && byRuntime {
				t.Fatalf("after %d rows: %v", rows, err)
			}
		})
	})
}
