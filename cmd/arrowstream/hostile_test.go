package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

const (
	hostileAddresses = addressVar + "=4294967296"
	hostileTime      = 5 * time.Second // of the processor
	hostileHang      = 30 * time.Second
	hostileMemory    = 256 << 20
	hostilePerByte   = 32
)

// hostile is a file that once killed some reader.
type hostile struct {
	path, name string
	reader     string // the connector for it
	size       int64
}

func (h hostile) read(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readerOf is the connector for a file of the hostile data, by its ending or
// its folder; empty for files that are none.
func readerOf(path string) string {
	switch base := filepath.Base(path); {
	case strings.HasSuffix(base, ".md") || strings.HasSuffix(base, ".txt") || strings.HasPrefix(base, "."):
		return ""
	case strings.HasSuffix(base, ".json"):
		return "json"
	case strings.HasSuffix(base, ".csv"):
		return "csv"
	}
	for folder, name := range map[string]string{"arrow-ipc": "ipc", "csv": "csv", "parquet": "parquet", "json": "json"} {
		if strings.Contains(filepath.Base(filepath.Dir(path)), folder) || strings.Contains(filepath.Base(filepath.Dir(filepath.Dir(path))), folder) {
			return name
		}
	}
	return ""
}

// hostileFiles are those of the given readers, all if there is none; every
// tenth of them in a short run.
func hostileFiles(t *testing.T, readers ...string) []hostile {
	t.Helper()
	root := hostiletest.Data(t, "bad")
	var files []hostile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		reader := readerOf(path)
		if reader == "" || len(readers) > 0 && !strings.Contains(strings.Join(readers, " "), reader) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		files = append(files, hostile{path, name, reader, info.Size()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Fatalf("only %d files in %s", len(files), root)
	}
	if testing.Short() {
		some := files[:0]
		for i := 0; i < len(files); i += 10 {
			some = append(some, files[i])
		}
		files = some
	}
	return files
}

// abuse gives every file to a command line of its own, two at a time, and
// judges how it ended.
func abuse(t *testing.T, files []hostile, command func(h hostile) *exec.Cmd) {
	t.Helper()
	work := make(chan hostile)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 2 {
		wg.Go(func() {
			for h := range work {
				code := verdict(t, h.name+" ("+h.reader+")", h.size, command(h))
				mu.Lock()
				codes[code]++
				mu.Unlock()
			}
		})
	}
	for _, h := range files {
		work <- h
	}
	close(work)
	wg.Wait()
	t.Logf("%d files; exit codes %v", len(files), codes)
}

// verdict runs a command line on size bytes of input. Rows or an error are
// fine. A crash, a wrong usage, an internal error, more than five seconds of
// processor time, half a minute without an end, and memory beyond 256 MiB and
// 32 bytes per byte of input are not.
func verdict(t *testing.T, name string, size int64, cmd *exec.Cmd) (code int) {
	t.Helper()
	var out shared
	cmd.Stdout, cmd.Stderr = &out, &out
	hung := time.AfterFunc(hostileHang, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	code = codeOf(cmd.Run())
	hung.Stop()
	wellBehaved(t, name, size, cmd, code, out.String())
	return code
}

func wellBehaved(t *testing.T, name string, size int64, cmd *exec.Cmd, code int, said string) {
	t.Helper()
	if code != exitOK && code != exitRuntime && code != exitSQL && code != exitResources || strings.Contains(said, "goroutine ") {
		t.Errorf("%s: exit %d\n%.3000s", name, code, said)
		return
	}
	if spent := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); spent > hostileTime {
		t.Errorf("%s: %s of processor time", name, spent)
	}
	// A child's peak begins with that of the process it was forked from.
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		t.Fatal(err)
	}
	limit := max(int64(hostileMemory+hostilePerByte*size), own.Maxrss<<10)
	if peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; peak > limit {
		t.Errorf("%s: %d bytes of memory for %d of input", name, peak, size)
	}
}

// TestHostileFiles counts the rows of every hostile file.
func TestHostileFiles(t *testing.T) {
	abuse(t, hostileFiles(t), func(h hostile) *exec.Cmd {
		return child(t.Context(), []string{hostileAddresses}, "run", "-q", "-e",
			"CREATE TABLE t USING "+h.reader+" OPTIONS (path = '"+h.path+"'); CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM t; SELECT count(*) AS n FROM t")
	})
}

// TestHostileStdin counts the rows of those that can come by standard input.
// Parquet cannot: that is an error that says so.
func TestHostileStdin(t *testing.T) {
	stdin := func(h hostile) *exec.Cmd {
		in, err := os.Open(h.path)
		if err != nil {
			t.Error(err)
		}
		t.Cleanup(func() { in.Close() })
		cmd := child(t.Context(), []string{hostileAddresses}, "run", "-q", "-e", "CREATE TABLE t USING "+h.reader+" OPTIONS (path = '-'); SELECT count(*) AS n FROM t")
		cmd.Stdin = in
		return cmd
	}
	abuse(t, hostileFiles(t, "ipc", "csv", "json"), stdin)
	cmd := stdin(hostileFiles(t, "parquet")[0])
	out, err := cmd.CombinedOutput()
	if code := codeOf(err); code != exitSQL || !strings.Contains(string(out), "come by standard input") {
		t.Errorf("parquet: exit %d\n%s", code, out)
	}
}
