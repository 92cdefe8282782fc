package cell

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// buffer is a growing byte buffer of an allocator.
type buffer struct {
	mem memory.Allocator
	p   []byte // all that is allocated
	n   int    // bytes used
	// last is how many bytes the batch before took: the next one starts with
	// as much, so that it is not copied as it grows.
	last int
}

// grow makes room for more bytes.
func (b *buffer) grow(more int) {
	size := max(2*len(b.p), b.n+more, 256)
	if b.p == nil {
		b.p = b.mem.Allocate(max(size, b.last+b.last/16))
		return
	}
	b.p = b.mem.Reallocate(size, b.p)
}

func (b *buffer) reserve(more int) {
	if b.n+more > len(b.p) {
		b.grow(more)
	}
}

func (b *buffer) bytes(v []byte) {
	b.reserve(len(v))
	b.n += copy(b.p[b.n:], v)
}

func (b *buffer) text(v string) {
	b.reserve(len(v))
	b.n += copy(b.p[b.n:], v)
}

// put appends one fixed-width value.
func put[T columnar.Fixed](b *buffer, v T) {
	size := int(unsafe.Sizeof(v))
	if b.n+size > len(b.p) {
		b.grow(size)
	}
	*(*T)(unsafe.Pointer(&b.p[b.n])) = v
	b.n += size
}

// take hands the buffer over, cleared behind its end.
func (b *buffer) take() *memory.Buffer {
	b.last = b.n
	if b.p == nil {
		return memory.NewBufferBytes(nil)
	}
	clear(b.p[b.n:min(len(b.p), b.n+64)])
	out := memory.NewBufferWithAllocator(b.p, b.mem)
	out.ResizeNoShrink(b.n)
	b.p, b.n = nil, 0
	return out
}

func (b *buffer) release() {
	if b.p != nil {
		b.mem.Free(b.p)
	}
	b.p, b.n = nil, 0
}
