package columnar

import (
	"iter"
	"math/bits"
)

// Runs yields the maximal runs [i, j) of set bits in order. A bitmap that is
// all set yields one run. Loops over runs keep validity out of the loop over
// the values: one call per run, no test per row.
func (b Bitmap) Runs() iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		if b.Bits == nil {
			if b.N > 0 {
				yield(0, b.N)
			}
			return
		}
		start := -1 // where the open run began; -1 if none is open
		for w := range b.Words() {
			x := b.Word(w)
			at := 64 * w
			if x == ^uint64(0) {
				if start < 0 {
					start = at
				}
				continue
			}
			if start >= 0 {
				n := bits.TrailingZeros64(^x)
				if !yield(start, at+n) {
					return
				}
				start = -1
				x &^= 1<<n - 1
			}
			for x != 0 {
				i := bits.TrailingZeros64(x)
				n := bits.TrailingZeros64(^(x >> i))
				if i+n == 64 {
					start = at + i
					break
				}
				if !yield(at+i, at+i+n) {
					return
				}
				x &^= (1<<n - 1) << i
			}
		}
		if start >= 0 {
			yield(start, b.N)
		}
	}
}
