package columnar

import "github.com/apache/arrow/go/v17/arrow/memory"

// unclearedAllocator is an allocator that can do without clearing.
type unclearedAllocator interface {
	AllocateUncleared(size int) []byte
}

// AllocateUncleared returns size bytes of mem that may hold anything: for
// callers that write every byte. Allocators that cannot do that clear them.
func AllocateUncleared(mem memory.Allocator, size int) []byte {
	if u, ok := mem.(unclearedAllocator); ok {
		return u.AllocateUncleared(size)
	}
	return mem.Allocate(size)
}

// UnclearedBuffer returns a buffer of size bytes that may hold anything; the
// padding behind them is clear.
func UnclearedBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	if size > 0 {
		raw := AllocateUncleared(mem, (size+63)&^63)
		clear(raw[size:])
		b.Reset(raw)
		b.Resize(size)
	}
	return b
}
