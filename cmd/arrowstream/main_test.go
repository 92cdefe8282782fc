package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/parquet"
)

// A child process runs the command itself when mainVar is set; the other two
// limit its address space and the size of the files it writes, in bytes.
const (
	mainVar    = "ARROWSTREAM_TEST_MAIN"
	addressVar = "ARROWSTREAM_TEST_ADDRESS_SPACE"
	fileVar    = "ARROWSTREAM_TEST_FILE_SIZE"
)

func TestMain(m *testing.M) {
	if os.Getenv(mainVar) != "" {
		limit(addressVar, syscall.RLIMIT_AS)
		limit(fileVar, syscall.RLIMIT_FSIZE)
		if os.Getenv(peakVar) != "" {
			code := execute(context.Background(), arrowstream.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Args[1:])
			writePeak()
			os.Exit(code)
		}
		main()
	}
	goleak.VerifyTestMain(m)
}

func limit(name string, resource int) {
	text := os.Getenv(name)
	if text == "" {
		return
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		err = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: n})
	}
	if err != nil {
		fmt.Println(name, err)
		os.Exit(99)
	}
}

// outcome is what a command line came to.
type outcome struct {
	out, err string
	code     int
}

// command runs a command line in this process.
func command(ctx context.Context, args ...string) outcome {
	var out, err shared
	code := execute(ctx, arrowstream.Stdio{In: strings.NewReader(""), Out: &out, Err: &err}, args)
	return outcome{out.String(), err.String(), code}
}

// succeed runs a command line that must succeed and returns its output.
func succeed(t testing.TB, args ...string) string {
	t.Helper()
	o := command(t.Context(), args...)
	if o.code != 0 {
		t.Fatalf("arrowstream %s: exit %d\n%s", strings.Join(args, " "), o.code, o.err)
	}
	return o.out
}

// shared is a buffer that goroutines may write to.
type shared struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// child is the command line in a process of its own, not started yet.
func child(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), mainVar+"=1", "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// exitCode is that of a process, -1 if a signal ended it.
func codeOf(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -2
	}
	return 0
}

// clicks writes n clicks to the folder data of the working directory, 3 ms of
// event time apart, so that 200,000 of them are ten minutes and the drift is
// where the example looks for it.
func clicks(t testing.TB, n int) {
	t.Helper()
	succeed(t, "generate", "clicks", "--rows", strconv.Itoa(n), "--seed", "1", "--option", fmt.Sprintf("interval=%dus", 600_000_000/n), "--out", "data")
}

// example is the main job with every result going to a file below out.
func example(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repo(t), "examples", "clicks", "clicks.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return toFiles(string(b))
}

// repo is the root of the repository.
func repo(t testing.TB) string {
	t.Helper()
	return repoRoot
}

var repoRoot = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(filepath.Dir(dir))
}()

// parquetText reads Parquet files as text.
func parquetText(t testing.TB, path string) string {
	t.Helper()
	return iotest.MustRead(t, &parquet.Source{Path: path}, 0)
}
