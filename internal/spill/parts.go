package spill

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
)

const (
	// Parts is the number of parts into which keys are divided.
	Parts = 1 << partBits
	// Levels is how often a part can be divided again.
	Levels = 4

	partBits = 6
)

// levels are odd multipliers, one for each level: the upper bits of the product
// depend on all bits of a hash. The instances of an operator are told apart by
// the upper bits of the hash itself.
var levels = [Levels]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0xd6e8feb86659fd93}

// Divider finds the parts of rows. Its zero value is ready; it keeps its scratch.
type Divider struct {
	hashes []uint64
	parts  []uint8
}

// Of returns the part of each row on a level by the keys, valid until the next
// call. Keys that are equal in the sense of GROUP BY have the same part.
func (d *Divider) Of(keys []arrow.Array, level int) ([]uint8, error) {
	n := keys[0].Len()
	d.hashes = slices.Grow(d.hashes[:0], n)[:n]
	d.parts = slices.Grow(d.parts[:0], n)[:n]
	if err := kernels.Hash(keys, d.hashes); err != nil {
		return nil, err
	}
	for i, h := range d.hashes {
		d.parts[i] = uint8(h * levels[level] >> (64 - partBits))
	}
	return d.parts, nil
}

// Rows are the numbers of the rows of each part, in their order.
func Rows(parts []uint8) (rows [Parts][]int32) {
	var count [Parts]int
	for _, p := range parts {
		count[p]++
	}
	all, at := make([]int32, len(parts)), 0
	for p, n := range count {
		rows[p] = all[at : at : at+n]
		at += n
	}
	for i, p := range parts {
		rows[p] = append(rows[p], int32(i))
	}
	return rows
}
