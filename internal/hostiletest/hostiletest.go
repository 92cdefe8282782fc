// Package hostiletest tests readers on files that once killed some reader. Each
// file is read by a child process, the test binary itself, with 4 GiB of
// address space and five seconds: rows or an error are fine, a crash is not.
package hostiletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	fileVar     = "ARROWSTREAM_HOSTILE_FILE"
	addressCap  = 4 << 30
	timePerFile = 5 * time.Second
)

// Main is the body of a TestMain: in a child it reads the file it was given
// and exits, otherwise it runs the tests.
func Main(m *testing.M, read func(file string) (rows int64, err error)) {
	file := os.Getenv(fileVar)
	if file == "" {
		os.Exit(m.Run())
	}
	limit := syscall.Rlimit{Cur: addressCap, Max: addressCap}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		fmt.Println("cannot limit memory:", err)
		os.Exit(3)
	}
	if rows, err := read(file); err != nil {
		fmt.Println("error:", err)
	} else {
		fmt.Println("rows:", rows)
	}
	os.Exit(0)
}

// Data is the folder of test data, from ARROWSTREAM_DATA or beside the
// repository. The test is skipped if there is none.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	path := folder(elem)
	if !exists(path) {
		t.Skipf("no test data at %s; set ARROWSTREAM_DATA", path)
	}
	return path
}

func folder(elem []string) string {
	root := os.Getenv("ARROWSTREAM_DATA")
	if root == "" {
		dir, _ := os.Getwd()
		for !exists(filepath.Join(dir, "go.mod")) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
		}
		root = filepath.Join(dir, "..", "shared", "data")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Read reads every file of dir in a child each and returns what they said,
// "rows: n" or "error: ...", by base name.
func Read(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range entries {
		if !e.IsDir() {
			said[e.Name()] = child(t, filepath.Join(dir, e.Name()))
		}
	}
	return said
}

func child(t *testing.T, file string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timePerFile)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Args[0])
	// The race detector would sleep for a second at the end of each child.
	cmd.Env = append(os.Environ(), fileVar+"="+file, "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s: took more than %s", filepath.Base(file), timePerFile)
	case errors.As(err, &exit):
		t.Errorf("%s: %v\n%s", filepath.Base(file), err, firstLines(errs.String(), 12))
	case err != nil:
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func firstLines(s string, n int) string {
	lines := strings.SplitN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}
