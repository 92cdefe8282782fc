// Package expr is floor 2: expression trees over the columns of a batch.
//
// An [Expr] is built by hand or by the SQL binder, without types. [Bind]
// resolves it against a schema: names, functions of the table in package
// kernels, implicit casts, constants. The [Bound] expression evaluates whole
// columns with kernels; constants stay scalars down to the inner loops, equal
// parts are computed once, and dictionary-encoded text is computed on its
// dictionary.
//
// # One invariant
//
// An error belongs to a row that needs the value: what stands in a branch of
// CASE, IF or COALESCE, or behind an AND or OR that is decided, never fails
// for rows that do not get there.
package expr
