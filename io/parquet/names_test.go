package parquet

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestPartitionsStayInTheirFolder writes values that look like ways out.
func TestPartitionsStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	values := []string{"..", "../../x", "/etc", ".hidden", "_hidden", "a=b", "nul\\x00", "..\\\\x", "a\\nb", "\\x1b[2J"}
	b := columnartest.Batch(t, columnartest.Allocator(t), "k:utf8 x:int64\n"+quoted(values))
	a, err := arrowstream.Restrict([]string{dir + ":rw"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Sink{Path: filepath.Join(dir, "out"), Partition: []string{"k"}}
	if err := s.Bind(b.Schema(), arrowstream.Env{Allocator: columnartest.Allocator(t), Name: "t", Access: a}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if strings.ContainsAny(path, "\x00\n\x1b\\") || !filepath.IsLocal(path) {
			t.Errorf("%q", path)
		}
		if !d.IsDir() {
			files++
			if !strings.HasPrefix(path, "out/k=") || strings.Count(path, "/") != 2 {
				t.Errorf("%q", path)
			}
		}
		return err
	})
	if err != nil || files != len(values) {
		t.Errorf("%d files, %v", files, err)
	}
	long := columnartest.Batch(t, columnartest.Allocator(t), "k:utf8 x:int64\n"+quoted([]string{strings.Repeat("x", 254)}))
	err = iotest.Write(t, &Sink{Path: filepath.Join(dir, "long"), Partition: []string{"k"}}, long)
	if err == nil || !strings.Contains(err.Error(), "a directory of 256 bytes, 255 fit") {
		t.Error(err)
	}
}

func quoted(values []string) string {
	var sb strings.Builder
	for i, v := range values {
		fmt.Fprintf(&sb, "\"%s\" %d\n", v, i)
	}
	return sb.String()
}
