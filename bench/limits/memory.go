package limits

// Column returns n numbers between 1 and 2 in memory of their own, with large
// pages where the system has them: so that the numbers are about the memory
// and not about its tables. Consecutive columns start an odd number of cache
// lines apart. The memory is never given back.
func Column(n int) []float64 {
	x := hugePages(n + 8*columns%512)[8*columns%512:][:n:n]
	columns += 5
	for i := range x {
		x[i] = 1 + float64(i%1021)/1021
	}
	return x
}

var columns int
