package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// naive is logistic regression by SGD, one row at a time, as scikit-learn
// defines it: score, shrink by the L2 penalty, add the gradient.
type naive struct {
	w       []float64
	b       float64
	rate    float64
	seen    int
	correct int
	loss    float64
}

func (m *naive) row(x []float64, y float64) {
	const l2 = 1e-4
	p := m.b
	for j, v := range x {
		p += m.w[j] * v
	}
	prob := 1 / (1 + math.Exp(-p))
	if m.seen++; m.seen > 1 { // before the first row there is no model
		if (prob > 0.5) == (y == 1) {
			m.correct++
		}
		if y == 0 {
			m.loss -= math.Log(min(max(1-prob, 1e-15), 1-1e-15))
		} else {
			m.loss -= math.Log(min(max(prob, 1e-15), 1-1e-15))
		}
	}
	for j, v := range x {
		m.w[j] = m.w[j]*(1-m.rate*l2) + m.rate*(y-prob)*v
	}
	m.b += m.rate * (y - prob)
}

// commaRows reads a CSV file whose last column is the label.
func commaRows(t *testing.T, text string) (x [][]float64, y []float64) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		row := floats(t, strings.Split(strings.TrimSuffix(line, "\r"), ","))
		x, y = append(x, row[:len(row)-1]), append(y, row[len(row)-1])
	}
	return x, y
}

func libsvmRows(t *testing.T, text string) (x [][]float64, y []float64) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		cells := strings.Fields(line)
		row := make([]float64, 692)
		for _, c := range cells[1:] {
			index, value, _ := strings.Cut(c, ":")
			j, err := strconv.Atoi(index)
			if err != nil {
				t.Fatal(err)
			}
			row[j-1] = floats(t, []string{value})[0]
		}
		x, y = append(x, row), append(y, floats(t, cells[:1])[0])
	}
	return x, y
}

// TestDatasets runs the scripts of examples/datasets and compares accuracy and
// log loss with the naive learner.
func TestDatasets(t *testing.T) {
	data := hostiletest.Data(t, "ml")
	for _, c := range []struct {
		script, file string
		read         func(*testing.T, string) ([][]float64, []float64)
		rate         float64
		rows         int
		low, high    float64 // of the accuracy
	}{
		// The majority of electricity is 0.5755 of the rows.
		{"electricity.sql", "capymoa/electricity.csv", commaRows, 0.1, 45_312, 0.75, 0.78},
		{"phishing.sql", "river/phishing.csv", commaRows, 0.1, 1250, 0.85, 0.88},
		{"libsvm.sql", "spark/sample_libsvm_data.txt", libsvmRows, 0.0001, 100, 0.94, 1},
	} {
		t.Run(c.script, func(t *testing.T) {
			got := succeed(t, "run", "-q", "--format", "csv", "--param", "DATA="+data, filepath.Join(repo(t), "examples", "datasets", c.script))
			text, err := os.ReadFile(filepath.Join(data, c.file))
			if err != nil {
				t.Fatal(err)
			}
			x, y := c.read(t, string(text))
			m := naive{w: make([]float64, len(x[0])), rate: c.rate}
			for i := range x {
				m.row(x[i], y[i])
			}
			path := filepath.Join(t.TempDir(), "metrics.csv")
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
			metrics := table(t, path)
			last := func(name string) float64 {
				v := floats(t, metrics[name])
				return v[len(v)-1]
			}
			acc, loss := last("accuracy"), last("log_loss")
			wantAcc, wantLoss := float64(m.correct)/float64(m.seen-1), m.loss/float64(m.seen-1)
			t.Logf("%d rows of %d features: accuracy %.6f, log loss %.6f, no-change %.4f, majority %.4f", m.seen, len(x[0]), acc, loss, last("no_change_accuracy"), last("majority_accuracy"))
			if last("rows_seen") != float64(c.rows) || m.seen != c.rows || last("rows_scored") != float64(c.rows-1) {
				t.Errorf("rows seen %v, scored %v, in the file %d; want %d and one less", last("rows_seen"), last("rows_scored"), m.seen, c.rows)
			}
			if math.Abs(acc-wantAcc) > 1e-9 || math.Abs(loss-wantLoss) > 1e-9 {
				t.Errorf("accuracy %v, log loss %v; row by row %v, %v", acc, loss, wantAcc, wantLoss)
			}
			if acc < c.low || acc > c.high || acc <= last("majority_accuracy") {
				t.Errorf("accuracy %v, want %v to %v and more than the majority's %v", acc, c.low, c.high, last("majority_accuracy"))
			}
		})
	}
}
