package simd

import (
	"fmt"
	"os"
)

// Level is a set of instructions.
type Level int

// The levels, each with all of those before it. AVX2 needs FMA, BMI2 and
// POPCNT as well; AVX512 needs F, BW, DQ, VL and CD.
const (
	Go Level = iota
	AVX2
	AVX512
)

// String is the name as ARROWSTREAM_SIMD takes it.
func (l Level) String() string { return [...]string{"go", "avx2", "avx512"}[l] }

// Levels are those this machine and build have, the lowest first.
func Levels() []Level { return []Level{Go, AVX2, AVX512}[:machine+1] }

// Active is the level in use.
func Active() Level { return active }

// Use changes the level, to one of [Levels], and returns the one before. It is
// for tests and benchmarks: nothing else may run at that time.
func Use(l Level) (before Level) {
	if l > machine {
		panic(fmt.Sprintf("simd: Use(%s) on a machine with %s", l, machine))
	}
	before = active
	setLevel(l)
	return before
}

// machine is the highest level, active the one in use.
var (
	machine = detect()
	active  = chosen(os.Getenv("ARROWSTREAM_SIMD"), machine)
)

// chosen is the level that name asks for, at most that of the machine; any
// other name leaves the choice to the machine.
func chosen(name string, machine Level) Level {
	for l := Go; l <= machine; l++ {
		if name == l.String() {
			return l
		}
	}
	return machine
}
