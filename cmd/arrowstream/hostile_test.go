package main

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// reader is the connector for a file of the hostile data, by its ending or
// its folder; empty for files that are none.
func reader(path string) string {
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

// TestHostileFiles counts the rows of every file that once killed some reader,
// in a child with 4 GiB of address space: rows or an error are fine, a crash
// is not.
func TestHostileFiles(t *testing.T) {
	root := hostiletest.Data(t, "bad")
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && reader(path) != "" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 10
	}
	work := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	read, codes := 0, map[int]int{}
	for range 2 {
		wg.Go(func() {
			for path := range work {
				code, said := feed(t, path)
				mu.Lock()
				read++
				codes[code]++
				mu.Unlock()
				if code != exitOK && code != exitRuntime && code != exitSQL && code != exitResources || strings.Contains(said, "goroutine ") {
					name, _ := filepath.Rel(root, path)
					t.Errorf("%s (%s): exit %d\n%.1500s", name, reader(path), code, said)
				}
			}
		})
	}
	for i := 0; i < len(paths); i += step {
		work <- paths[i]
	}
	close(work)
	wg.Wait()
	t.Logf("%d of %d files; exit codes %v", read, len(paths), codes)
	if read < 30 {
		t.Errorf("only %d files in %s", read, root)
	}
}

func feed(t *testing.T, path string) (code int, said string) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out shared
	cmd := child(ctx, []string{addressVar + "=4294967296"}, "run", "-q", "-e",
		"CREATE TABLE t USING "+reader(path)+" OPTIONS (path = '"+path+"'); CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM t; SELECT count(*) AS n FROM t")
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return codeOf(err), out.String()
}
