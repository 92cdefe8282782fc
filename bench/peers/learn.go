package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/bench/peers/report"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/mlkernels"
)

const learnText = "Learning from the same rows in memory, one thread, nanoseconds per row: ours from Arrow columns in batches of 16,384 rows, scikit-learn with " +
	"`partial_fit` on C-ordered matrices. Ours also scores every row before it learns it; scikit-learn only learns. Both learn one sequence of rows to the end, " +
	"and then their weights must agree."

const (
	sgdAlpha = 0.0001
	sgdEta   = 0.01
)

// lesson is one model, in our options and as a request to the child.
type lesson struct {
	name    string
	options map[string]string
	theirs  request
	batch   int // rows of one partial_fit
	judge   func(p *points, ours, theirs []float64) (note string, err error)
}

// lessons are the models learned from points of d dimensions.
func lessons(p *points) []lesson {
	d := len(p.x)
	all := []lesson{{
		name: fmt.Sprintf("SGD, log loss, d=%d", d),
		options: map[string]string{
			"model_type": "LOGISTIC_REG", "label": "y", "classes": "0,1", "learn_rate": fmt.Sprint(sgdEta), "penalty": "l2", "l2_reg": fmt.Sprint(sgdAlpha),
		},
		theirs: request{"do": "sgd", "alpha": sgdAlpha, "eta0": sgdEta},
		batch:  learnTurn,
		judge:  sameWeights,
	}}
	for _, k := range []int{8, 64} {
		for _, mode := range []string{"mini_batch", "per_row"} {
			all = append(all, lesson{
				name: fmt.Sprintf("k-means %s, k=%d, d=%d", mode, k, d),
				options: map[string]string{
					"model_type": "KMEANS", "k": fmt.Sprint(k), "features": strings.Join(columnar.Names(p.batches[0].Schema())[:d], ","),
					"init_centers": firstRows(p, k), "update_mode": mode, "batch_rows": fmt.Sprint(learnBatch),
				},
				theirs: request{"do": "kmeans", "k": k, "x": "x", "batch": learnBatch},
				batch:  learnBatch,
				judge:  sameQuality,
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
		return missing("learn", "scikit-learn", err, done)
	}
	defer py.Close()
	if py.Version["sklearn"] == "" {
		return missing("learn", "scikit-learn", fmt.Errorf("%s has no scikit-learn", c.python), done)
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
func missing(suite, peer string, why error, done func(report.Row)) error {
	fmt.Fprintf(os.Stderr, "%s: left out: %v\n", peer, why)
	done(report.Row{Suite: suite, Name: "all", Peer: peer, Threads: 1, Note: "not measured: " + why.Error()})
	return nil
}

func (l lesson) compare(py *python, p *points, pairs int) (report.Row, error) {
	row := report.Row{Suite: "learn", Name: l.name, Peer: "scikit-learn", Threads: 1, Unit: "ns/row", Goal: 1.0 / 3}
	spec, err := mlkernels.ParseSpec(l.options)
	if err != nil {
		return row, err
	}
	model, err := mlkernels.NewModel(spec)
	if err != nil {
		return row, err
	}
	if err := model.Bind(p.batches[0].Schema()); err != nil {
		return row, err
	}
	if _, err := py.Ask(l.theirs); err != nil {
		return row, err
	}
	mine, other := 0, 0 // turns so far
	a, b, err := alternate(pairs, timed(func() error {
		from := mine * learnTurn % learnRows / learnBatch
		mine++
		return learnBatches(model, p.batches[from:from+learnTurn/learnBatch])
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
	note, err := l.judge(p, learned(model), theirs.Values)
	if err != nil {
		return row, err
	}
	row.Note = fmt.Sprintf("%s after %d rows", note, mine*learnTurn)
	return compared(row, a, b, learnTurn), nil
}

// learnBatches scores and learns batches.
func learnBatches(m *mlkernels.Model, batches []arrow.Record) error {
	for _, b := range batches {
		scored, err := m.Step(columnar.Pool, b, false)
		if err != nil {
			return err
		}
		for _, column := range scored {
			column.Release()
		}
	}
	return m.Err()
}

// learned are the weights of a model: those of the features and the intercept,
// or the centers one after another.
func learned(m *mlkernels.Model) []float64 {
	rows := m.Published(columnar.Pool, arrowstream.NoEventTime)
	defer rows.Release()
	name := "weight"
	if m.Task() == mlkernels.Clustering {
		name = "value"
	}
	column := rows.Column(columnar.Index(rows.Schema(), name)).(*array.Float64)
	return append([]float64(nil), column.Float64Values()...)
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

// sameQuality demands clusters whose inertia, the mean squared distance of rows
// to their nearest center, is at most 2 % above theirs.
func sameQuality(p *points, ours, theirs []float64) (string, error) {
	if _, err := apart(ours, theirs); err != nil {
		return "", err
	}
	mine, other := inertia(p, ours), inertia(p, theirs)
	var err error
	if !(mine <= 1.02*other) {
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
