// Package mlkernels is floor 4: online learners over Arrow columns, the
// metrics that judge them, and the stages that learn and score on a stream.
//
// A [Model] joins three parts. The encoder turns the feature columns of a batch
// into a [Matrix]: dense float64 columns, read in place where they are float64
// without nulls, and category columns as indices into a weight vector. The
// labels turn the label column into class numbers or targets. The [Learner]
// goes through the rows in order: it scores row i with what it learned from the
// rows before i and then learns row i (test, then train).
//
// # One invariant
//
// State and predictions are functions of the sequence of rows and never of how
// it was cut into batches. Groups of update_mode mini_batch and full_batch are
// counted in labelled rows and wait in the state when they are incomplete. All
// arithmetic is float64 in a fixed order with explicit fused multiply-adds, exp
// and log are this package's own: the same bits on every CPU.
//
// # Adding a model
//
// Write <name>.go with an options struct (option tags, defaults filled in by
// its constructor), implement [Learner], and add one line to the table in
// registry.go.
package mlkernels
