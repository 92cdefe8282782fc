package columnar

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestUnclearedKeepsAccountsAndBytes(t *testing.T) {
	p := &pool{}
	a := NewBudget(1000, p).Account("a")
	mem := Uncleared(a)
	b := mem.Allocate(100)
	if len(b) != 100 || a.Used() != 100 {
		t.Fatalf("%d bytes, %d in use", len(b), a.Used())
	}
	for i := range b {
		b[i] = 7
	}
	if b = mem.Reallocate(300, b); len(b) != 300 || b[0] != 7 || b[99] != 7 || a.Used() != 300 {
		t.Fatalf("grown to %d bytes, %d in use", len(b), a.Used())
	}
	if b = mem.Reallocate(50, b); len(b) != 50 || b[49] != 7 || a.Used() != 50 {
		t.Fatalf("shrunk to %d bytes, %d in use", len(b), a.Used())
	}
	mem.Free(b)
	if a.Used() != 0 {
		t.Fatalf("%d bytes left in use", a.Used())
	}
	// The block is used again as it is, but never by Allocate.
	b = p.AllocateUncleared(100)
	b[0] = 9
	p.Free(b)
	if b = p.Allocate(100); b[0] != 0 {
		t.Fatal("Allocate returns what was there")
	}
	if plain := memory.NewGoAllocator(); Uncleared(plain) != memory.Allocator(plain) {
		t.Fatal("an allocator that clears is wrapped")
	}
}

// Uncleared memory is charged like other memory, ends in clear padding, and
// leaves what Allocate gives clear.
func TestUnclearedBuffer(t *testing.T) {
	budget := NewBudget(1<<20, nil)
	a := budget.Account("test")
	for _, mem := range []memory.Allocator{a, Pool, memory.NewGoAllocator()} {
		for _, size := range []int{0, 1, 63, 64, 65, 5000} {
			b := UnclearedBuffer(mem, size)
			if b.Len() != size || b.Cap()%64 != 0 {
				t.Fatalf("%d bytes: length %d, capacity %d", size, b.Len(), b.Cap())
			}
			for i, c := range b.Buf()[size:] {
				if c != 0 {
					t.Fatalf("%d bytes: byte %d of the padding is %d", size, i, c)
				}
			}
			if mem == a && a.Used() != int64(b.Cap()) {
				t.Fatalf("%d bytes: %d are charged", size, a.Used())
			}
			for i := range b.Buf() {
				b.Buf()[i] = 0xff
			}
			b.Release()
			clean := mem.Allocate(max(size, 1))
			for i, c := range clean {
				if c != 0 {
					t.Fatalf("byte %d of %d is %d after uncleared memory was given back", i, size, c)
				}
			}
			mem.Free(clean)
		}
	}
	if a.Used() != 0 {
		t.Errorf("%d bytes are still charged", a.Used())
	}
}
