package columnar

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Pool is the allocator under every budget: buffers are 64-byte aligned, come
// in size classes and are reused instead of being collected. Allocate returns
// zeroed memory: reused blocks are mostly in cache, where clearing costs about
// 0.03 ns per byte, and no garbage can show in padding or nulls.
//
// What it keeps for later is memory of the process all the same. A [Budget]
// counts it and has it dropped before the process gets larger than the limit; and
// half of the blocks of a class that nobody has needed for [restFrees] frees are
// dropped, so that a job does not keep for ever what a large tick once took.
var Pool memory.Allocator = &pool{}

// A block is a power of two up to 32 KiB; above there are four sizes to each
// doubling, so that at most a fifth of a block is not asked for.
const (
	minBits  = 6  // 64 bytes
	fineBits = 15 // 32 KiB
	maxBits  = 26 // 64 MiB; larger buffers are not kept
	classes  = fineBits - minBits + 1 + 4*(maxBits-fineBits)
	perClass = 64 << 20 // bytes that are kept
)

// restFrees is after how many frees the pool looks for blocks that rest: some 80
// ticks of a job of 20 operators.
const restFrees = 1 << 16

type pool struct {
	idle    atomic.Int64 // bytes in free
	frees   atomic.Uint32
	classes [classes]struct {
		mu   sync.Mutex
		free []unsafe.Pointer
		low  int // the least length of free since the last look
	}
}

// class is the number of the class of the smallest blocks that hold size bytes,
// and how large they are. There is no such class above 64 MiB.
func class(size int) (c, block int) {
	n := max(minBits, bits.Len(uint(size-1)))
	if n <= fineBits {
		return n - minBits, 1 << n
	}
	quarter := n - 3 // bits
	q := (size-1)>>quarter + 1
	return fineBits - minBits + 4*(n-fineBits-1) + q - 4, q << quarter
}

// Allocate implements memory.Allocator.
func (p *pool) Allocate(size int) []byte {
	b, used := p.take(size, nil)
	if used {
		clear(b)
	}
	return b
}

// take returns size bytes; used if they held something before. Budget, if not
// nil, makes room for a block that is new.
func (p *pool) take(size int, budget *Budget) (b []byte, used bool) {
	if size <= 0 {
		return nil, false
	}
	c, block := class(size)
	if c >= classes {
		budget.makeRoom(p)
		return aligned(size, size), false
	}
	cl := &p.classes[c]
	cl.mu.Lock()
	if n := len(cl.free); n > 0 {
		ptr := cl.free[n-1]
		cl.free[n-1] = nil
		cl.free = cl.free[:n-1]
		cl.low = min(cl.low, n-1)
		cl.mu.Unlock()
		p.idle.Add(int64(-block))
		return unsafe.Slice((*byte)(ptr), block)[:size], true
	}
	cl.mu.Unlock()
	budget.makeRoom(p)
	return aligned(size, block), false
}

// Reallocate implements memory.Allocator.
func (p *pool) Reallocate(size int, b []byte) []byte {
	if fits(size, b) {
		if size > len(b) {
			clear(b[len(b):size])
		}
		return b[:size]
	}
	out := p.Allocate(size)
	copy(out, b)
	p.Free(b)
	return out
}

// fits reports whether b can become size bytes where it is: its block is of the
// class for that.
func fits(size int, b []byte) bool {
	if size > cap(b) || len(b) == 0 {
		return false
	}
	want, _ := class(max(size, 1))
	has, _ := class(cap(b))
	return want == has || want >= classes && size > cap(b)/2
}

// Free implements memory.Allocator.
func (p *pool) Free(b []byte) {
	if cap(b) == 0 {
		return
	}
	c, block := class(cap(b))
	if c >= classes || cap(b) != block {
		return
	}
	cl := &p.classes[c]
	cl.mu.Lock()
	kept := len(cl.free) < max(2, perClass/block)
	if kept {
		cl.free = append(cl.free, unsafe.Pointer(unsafe.SliceData(b[:1])))
	}
	cl.mu.Unlock()
	if kept {
		p.idle.Add(int64(block))
	}
	if p.frees.Add(1)%restFrees == 0 {
		p.rest()
	}
}

// rest drops half of the blocks that were not needed since the last look.
func (p *pool) rest() {
	for c := range p.classes {
		cl := &p.classes[c]
		cl.mu.Lock()
		n := len(cl.free)
		drop := (cl.low + 1) / 2
		clear(cl.free[n-drop:])
		cl.free = cl.free[:n-drop]
		cl.low = n - drop
		cl.mu.Unlock()
		p.idle.Add(-int64(drop) * blockOf(c))
	}
}

// trim drops blocks that wait to be used again, the largest first, until at most
// keep bytes are left of them.
func (p *pool) trim(keep int64) {
	for c := classes - 1; c >= 0 && p.idle.Load() > keep; c-- {
		cl := &p.classes[c]
		cl.mu.Lock()
		for n := len(cl.free); n > 0 && p.idle.Load() > keep; n = len(cl.free) {
			p.idle.Add(-blockOf(c))
			cl.free[n-1] = nil
			cl.free = cl.free[:n-1]
			cl.low = min(cl.low, n-1)
		}
		cl.mu.Unlock()
	}
}

// blockOf is the size of the blocks of class c.
func blockOf(c int) int64 {
	if c += minBits; c <= fineBits {
		return 1 << c
	}
	c -= fineBits + 1
	return int64(5+c%4) << (fineBits - 2 + c/4)
}

// aligned returns size bytes of a fresh block of capacity total that starts at
// a multiple of 64. The Go runtime aligns blocks that are a multiple of 64
// themselves; it need not stay so.
func aligned(size, total int) []byte {
	raw := make([]byte, (total+63)&^63)
	shift := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & 63)
	if shift != 0 {
		raw = make([]byte, total+63)
		shift = int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & 63)
	}
	return raw[shift : shift+size : shift+total]
}
