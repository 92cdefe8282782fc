package columnar

import "github.com/apache/arrow/go/v17/arrow/memory"

// unclearing is an allocator that can leave out clearing.
type unclearing interface {
	memory.Allocator
	// AllocateUncleared is Allocate of bytes that hold anything.
	AllocateUncleared(size int) []byte
}

var _, _ unclearing = (*Account)(nil), (*pool)(nil)

// Uncleared returns an allocator on top of mem whose memory holds anything, for
// buffers of which every byte that counts is written: to clear 256 KiB before
// that costs a tenth of what it takes to decode as many bytes. It is mem itself
// when that cannot do without clearing.
func Uncleared(mem memory.Allocator) memory.Allocator {
	if u, ok := mem.(unclearing); ok {
		return uncleared{u}
	}
	return mem
}

type uncleared struct{ unclearing }

// Allocate implements memory.Allocator.
func (u uncleared) Allocate(size int) []byte { return u.AllocateUncleared(size) }

// Reallocate implements memory.Allocator. What is added holds anything.
func (u uncleared) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) && len(b) > 0 {
		return u.unclearing.Reallocate(size, b)
	}
	out := u.AllocateUncleared(size)
	copy(out, b)
	u.Free(b)
	return out
}

// AllocateUncleared is Allocate of bytes that hold anything.
func (a *Account) AllocateUncleared(size int) []byte {
	a.charge(int64(size))
	if a.budget.pool == nil {
		return AllocateUncleared(a.budget.base, size)
	}
	b, _ := a.budget.pool.take(size, a.budget)
	return b
}

// AllocateUncleared is Allocate of bytes that hold anything.
func (p *pool) AllocateUncleared(size int) []byte {
	b, _ := p.take(size, nil)
	return b
}

// AllocateUncleared is mem.Allocate of bytes that may hold anything.
func AllocateUncleared(mem memory.Allocator, size int) []byte {
	if u, ok := mem.(unclearing); ok {
		return u.AllocateUncleared(size)
	}
	return mem.Allocate(size)
}

// UnclearedBuffer returns a buffer of size bytes that may hold anything, for
// callers that write all of them; the padding behind them is clear.
func UnclearedBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	FillUncleared(b, mem, size)
	return b
}

// FillUncleared gives b, an empty resizable buffer of mem, size bytes that may
// hold anything; the padding behind them is clear.
func FillUncleared(b *memory.Buffer, mem memory.Allocator, size int) {
	if size == 0 {
		return
	}
	b.Reset(AllocateUncleared(mem, (size+63)&^63))
	b.Resize(size)
	clear(b.Buf()[size:])
}
