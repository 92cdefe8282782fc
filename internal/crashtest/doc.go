// Package crashtest kills arrowstream and compares what it has written when it
// was started again with what a run without kills writes. The program is built
// with failpoints and run as a process of its own, so that a kill is a kill:
// SIGKILL at each failpoint, and at random moments. make test runs short forms,
// make torture the full ones. Random options, which must not change a result, are
// compared in the same way: -meta.seed repeats a set of them. It holds nothing but
// tests.
//
// To crash a new operator or function, add a statement to [job]; to crash a new
// sink, add a target.
package crashtest
