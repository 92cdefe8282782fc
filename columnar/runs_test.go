package columnar_test

import (
	"math/rand/v2"
	"testing"

	"github.com/arrowstream/arrowstream/columnar"
)

func TestRunsAreTheStretchesOfSetBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n, offset, density := r.IntN(300), r.IntN(20), r.Float64()
		b := columnar.NewBitmap(n + offset)
		for i := range n + offset {
			if r.Float64() < density {
				b.Set(i)
			}
		}
		b = b.Slice(offset, offset+n)
		if r.IntN(10) == 0 {
			b = columnar.Bitmap{N: n}
		}
		at := 0
		for lo, hi := range b.Runs() {
			if lo >= hi || hi > n || lo > 0 && b.Get(lo-1) || hi < n && b.Get(hi) {
				t.Fatalf("run [%d, %d) of %d bits is not maximal", lo, hi, n)
			}
			for ; at < lo; at++ {
				if b.Get(at) {
					t.Fatalf("set bit %d is in no run", at)
				}
			}
			for ; at < hi; at++ {
				if !b.Get(at) {
					t.Fatalf("clear bit %d is in run [%d, %d)", at, lo, hi)
				}
			}
		}
		for ; at < n; at++ {
			if b.Get(at) {
				t.Fatalf("set bit %d is in no run", at)
			}
		}
		for lo, hi := range b.Runs() {
			_, _ = lo, hi
			break // ending early must not panic
		}
	}
}
