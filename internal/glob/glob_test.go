package glob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		p := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExpand(t *testing.T) {
	dir := tree(t, "a1.parquet", "a2.parquet", "b.csv", ".hidden.parquet", "_tmp.parquet", "a10.parquet",
		"sub/c.parquet", "sub/deep/d.parquet", "_meta/e.parquet", "odd[1].parquet", "ünï.parquet", "p=1/x.parquet", "p=2/x.parquet", "UP.PARQUET")
	if err := os.Symlink(dir, filepath.Join(dir, "sub", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dead.parquet")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a1.parquet", filepath.Join(dir, "link.parquet")); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ pattern, want string }{
		{"a1.parquet", "a1.parquet"},
		{"a?.parquet", "a1.parquet a2.parquet"},
		{"a*.parquet", "a1.parquet a10.parquet a2.parquet"},
		{"a[!1]*.parquet", "a2.parquet"},
		{"a[2-9].parquet", "a2.parquet"},
		{"{b,a1}.{csv,parquet}", "a1.parquet b.csv"},
		{"{a{1,10},b}.*", "a1.parquet a10.parquet b.csv"},
		{"**/d.parquet", "sub/deep/d.parquet"},
		{"sub/**", "sub/c.parquet sub/deep/d.parquet"},
		{"sub/**/**/*.parquet", "sub/c.parquet sub/deep/d.parquet"},
		{"*/*.parquet", "p=1/x.parquet p=2/x.parquet sub/c.parquet"},
		{"p=*/x.parquet", "p=1/x.parquet p=2/x.parquet"},
		{"_t*", "_tmp.parquet"},
		{".h*", ".hidden.parquet"},
		{"odd[1].parquet", "odd[1].parquet"},
		{"?n?.parquet", "ünï.parquet"},
		{"l*.parquet", "link.parquet"},
		{"", "UP.PARQUET a1.parquet a10.parquet a2.parquet link.parquet odd[1].parquet p=1/x.parquet p=2/x.parquet sub/c.parquet sub/deep/d.parquet ünï.parquet"},
		{"sub", "sub/c.parquet sub/deep/d.parquet"},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			got, err := Expand(nil, filepath.Join(dir, tt.pattern), ".parquet")
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if got[i], err = filepath.Rel(dir, got[i]); err != nil {
					t.Fatal(err)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestExpandRelative(t *testing.T) {
	t.Chdir(tree(t, "x/a.csv", "x/b.csv"))
	got, err := Expand(nil, "./x/*.csv")
	if want := []string{filepath.Join("x", "a.csv"), filepath.Join("x", "b.csv")}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
}

func TestExpandErrors(t *testing.T) {
	dir := tree(t, "sub/c.parquet")
	tests := []struct{ pattern, nearest, text string }{
		{"sub/none/*.parquet", "sub", ""},
		{"sub/*.csv", "sub", ""},
		{"typo/x.parquet", "", ""},
		{"sub/[.parquet", "", "brackets"},
		{"sub/{a,b", "", "{ without }"},
		{strings.Repeat("{a,b}", 20), "", "stand for more"},
		{"a\x00b", "", "NUL"},
	}
	for _, tt := range tests {
		_, err := Expand(nil, filepath.Join(dir, tt.pattern))
		var no *NoMatchError
		if tt.text != "" {
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%q: got %v, want %q", tt.pattern, err, tt.text)
			}
			continue
		}
		if !errors.As(err, &no) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", tt.pattern, err)
			continue
		}
		if want := filepath.Join(dir, tt.nearest); no.Nearest != want {
			t.Errorf("%q: nearest %q, want %q", tt.pattern, no.Nearest, want)
		}
	}
	if _, err := Expand(nil, ""); err == nil {
		t.Error("an empty pattern is accepted")
	}
	if _, err := Expand(nil, filepath.Join(dir, "sub"), ".csv"); err == nil || !strings.Contains(err.Error(), "holds no file that ends in .csv") {
		t.Errorf("a directory without such files: %v", err)
	}
}
