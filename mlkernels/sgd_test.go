package mlkernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// holed is benchMatrix with rows that cannot be used and labels that are not
// known.
func holed(d, rows int) (*Matrix, []float64) {
	x, y := benchMatrix(d)
	x.Rows, y = rows, y[:rows]
	for j := range x.Dense {
		x.Dense[j] = x.Dense[j][:rows]
	}
	x.Bad = make([]bool, rows)
	for i := range y {
		if i%11 == 4 {
			x.Bad[i], x.Dense[d-1][i] = true, nan
		}
		if i%7 == 2 {
			y[i] = nan
		}
	}
	return x, y
}

// part are rows [from, to) of x.
func part(x *Matrix, from, to int) *Matrix {
	p := &Matrix{Rows: to - from, Bad: x.Bad[from:to]}
	for _, col := range x.Dense {
		p.Dense = append(p.Dense, col[from:to])
	}
	return p
}

// TestGroupsAreNaive learns groups row by row, with one lane per row number
// modulo 32, and compares every bit with batches cut at random.
func TestGroupsAreNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, c := range []struct {
		model, loss string
		classes     int
	}{{"LOGISTIC_REG", "log_loss", 2}, {"LOGISTIC_REG", "hinge", 2}, {"LINEAR_REG", "squared_error", 0}, {"LINEAR_REG", "huber", 0}, {"LOGISTIC_REG", "log_loss", 3}} {
		for _, d := range []int{1, 3, 16, 17, 40} {
			for _, size := range []int{1, 31, 64, 333} {
				t.Run(fmt.Sprintf("%s/classes=%d/d=%d/size=%d", c.loss, c.classes, d, size), func(t *testing.T) {
					x, y := holed(d, 700)
					weight := make([]float64, len(y))
					for i := range y {
						weight[i] = float64(rng.IntN(4))
						if c.classes == 3 && y[i] == 1 {
							y[i] += float64(i & 1)
						}
					}
					options := map[string]string{"loss": c.loss, "update_mode": "mini_batch", "batch_rows": fmt.Sprint(size), "learn_rate": "0.1"}
					shape := Shape{Dense: d, Classes: c.classes}
					l := mustNew(t, c.model, options, shape).(*sgd)
					if !l.grouped() {
						t.Fatal("not the loop this test is about")
					}
					values := make([]float64, x.Rows)
					for from := 0; from < x.Rows; {
						to := min(x.Rows, from+rng.IntN(300))
						var out Scores
						l.Step(part(x, from, to), y[from:to], weight[from:to], &out)
						copy(values[from:], out.Value)
						from = to
					}
					naiveGroups(t, l, x, y, weight, size, values)
				})
			}
		}
	}
}

// naiveGroups compares the model l and its scores with those of a loop.
func naiveGroups(t *testing.T, l *sgd, x *Matrix, y, weight []float64, size int, values []float64) {
	t.Helper()
	d := len(x.Dense)
	want := make([]*problem, len(l.problems))
	sums := make([][][32]float64, len(want))
	for k := range want {
		want[k], sums[k] = newProblem(d, 0, &l.opt, 0), make([][32]float64, d+1)
	}
	row, n, updates := newRow(d), 0, 0
	for i := range x.Rows {
		if x.Bad[i] {
			continue
		}
		for j := range row {
			row[j] = x.Dense[j][i]
		}
		margins := make([]float64, len(want))
		for k, p := range want {
			margins[k] = dot(p.w, row) + p.b
		}
		if updates > 0 && !l.oneVsRest() {
			v := margins[0]
			if l.loss == LogLoss {
				v = simd.Sigmoid(v)
			}
			if values[i] != v {
				t.Fatalf("row %d: scored %v, want %v", i, values[i], v)
			}
		}
		if y[i] != y[i] {
			continue
		}
		for k := range want {
			g := float64(clip(l.loss.gradient(margins[k], l.target(y[i], k), l.opt.Epsilon)) * weight[i])
			for j, v := range row {
				sums[k][j][n%32] = math.FMA(g, v, sums[k][j][n%32])
			}
			sums[k][d][n%32] += g
		}
		if n++; n < size {
			continue
		}
		eta := l.schedule.at(int64(updates + 1))
		for k, p := range want {
			for j := range row {
				p.w[j] = math.FMA(-eta/float64(size), simd.LanesValue(&sums[k][j]), p.w[j]*l.shrink(eta))
			}
			p.b += float64(-eta / float64(size) * simd.LanesValue(&sums[k][d]))
			clear(sums[k])
		}
		n = 0
		updates++
	}
	if int64(updates) != l.t-1 || n != l.group {
		t.Fatalf("%d updates and %d rows, want %d and %d", l.t-1, l.group, updates, n)
	}
	for k, p := range want {
		if !sameBits(p.w, l.problems[k].w) || p.b != l.problems[k].b {
			t.Errorf("problem %d: weights %v %v, want %v %v", k, l.problems[k].w, l.problems[k].b, p.w, p.b)
		}
	}
}

// TestScoreIsStep: all rows at once get the scores that they get one by one.
func TestScoreIsStep(t *testing.T) {
	for _, options := range []map[string]string{nil, {"standardize": "true"}, {"average": "5"}, {"loss": "hinge"}, {"loss": "modified_huber"}} {
		for _, d := range []int{2, 16, 17, 33, 70} {
			x, y := holed(d, 600)
			l := mustNew(t, "LOGISTIC_REG", options, Shape{Dense: d, Classes: 2}).(*sgd)
			var scores, steps Scores
			var scratch Scratch
			l.Step(x, y, nil, &steps)
			for i := range y {
				y[i] = nan
			}
			l.Score(x, &scratch, &scores)
			steps.reset(x.Rows)
			l.stepRows(x, y, nil, 0, x.Rows, &steps)
			if !sameBits(scores.Value, steps.Value) || fmt.Sprint(scores.Valid, scores.Class) != fmt.Sprint(steps.Valid, steps.Class) {
				t.Errorf("%v, %d features: the scores differ", options, d)
			}
		}
	}
}

// TestNothingIsAllocated: once its memory is there, a learner asks for no more.
func TestNothingIsAllocated(t *testing.T) {
	for _, options := range []map[string]string{
		nil,
		{"learn_rate_strategy": "invscaling"},
		{"penalty": "l1", "l1_reg": "0.001"},
		{"standardize": "true"},
		{"update_mode": "mini_batch"},
		{"update_mode": "mini_batch", "batch_rows": "1000", "loss": "hinge"},
		{"update_mode": "full_batch", "num_iterations": "3", "batch_rows": "100"},
	} {
		for _, d := range []int{10, 40} {
			x, y := holed(d, 500)
			l := mustNew(t, "LOGISTIC_REG", options, Shape{Dense: d, Classes: 2})
			var out Scores
			var scratch Scratch
			run := func() {
				l.Step(x, y, nil, &out)
				l.Score(x, &scratch, &out)
			}
			run()
			run()
			if n := testing.AllocsPerRun(10, run); n > 0 {
				t.Errorf("%v, %d features: %v allocations", options, d, n)
			}
		}
	}
}
