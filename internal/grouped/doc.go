// Package grouped is what the grouping operators of window and stage share:
// aggregates bound to a schema, their accumulators over numbered slots, and
// the numbering of keys. It stands on floor 35, above the root package.
//
// A slot is a group in the sense of kernels/agg: a key in a pane, a session, a
// key. The operator hands slots out and takes them back; nothing here knows
// what a slot stands for.
package grouped
