package wire

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// arena is the allocator the Arrow library decodes with. It bounds a single
// request and remembers what is allocated, so that a decode that panics half
// way gives everything back. It is safe for concurrent use: batches are
// released wherever they end.
type arena struct {
	base  memory.Allocator
	limit int64 // bytes of one request

	mu    sync.Mutex
	fresh map[unsafe.Pointer][]byte // allocated since the last keep
	dead  map[unsafe.Pointer]bool   // given back by drop, not yet freed by their owner
}

func newArena(base memory.Allocator, limit int64) *arena {
	return &arena{base: base, limit: limit, fresh: map[unsafe.Pointer][]byte{}, dead: map[unsafe.Pointer]bool{}}
}

// keep says that what is allocated now belongs to batches that were handed out.
func (a *arena) keep() {
	a.mu.Lock()
	clear(a.fresh)
	a.mu.Unlock()
}

// drop frees what has been allocated since the last keep. Nothing may be
// allocated afterwards.
func (a *arena) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, b := range a.fresh {
		a.dead[p] = true
		a.base.Free(b)
	}
	clear(a.fresh)
}

// Allocate implements memory.Allocator.
func (a *arena) Allocate(size int) []byte {
	a.check(size)
	b := a.base.Allocate(size)
	a.mu.Lock()
	a.note(b)
	a.mu.Unlock()
	return b
}

// Reallocate implements memory.Allocator.
func (a *arena) Reallocate(size int, b []byte) []byte {
	a.check(size)
	a.mu.Lock()
	defer a.mu.Unlock()
	grown := a.base.Reallocate(size, b)
	delete(a.fresh, address(b))
	a.note(grown)
	return grown
}

// Free implements memory.Allocator.
func (a *arena) Free(b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := address(b)
	if a.dead[p] {
		delete(a.dead, p)
		return
	}
	delete(a.fresh, p)
	a.base.Free(b)
}

func (a *arena) note(b []byte) {
	if len(b) > 0 {
		a.fresh[address(b)] = b
	}
}

func (a *arena) check(size int) {
	if size < 0 || int64(size) > a.limit {
		panic(fmt.Errorf("%w: a buffer of %d bytes is above the limit of %d", ErrMalformed, size, a.limit))
	}
}

func address(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
