// Package udf makes functions of SQL out of functions of Go: floor 24.
//
// A scalar function takes and returns Go values and is called once for a row
// ([Scalar1] to [Scalar4], and [Try1] to [Try4] for those that return an error);
// a vectorized one ([Vector]) takes and returns columns. Both become a
// *kernels.Function, which sql.Options takes as one of the functions that a
// script may call; there is no global list.
//
// # One invariant
//
// The result for a row depends on the values of the row only, unless
// [Options].Volatile says otherwise. So the engine calls a function as seldom as
// it likes: once for equal calls of one expression, ahead for constants, once
// for a value of a dictionary, and again for the rows of a batch in which a call
// failed.
//
// # Errors
//
// What a function returns as an error, and a panic, is the error AS4011 with the
// name of the function. It is one of the row: ON ERROR decides what becomes of
// it. A result of the wrong length or type is AS1603.
package udf
