package columnar

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// LimitError is the value an [Account] panics with when its budget is used up.
type LimitError struct {
	Account string // the part that asked
	Asked   int64  // bytes asked for
	Used    int64  // bytes the budget had given out
	Limit   int64  // bytes the budget has
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: out of memory: asked for %d bytes with %d of %d in use", e.Account, e.Asked, e.Used, e.Limit)
}

// Budget is the memory of a job: the sum of its accounts never exceeds its
// limit. It is safe for concurrent use.
type Budget struct {
	limit int64
	base  memory.Allocator
	used  atomic.Int64
	peak  atomic.Int64

	mu   sync.Mutex
	wake chan struct{} // closed and replaced when memory is given back
}

// NewBudget returns a budget of limit bytes, 0 for none, on top of base, the
// pooled allocator if nil.
func NewBudget(limit int64, base memory.Allocator) *Budget {
	if base == nil {
		base = Pool
	}
	return &Budget{limit: limit, base: base, wake: make(chan struct{})}
}

// Account returns an allocator that draws on the budget under a name.
func (b *Budget) Account(name string) *Account { return &Account{name: name, budget: b} }

// Used is the number of bytes given out, Peak the most there ever were, Limit
// the limit.
func (b *Budget) Used() int64  { return b.used.Load() }
func (b *Budget) Peak() int64  { return b.peak.Load() }
func (b *Budget) Limit() int64 { return b.limit }

// Above reports whether more than the given fraction of the limit is in use;
// freed is closed after memory has been given back since the call.
func (b *Budget) Above(fraction float64) (above bool, freed <-chan struct{}) {
	if b.limit == 0 {
		return false, nil
	}
	b.mu.Lock()
	freed = b.wake
	b.mu.Unlock()
	return float64(b.used.Load()) > fraction*float64(b.limit), freed
}

func (b *Budget) take(name string, n int64) {
	used := b.used.Add(n)
	if b.limit > 0 && used > b.limit {
		b.used.Add(-n)
		panic(&LimitError{Account: name, Asked: n, Used: used - n, Limit: b.limit})
	}
	for {
		peak := b.peak.Load()
		if used <= peak || b.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}

func (b *Budget) give(n int64) {
	before := b.used.Add(-n) + n
	// Waiters look at fractions of the limit: wake them only on the way down.
	if b.limit > 0 && before > b.limit/4 {
		b.mu.Lock()
		close(b.wake)
		b.wake = make(chan struct{})
		b.mu.Unlock()
	}
}

// Account is a memory.Allocator that charges a [Budget] and panics with a
// *LimitError when the budget is used up.
type Account struct {
	name   string
	budget *Budget
	used   atomic.Int64
}

var _ memory.Allocator = (*Account)(nil)

// Used is the number of bytes this account holds.
func (a *Account) Used() int64 { return a.used.Load() }

// Allocate implements memory.Allocator.
func (a *Account) Allocate(size int) []byte {
	a.charge(int64(size))
	return a.budget.base.Allocate(size)
}

// Reallocate implements memory.Allocator. What has to move is there twice for a
// while, which counts.
func (a *Account) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		a.charge(int64(size - len(b)))
		return a.budget.base.Reallocate(size, b)
	}
	a.charge(int64(size))
	had := int64(len(b))
	b = a.budget.base.Reallocate(size, b)
	a.charge(-had)
	return b
}

// Free implements memory.Allocator.
func (a *Account) Free(b []byte) {
	a.charge(-int64(len(b)))
	a.budget.base.Free(b)
}

// Charge draws n bytes for memory that comes from elsewhere, or gives them back
// if n is negative. It panics with a *LimitError as Allocate does.
func (a *Account) Charge(n int64) { a.charge(n) }

func (a *Account) charge(n int64) {
	if n > 0 {
		a.budget.take(a.name, n)
	} else {
		a.budget.give(-n)
	}
	a.used.Add(n)
}

// Pool is the allocator under every budget: buffers are 64-byte aligned, come
// in power-of-two classes and are reused instead of being collected. Allocate
// returns zeroed memory: reused blocks are mostly in cache, where clearing
// costs about 0.03 ns per byte, and no garbage can show in padding or nulls.
var Pool memory.Allocator = &pool{}

const (
	minClass = 6  // 64 bytes
	maxClass = 26 // 64 MiB; larger buffers are not kept
	perClass = 64 << 20
)

type pool struct {
	classes [maxClass + 1]struct {
		mu   sync.Mutex
		free []unsafe.Pointer
	}
}

func class(size int) int { return max(minClass, bits.Len(uint(size-1))) }

// Allocate implements memory.Allocator.
func (p *pool) Allocate(size int) []byte {
	b, used := p.take(size)
	if used {
		clear(b)
	}
	return b
}

// take returns size bytes; used if they held something before.
func (p *pool) take(size int) (b []byte, used bool) {
	if size <= 0 {
		return nil, false
	}
	c := class(size)
	if c > maxClass {
		return aligned(size, size), false
	}
	cl := &p.classes[c]
	cl.mu.Lock()
	if n := len(cl.free); n > 0 {
		ptr := cl.free[n-1]
		cl.free[n-1] = nil
		cl.free = cl.free[:n-1]
		cl.mu.Unlock()
		return unsafe.Slice((*byte)(ptr), 1<<c)[:size], true
	}
	cl.mu.Unlock()
	return aligned(size, 1<<c), false
}

// Reallocate implements memory.Allocator.
func (p *pool) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) && len(b) > 0 && class(max(size, 1)) == class(cap(b)) {
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

// Free implements memory.Allocator.
func (p *pool) Free(b []byte) {
	c := class(max(cap(b), 1))
	if cap(b) == 0 || cap(b) != 1<<c || c > maxClass {
		return
	}
	cl := &p.classes[c]
	cl.mu.Lock()
	if len(cl.free) < max(4, perClass>>c) {
		cl.free = append(cl.free, unsafe.Pointer(unsafe.SliceData(b[:1])))
	}
	cl.mu.Unlock()
}

// aligned returns size bytes of a fresh block of capacity total that starts at
// a multiple of 64.
func aligned(size, total int) []byte {
	raw := make([]byte, total+63)
	shift := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & 63)
	return raw[shift : shift+size : shift+total]
}
