package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const output = `goos: linux
pkg: x/kernels
cpu: abacus
Unit %limit better=higher
BenchmarkSum/type=float64/rows=65536/level=avx2-2	758	4588 ns/op	0.070 ns/row	80 %limit
BenchmarkSum/type=float64/rows=65536/level=avx2-2	758	4688 ns/op	0.072 ns/row	70 %limit
BenchmarkStartup	10	9000 ns/op	0 B/op
PASS
ok  	x/kernels	1.0s
`

func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := run(strings.NewReader(output), dir); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(dir, "kernels.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"- CPU: abacus\n",
		"## Sum\n",
		"| type=float64, rows=65536, level=avx2 | 2 | limit | 0.0710 | 0.0533 | ns/row | **0.750** | 0.700..0.800 |  | 2 |  |\n",
		"| Startup | 1 |  | 9000 |  | ns/op |  |  |  | 1 |  |\n",
	} {
		if !strings.Contains(string(table), want) {
			t.Errorf("lacks %q:\n%s", want, table)
		}
	}
}

func TestRunOnNothing(t *testing.T) {
	if err := run(strings.NewReader("PASS\n"), t.TempDir()); err == nil {
		t.Error("no error for an input without benchmarks")
	}
	if err := run(strings.NewReader("BenchmarkX 1 what ns/op\n"), t.TempDir()); err == nil {
		t.Error("no error for a broken line")
	}
}
