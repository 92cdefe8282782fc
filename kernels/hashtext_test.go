package kernels

import (
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
)

// hashTexts is XXH3, whatever the length.
func TestHashTextsIsXXH3(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 60_000)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	off := []int32{5}
	for len(off) < 2000 {
		off = append(off, off[len(off)-1]+r.Int32N(28))
	}
	out := make([]uint64, len(off)-1)
	hashTexts(out, off, data)
	for i, h := range out {
		b := data[off[i]:off[i+1]]
		if want := xxh3.Hash(b); h != want {
			t.Fatalf("hash of %d bytes is %#x, want %#x", len(b), h, want)
		}
	}
}
