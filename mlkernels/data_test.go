package mlkernels

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// dataDir is the folder of data sets and vectors; without it the test is
// skipped.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ARROWSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no data: %v", err)
	}
	return filepath.Join(dir, "ml")
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dataDir(t), "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// readCSV reads numbers after a header; the last column is the label.
func readCSV(t testing.TB, name string, rows int) (x [][]float64, y []float64) {
	t.Helper()
	for i, line := range readLines(t, name) {
		if i == 0 || rows >= 0 && i > rows {
			continue
		}
		var row []float64
		for cell := range strings.SplitSeq(line, ",") {
			row = append(row, number(t, cell))
		}
		x, y = append(x, row[:len(row)-1]), append(y, row[len(row)-1])
	}
	return x, y
}

// readLibSVM reads label index:value ... with d features.
func readLibSVM(t testing.TB, name string, d int) (x [][]float64, y []float64) {
	t.Helper()
	for _, line := range readLines(t, name) {
		fields := strings.Fields(line)
		row := make([]float64, d)
		for _, f := range fields[1:] {
			index, value, _ := strings.Cut(f, ":")
			i, err := strconv.Atoi(index)
			if err != nil {
				t.Fatal(err)
			}
			row[i-1] = number(t, value)
		}
		x, y = append(x, row), append(y, number(t, fields[0]))
	}
	return x, y
}

func readLines(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dataDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(string(data), "\r", "")), "\n")
}

func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// matrixOf turns rows into columns.
func matrixOf(rows [][]float64) *Matrix {
	m := &Matrix{Rows: len(rows)}
	if len(rows) == 0 {
		return m
	}
	for j := range rows[0] {
		col := make([]float64, len(rows))
		for i := range rows {
			col[i] = rows[i][j]
		}
		m.Dense = append(m.Dense, col)
	}
	return m
}

// apart is max|got-want| / max|want|.
func apart(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, scale := 0.0, 0.0
	for i := range want {
		if math.IsNaN(got[i]) {
			return math.Inf(1)
		}
		diff = max(diff, math.Abs(got[i]-want[i]))
		scale = max(scale, math.Abs(want[i]))
	}
	if diff == 0 {
		return 0
	}
	return diff / scale
}
