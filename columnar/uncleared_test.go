package columnar

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

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
