// Package sql turns SQL text into a pipeline: floor 5.
//
// [Prepare] parses a script (package syntax), runs its declarations against a
// catalog, binds every query to names and types and plans all INSERTs and bare
// SELECTs into one dataflow of the root package. Scans, views and models that
// several statements use are planned once and fan out. Connectors and formats
// are given as lists; the package knows none by name.
//
// The way of a query: syntax tree -> node graph (select.go, aggregate.go,
// models.go), where each node knows its schema because its stage was bound on
// trial -> needed columns (lower.go) and predicates for sources (push.go) ->
// pipeline (lower.go). EXPLAIN prints the node graph (explain.go).
//
// # One invariant
//
// Names are resolved here and only here: what reaches kernels/expr and the
// stages are the exact names of the columns of their input, unique in it.
//
// # Adding things
//
// A new clause is a field in syntax, a case in its parser and one in select.go.
// A scalar or aggregate function needs nothing here.
package sql
