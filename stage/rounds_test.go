package stage_test

import "testing"

// rounds is how many of n random cases to run: a quarter with -short, which is
// what the race detector has time for.
func rounds(n uint64) uint64 {
	if testing.Short() {
		return max(1, n/4)
	}
	return n
}
