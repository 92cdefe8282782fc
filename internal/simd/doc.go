// Package simd is floor 0: the primitives of the engine, slices in and slices
// out, on the vector units of the machine. It knows no Arrow, allocates
// nothing and returns no errors.
//
// # One invariant
//
// Every primitive has a twin in plain Go, which is its specification: assembly
// gives the bits of the twin, on every level, for every length and alignment.
// So results do not depend on the machine, and [Use] or the environment
// variable ARROWSTREAM_SIMD (go, avx2, avx512) only lower the speed. The build
// tag purego leaves assembly out.
//
// Axpy, MulAdd, NearestDot, NearestManhattan, SumFloat32 and SumInt32 belong to
// the set, tested and measured as the others, though nothing calls them so far.
//
// # Layers
//
// An exported function checks lengths, which panics with its name, does what
// is left over from whole blocks in Go, and cuts the rest into calls that end
// soon, because assembly cannot be preempted. It calls a guard, which is
// generated and chooses by level, and that a kernel or the twin, which see
// whole blocks only.
//
// # Adding a primitive
//
//  1. The generator: a kernel in _asm/<family>.go, one body for both widths,
//     and for a new family a line in _asm/main.go. make asm writes
//     <family>_amd64.s, <family>_amd64.go and <family>_noasm.go.
//  2. The twin: <family>.go with the exported function and <name>Go.
//  3. The test row in <family>_test.go, which runs the exported function at
//     every level, and a naive oracle beside it.
//
// A kernel reads and writes inside its slices only, uses the VEX or EVEX form
// of every instruction on vector registers, and executes VZEROUPPER before it
// returns (package lint looks).
package simd
