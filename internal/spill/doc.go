// Package spill is what operators share that go on in a folder when what they
// remember does not fit into memory: files of batches, a way to divide keys, and
// the merge of sorted runs. It stands on floor 36, above internal/grouped.
//
// Whoever spills divides its keys into [Parts] by their hash, and keeps a number
// of them in memory. Of the others the state is written once, and the rows that
// follow after it, in their order; at the end part after part is read back and
// goes on where it was. States are continued, never merged: so floating-point
// sums are added up in the order of the rows, and have the bits of a run with
// more memory. A part that is still too large is divided again by other bits of
// the hash ([Levels]).
//
// That is what an aggregate does that emits at the end. Operators that have to go
// on while rows come are [Divided]: any one that is stateful and has keys becomes
// so by a [Plan], a check after each tick, and a line in each of its methods.
package spill
