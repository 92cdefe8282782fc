package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"

	"github.com/arrowstream/arrowstream/bench/peers/report"
	"github.com/arrowstream/arrowstream/mlkernels"
)

const learnText = "Learning from the same rows in memory, one thread, nanoseconds per row: ours from columns in batches of 16,384 rows, scikit-learn with " +
	"`partial_fit` on C-ordered matrices. Ours scores every row before it learns it; scikit-learn only learns. Both learn one sequence of rows to its end, " +
	"and then their weights must agree. `mini_batch` learns groups of 16,384 rows, as one call of `partial_fit` does; `per_row` moves a center with every row."

const (
	sgdAlpha = 0.0001
	sgdEta   = 0.01
)

// lesson is one model, in our options and as a request to the child.
type lesson struct {
	name    string
	model   string
	options map[string]string
	theirs  request
	batch   int // rows of one partial_fit
	judge   judge
}

// judge compares what was learned at the end.
type judge func(p *points, ours, theirs []float64) (note string, err error)

// lessons are the models learned from points of d dimensions.
func lessons(p *points) []lesson {
	d := len(p.x)
	all := []lesson{{
		name:    fmt.Sprintf("SGD, log loss, d=%d", d),
		model:   "LOGISTIC_REG",
		options: map[string]string{"learn_rate": fmt.Sprint(sgdEta), "penalty": "l2", "l2_reg": fmt.Sprint(sgdAlpha)},
		theirs:  request{"do": "sgd", "alpha": sgdAlpha, "eta0": sgdEta},
		batch:   learnTurn,
		judge:   sameWeights,
	}}
	for _, k := range []int{8, 64} {
		for _, mode := range []string{"mini_batch", "per_row"} {
			all = append(all, lesson{
				name:    fmt.Sprintf("k-means %s, k=%d, d=%d", mode, k, d),
				model:   "KMEANS",
				options: map[string]string{"k": fmt.Sprint(k), "init_centers": firstRows(p, k), "update_mode": mode, "batch_rows": fmt.Sprint(learnBatch)},
				theirs:  request{"do": "kmeans", "k": k, "x": "x", "batch": learnBatch},
				batch:   learnBatch,
				judge:   map[string]judge{"mini_batch": sameCenters, "per_row": sameQuality}[mode],
			})
		}
	}
	return all
}

// firstRows are the first k rows as an option.
func firstRows(p *points, k int) string {
	var text []string
	for i := range k {
		for _, c := range p.x {
			text = append(text, fmt.Sprint(c[i]))
		}
	}
	return strings.Join(text, ",")
}

// compareLearning runs every lesson with us and with scikit-learn in turn.
func compareLearning(ctx context.Context, c config, done func(report.Row)) error {
	py, err := startPython(ctx, c.python)
	if err != nil {
		missing("learn", "scikit-learn", err, done)
		return nil
	}
	defer py.Close()
	if py.Version["sklearn"] == "" {
		missing("learn", "scikit-learn", fmt.Errorf("%s has no scikit-learn", c.python), done)
		return nil
	}
	c.about("scikit-learn", py.Version["sklearn"])
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir, err := os.MkdirTemp(c.data, "points")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, d := range []int{10, 50} {
		p := newPoints(d)
		if err := p.hand(py, dir); err != nil {
			return err
		}
		for _, l := range lessons(p) {
			if !c.only.MatchString(l.name) {
				continue
			}
			row, err := l.compare(py, p, c.pairs)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			done(row)
		}
	}
	return nil
}

// missing notes that a peer is not there, which is no failure.
func missing(suite, peer string, why error, done func(report.Row)) {
	fmt.Fprintf(os.Stderr, "%s: left out: %v\n", peer, why)
	done(report.Row{Suite: suite, Name: "all", Peer: peer, Threads: 1, Note: "not measured: " + why.Error()})
}

func (l lesson) compare(py *python, p *points, pairs int) (report.Row, error) {
	row := report.Row{Suite: "learn", Name: l.name, Peer: "scikit-learn", Threads: 1, Unit: "ns/row", Goal: 1.0 / 3}
	learner, err := mlkernels.New(l.model, l.options)
	if err != nil {
		return row, err
	}
	if err := learner.Bind(mlkernels.Shape{Dense: len(p.x), Classes: 2}); err != nil {
		return row, err
	}
	if _, err := py.Ask(l.theirs); err != nil {
		return row, err
	}
	mine, other := 0, 0 // turns so far
	a, b, err := alternate(pairs, timed(func() error {
		from := mine * learnTurn % learnRows
		mine++
		return p.teach(learner, from, from+learnTurn)
	}), func() (cost, error) {
		from := other * learnTurn % learnRows
		other++
		r := request{"do": "learn", "x": "x", "from": from, "to": from + learnTurn, "batch": l.batch}
		if l.theirs["do"] == "sgd" {
			r["y"] = "y"
		}
		got, err := py.Ask(r)
		return got.cost(), err
	})
	if err != nil {
		return row, err
	}
	theirs, err := py.Ask(request{"do": "weights"})
	if err != nil {
		return row, err
	}
	note, err := l.judge(p, learned(learner), theirs.Values)
	if err != nil {
		return row, err
	}
	row.Note = fmt.Sprintf("%s after %d rows", note, mine*learnTurn)
	return compared(row, a, b, learnTurn), nil
}

// teach lets a learner learn rows from..to, batch by batch.
func (p *points) teach(l mlkernels.Learner, from, to int) error {
	var scores mlkernels.Scores
	x := mlkernels.Matrix{Rows: learnBatch, Dense: make([][]float64, len(p.x))}
	for ; from < to; from += learnBatch {
		for j, c := range p.x {
			x.Dense[j] = c[from : from+learnBatch]
		}
		if n := l.Step(&x, p.y[from:from+learnBatch], nil, &scores); n != learnBatch {
			return fmt.Errorf("%d rows of %d learned", n, learnBatch)
		}
	}
	return nil
}

// learned are the weights of a model, of a linear one the intercept last, or
// the centers one after another.
func learned(l mlkernels.Learner) []float64 {
	var values []float64
	for _, w := range l.Weights() {
		values = append(values, w.Value)
	}
	return values
}

// sameWeights demands weights that agree to 1e-10.
func sameWeights(_ *points, ours, theirs []float64) (string, error) {
	far, err := apart(ours, theirs)
	if err == nil && !(far <= 1e-10) {
		err = fmt.Errorf("weights differ by %.1g", far)
	}
	return fmt.Sprintf("weights equal to %.1g", far), err
}

// apart is the greatest difference of two weights, relative to those above 1.
func apart(a, b []float64) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("%d weights and %d", len(a), len(b))
	}
	far := 0.0
	for i := range a {
		far = max(far, math.Abs(a[i]-b[i])/max(1, math.Abs(a[i])))
	}
	return far, nil
}

// sameCenters demands the centers of scikit-learn: with the same first centers
// and groups the rule is the same. A row as far from one center as from another
// may go either way.
func sameCenters(_ *points, ours, theirs []float64) (string, error) {
	far, err := apart(ours, theirs)
	if err == nil && !(far <= 1e-3) {
		err = fmt.Errorf("centers differ by %.1g", far)
	}
	return fmt.Sprintf("centers equal to %.1g", far), err
}

// sameQuality demands clusters whose inertia, the mean squared distance of rows
// to their nearest center, is at most a tenth above theirs: the rules differ,
// and both end in some local optimum.
func sameQuality(p *points, ours, theirs []float64) (string, error) {
	mine, other := inertia(p, ours), inertia(p, theirs)
	var err error
	if !(mine <= 1.1*other) {
		err = fmt.Errorf("inertia %.4g, theirs %.4g", mine, other)
	}
	return fmt.Sprintf("inertia %.4g, theirs %.4g", mine, other), err
}

// inertia is over the first batch.
func inertia(p *points, centers []float64) float64 {
	d, sum := len(p.x), 0.0
	for i := range learnBatch {
		best := math.Inf(1)
		for from := 0; from < len(centers); from += d {
			square := 0.0
			for j, c := range centers[from : from+d] {
				square += (p.x[j][i] - c) * (p.x[j][i] - c)
			}
			best = min(best, square)
		}
		sum += best
	}
	return sum / learnBatch
}
