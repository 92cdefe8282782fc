// Package limits measures what the machine can do at most: how fast memory is
// read, copied and combined at the sizes of its caches, and how many fused
// multiplications with additions a core does. [Against] runs a kernel and its
// limit in turn, so that the ratio of the two holds on a noisy machine.
//
// Benchmarks import it; it stands on the floor of bench/. Its loops are written
// by internal/simd/_asm.
package limits
