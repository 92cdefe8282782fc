// Package kernels is floor 2: stateless vector functions over Arrow columns.
//
// It has two halves. The functions of expressions (arithmetic, comparison,
// logic, conditionals, casts, text, mathematics, time, vectors) stand in one
// table, functions.go, which resolves a name and the types of the arguments to
// a [Kernel]; package expr binds and evaluates trees of them. The movers of
// rows ([Filter], [Take], [Hash], [Partition], [SortIndices], [TopK], [Concat])
// serve the operators.
//
// A kernel borrows its arguments, columns or constants ([Datum]), and returns a
// column its caller owns. It turns arrays into slices once per call; the inner
// loops see slices, are generic in the element type only, and can be replaced
// one by one. Validity is ANDed apart from the values.
//
// # One invariant
//
// The result of a row depends on the values of that row alone, bit for bit:
// not on its neighbours, on how the rows were cut into batches, on the layout
// of a column, or on what stands in the slot of a NULL. An error is raised only
// for a row whose arguments are not NULL.
//
// # Adding a function
//
// Write its loop in the file of its family, a line in the table and lines in
// testdata/<family>.test, which runs them as constants, as columns, as mixes of
// both, sliced, between NULLs and over dictionaries.
package kernels
