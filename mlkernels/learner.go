package mlkernels

import "encoding"

// Task is what a model predicts.
type Task int

const (
	// Regression predicts a number.
	Regression Task = iota
	// Classification predicts one of several classes.
	Classification
	// Clustering predicts the number of a cluster; it needs no label.
	Clustering
)

// String is "regression", "classification" or "clustering".
func (t Task) String() string { return [...]string{"regression", "classification", "clustering"}[t] }

// Shape is what a learner is bound to.
type Shape struct {
	// Dense is the number of dense columns, Width that of category weights.
	Dense, Width int
	// Classes is the number of classes of a classifier: 2 is one binary
	// problem, more is one problem per class against the rest, 0 stands for
	// one-vs-rest with classes that appear as the stream goes on.
	Classes int
}

// Learner learns from rows, one after another or in groups of rows. A learner
// is used by one goroutine at a time; Score may be called by several at once
// while nobody learns.
type Learner interface {
	// Task is what the learner predicts.
	Task() Task
	// Bind fixes the shape; it is called once, before anything else.
	Bind(s Shape) error
	// Step goes through the rows of x in order: it scores row i with what was
	// learned from the rows before it, then learns row i if it is usable and
	// its label is known. y[i] is the class number or the target, NaN if
	// unknown; nil for clustering. weight is nil or holds the sample weights, NaN
	// for rows not to be learned. It fills out and returns the number of rows
	// learned.
	Step(x *Matrix, y, weight []float64, out *Scores) (learned int)
	// Score fills out without learning.
	Score(x *Matrix, scratch *Scratch, out *Scores)
	// EndGroup ends an incomplete group of rows: it is learned as it is. It
	// does nothing in mode per_row.
	EndGroup()
	// Progress tells how far the learner is.
	Progress() Progress
	// Weights lists what was learned, for display.
	Weights() []Weight
	// The state: everything that the next row depends on. UnmarshalBinary is
	// called on a bound learner.
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Scratch is the memory that one caller of Score lends.
type Scratch struct {
	block   block
	panel   []float64 // margins, problem by problem
	margins []float64 // of a row
	cats    []int32   // of a row
	scaled  []float64
	columns [][]float64
	tiles   tiles
}

// Progress is how far a learner is.
type Progress struct {
	// Version is the number of updates so far.
	Version int64
	// Ready reports whether the learner can score.
	Ready bool
	// Waiting is the number of rows of the incomplete group.
	Waiting int
	// Failed is the number, counted from 1, of the learned row whose update was
	// not finite; 0 if there is none. The model stays as it was before that
	// row and learns no more.
	Failed int64
}

// Weight is one learned number.
type Weight struct {
	// Class is the class number of a one-vs-rest problem, 1 for the only
	// problem of a binary classifier, -1 in regression; the cluster, counting
	// from 0, in clustering.
	Class int
	// Feature is the index of the dense feature, or -1.
	Feature int
	// Category is the index of the category weight, or -1. The intercept has
	// neither.
	Category int
	// Value is the weight, or the coordinate of the center.
	Value float64
	// Mass is the weight of the cluster.
	Mass float64
}
