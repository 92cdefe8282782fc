package console

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/terminal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every file in testdata is "options", a batch, and what is printed for it.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.test")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.SplitN(string(raw), "----\n", 3)
			options := map[string]string{}
			for _, o := range strings.Split(strings.TrimSpace(parts[0]), ";") {
				k, v, _ := strings.Cut(o, "=")
				options[k] = v
			}
			var out bytes.Buffer
			stdio := arrowstream.Stdio{Out: &out}
			if w, ok := options["terminal"]; ok {
				fmt.Sscan(w, &stdio.Width)
				delete(options, "terminal")
			}
			s, err := Connector.Sink(arrowstream.Table{Options: options, Stdio: stdio})
			if err != nil {
				t.Fatal(err)
			}
			b := columnartest.Batch(t, columnartest.Allocator(t), parts[1])
			if err := iotest.Write(t, s, b); err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(path, []byte(parts[0]+"----\n"+parts[1]+"----\n"+out.String()), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if out.String() != parts[2] {
				t.Errorf("got\n%s\nwant\n%s", out.String(), parts[2])
			}
		})
	}
}

func TestPerFlush(t *testing.T) {
	var out bytes.Buffer
	s := &Sink{Layout: "table", Stdio: arrowstream.Stdio{Out: &out}}
	b := columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1\n2")
	if err := s.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for range 2 {
			if err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "(4 rows)"); got != 2 {
		t.Errorf("%d tables in\n%s", got, out.String())
	}
}

func TestShortened(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("n:int64\n")
	for i := range 100 {
		fmt.Fprintln(&rows, i)
	}
	b := columnartest.Batch(t, columnartest.Allocator(t), rows.String())
	for limit, want := range map[int]string{1: "0 ... 99", 5: "0 1 2 ... 95 98 99", 40: "19 ... 60 80 99", -1: "0 50 99"} {
		var out bytes.Buffer
		if err := iotest.Write(t, &Sink{Layout: "table", MaxRows: limit, Stdio: arrowstream.Stdio{Out: &out}}, b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(out.String())
		shown := len(lines) - 4 // name, rule, (100 rows)
		if strings.Contains(out.String(), "more rows") {
			shown -= 5
			if !strings.Contains(out.String(), fmt.Sprintf("... %d more rows ...", 100-limit)) {
				t.Errorf("limit %d: %s", limit, out.String())
			}
		}
		if limit > 0 && shown != limit || limit < 0 && shown != 100 {
			t.Errorf("limit %d: %d rows shown, like %s\n%s", limit, shown, want, out.String())
		}
		if limit == 5 && !strings.Contains(out.String(), "98\n99\n") {
			t.Errorf("the last rows are out of order:\n%s", out.String())
		}
	}
}

func TestLayouts(t *testing.T) {
	b := columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1")
	if err := (&Sink{Layout: "tabel"}).Bind(b.Schema(), arrowstream.Env{}); err == nil || !strings.Contains(err.Error(), `did you mean "table"`) {
		t.Errorf("unknown layout: %v", err)
	}
}

func TestWidth(t *testing.T) {
	for v, want := range map[string]int{"abc": 3, "日本": 4, "é": 1, "e\u0301": 1, "": 0} {
		if got := cellWidth(v); got != want {
			t.Errorf("width of %q is %d, want %d", v, got, want)
		}
	}
	if got := terminal.Clean([]byte("a\x1b[31mb\x00\u202ec\xff\n"), false); got != "a[31mbc\uFFFD " {
		t.Errorf("clean: %q", got)
	}
}
