package columnar

import (
	"fmt"
	"sync"
	"sync/atomic"

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
// limit, nor does that sum with what [Pool] keeps for later. It is safe for
// concurrent use.
type Budget struct {
	limit int64
	base  memory.Allocator
	pool  *pool // base, if it is one
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
	pool, _ := base.(*pool)
	return &Budget{limit: limit, base: base, pool: pool, wake: make(chan struct{})}
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

// makeRoom has p drop what it keeps beyond the limit of b, which may be nil.
// What is to be new is in use already.
func (b *Budget) makeRoom(p *pool) {
	if b == nil || b.limit == 0 {
		return
	}
	if keep := max(0, b.limit-b.used.Load()); p.idle.Load() > keep {
		p.trim(keep)
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
	if a.budget.pool == nil {
		return a.budget.base.Allocate(size)
	}
	b, used := a.budget.pool.take(size, a.budget)
	if used {
		clear(b)
	}
	return b
}

// Reallocate implements memory.Allocator. What has to move is there twice for a
// while, which counts.
func (a *Account) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		a.charge(int64(size - len(b)))
		return a.budget.base.Reallocate(size, b)
	}
	out := a.Allocate(size)
	copy(out, b)
	a.Free(b)
	return out
}

// Free implements memory.Allocator.
func (a *Account) Free(b []byte) {
	a.charge(-int64(len(b)))
	a.budget.base.Free(b)
}

// Charge draws n bytes for memory that comes from elsewhere, or gives them back
// if n is negative. It panics with a *LimitError as Allocate does.
func (a *Account) Charge(n int64) { a.charge(n) }

// Charge draws n bytes from mem for memory that comes from elsewhere, if mem is
// an account. The returned function gives them back.
func Charge(mem memory.Allocator, n int64) (give func()) {
	a, ok := mem.(*Account)
	if !ok {
		return func() {}
	}
	a.charge(n)
	return func() { a.charge(-n) }
}

func (a *Account) charge(n int64) {
	if n > 0 {
		a.budget.take(a.name, n)
	} else {
		a.budget.give(-n)
	}
	a.used.Add(n)
}
