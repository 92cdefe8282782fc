// Package columnar is floor 1: record batches as columns of Go slices and
// bitmaps, and the accounting of their memory. Views never copy and never
// touch reference counts; whoever holds a view keeps the array alive.
package columnar
