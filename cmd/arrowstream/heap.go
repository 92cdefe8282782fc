package main

import (
	"runtime/debug"

	"github.com/arrowstream/arrowstream"
)

// heapBase is what the Go runtime may take beyond the limit of a job in any
// case: its own memory, the parsed script and the like.
const heapBase = 16 << 20

// limitHeap makes the garbage collector work the harder the nearer the process
// comes to the memory limit of the job: a heap may otherwise grow to twice what
// is in use before it is collected. The budget of the job is within that limit;
// a tenth of it and heapBase more are for what is not of its accounts, so that
// a job at its limit does not collect all the time. A lower GOMEMLIMIT is left
// alone. The returned function undoes it.
func limitHeap(limit int64) (undo func()) {
	if limit == 0 {
		limit = arrowstream.DefaultMemoryLimit()
	}
	before := debug.SetMemoryLimit(-1)
	if heap := limit + limit/10 + heapBase; limit > 0 && heap < before {
		debug.SetMemoryLimit(heap)
	}
	return func() { debug.SetMemoryLimit(before) }
}
