package columnar

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveWord is the definition of Word, bit by bit.
func naiveWord(b Bitmap, w int) uint64 {
	var x uint64
	for i := 64 * w; i < min(64*w+64, b.N); i++ {
		if b.Get(i) {
			x |= 1 << (i - 64*w)
		}
	}
	return x
}

func TestBitmapWordAtEveryLengthAndOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		for offset := range 9 {
			raw := make([]byte, (offset+n+7)/8) // no byte beyond the last bit: Word must not read further
			for i := range raw {
				raw[i] = byte(rng.Uint32())
			}
			b := Bitmap{Bits: raw, Offset: offset, N: n}
			count, ones := 0, []int{}
			for i := range n {
				if b.Get(i) {
					count++
					ones = append(ones, i)
				}
			}
			for w := range b.Words() {
				if got, want := b.Word(w), naiveWord(b, w); got != want {
					t.Fatalf("n=%d offset=%d word %d: %x, want %x", n, offset, w, got, want)
				}
			}
			if b.Count() != count {
				t.Fatalf("n=%d offset=%d: Count %d, want %d", n, offset, b.Count(), count)
			}
			if got := slices.AppendSeq([]int{}, b.Ones()); !slices.Equal(got, ones) {
				t.Fatalf("n=%d offset=%d: Ones %v, want %v", n, offset, got, ones)
			}
		}
	}
}

func TestBitmapOfNoBitsIsAllSet(t *testing.T) {
	b := Bitmap{N: 70}
	if !b.All() || b.Count() != 70 || b.Word(1) != 1<<6-1 || !b.Get(69) {
		t.Fatal("a nil bitmap is not all set")
	}
	if got := slices.Collect(b.Slice(60, 70).Ones()); len(got) != 10 {
		t.Fatalf("slice of an all-set bitmap has %d ones", len(got))
	}
}

func TestAnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := rng.IntN(200)
		mk := func() Bitmap {
			off := rng.IntN(9)
			raw := make([]byte, (n+off+7)/8+1)
			for i := range raw {
				raw[i] = byte(rng.Uint32())
			}
			return Bitmap{Bits: raw, Offset: off, N: n}
		}
		a, b := mk(), mk()
		and := And(a, b)
		for i := range n {
			if and.Get(i) != (a.Get(i) && b.Get(i)) {
				t.Fatalf("bit %d of %d", i, n)
			}
		}
		if got := And(a, Bitmap{N: n}); got.Count() != a.Count() {
			t.Fatal("And with all set changed the bitmap")
		}
	}
}

func TestBitmapInPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var scratch []byte
	for n := range 150 {
		for off := range 10 {
			raw := make([]byte, (n+off+7)/8+1)
			for i := range raw {
				raw[i] = byte(rng.Uint32())
			}
			from := Bitmap{Bits: raw, Offset: off, N: n}
			aligned := Bitmap{Bits: from.Aligned(&scratch), N: n}
			out := NewBitmap(n)
			for i := range out.Bits {
				out.Bits[i] = 0xFF
			}
			out.AndWith(from)
			copied := Bitmap{Bits: slices.Repeat([]byte{0xFF}, len(out.Bits)), N: n}
			copied.CopyFrom(from)
			for i := range n {
				if want := from.Get(i); aligned.Get(i) != want || out.Get(i) != want || copied.Get(i) != want {
					t.Fatalf("bit %d of %d at offset %d", i, n, off)
				}
			}
			for i := n; i < 8*len(copied.Bits); i++ {
				if copied.Bits[i/8]>>(i%8)&1 != 0 {
					t.Fatalf("bit %d behind the %d of a copy is set", i, n)
				}
			}
			copied.CopyFrom(Bitmap{N: n})
			if copied.AndWith(Bitmap{N: n}); copied.Count() != n || n%8 != 0 && copied.Bits[n/8]>>(n%8) != 0 {
				t.Fatalf("copy of %d bits that are all set", n)
			}
		}
	}
	if (Bitmap{N: 3}).Aligned(&scratch) != nil {
		t.Fatal("a nil bitmap has bytes")
	}
	b := Bitmap{Bits: make([]byte, 20), Offset: 3, N: 100}
	if n := testing.AllocsPerRun(10, func() { b.Aligned(&scratch) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
