package columnar

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestPoolAlignsZeroesAndReuses(t *testing.T) {
	p := &pool{}
	for _, size := range []int{1, 63, 64, 65, 1000, 1 << 20, 1<<26 + 1} {
		b := p.Allocate(size)
		if len(b) != size || uintptr(unsafe.Pointer(&b[0]))%64 != 0 {
			t.Fatalf("size %d: len %d, address %p", size, len(b), &b[0])
		}
		for i := range b {
			b[i] = 0xff
		}
		p.Free(b)
		b = p.Allocate(size)
		for i, x := range b {
			if x != 0 {
				t.Fatalf("size %d: byte %d of a reused block is %x", size, i, x)
			}
		}
		b = p.Reallocate(2*size, b)
		if len(b) != 2*size {
			t.Fatalf("grown to %d, want %d", len(b), 2*size)
		}
	}
	b := p.Reallocate(10, nil)
	b[9] = 7
	if b = p.Reallocate(40, b); len(b) != 40 || b[9] != 7 || b[10] != 0 {
		t.Fatal("growing within a class lost or leaked bytes")
	}
	if b = p.Reallocate(0, b); len(b) != 0 {
		t.Fatal("shrinking to nothing")
	}
}

func TestBudgetRefusesWithATypedError(t *testing.T) {
	budget := NewBudget(1000, nil)
	a, b := budget.Account("a"), budget.Account("b")
	x := a.Allocate(600)
	func() {
		defer func() {
			var limit *LimitError
			err, _ := recover().(error)
			if !errors.As(err, &limit) || limit.Account != "b" || limit.Used != 600 || !strings.Contains(limit.Error(), "b: out of memory") {
				t.Fatalf("panic value %v", err)
			}
		}()
		b.Allocate(401)
	}()
	if budget.Used() != 600 || b.Used() != 0 {
		t.Fatalf("the refused request was charged: %d, %d", budget.Used(), b.Used())
	}
	above, freed := budget.Above(0.5)
	if !above {
		t.Fatal("600 of 1000 is above half")
	}
	a.Free(x)
	select {
	case <-freed:
	default:
		t.Fatal("nobody was told that memory was freed")
	}
	if budget.Used() != 0 || budget.Peak() != 600 || a.Used() != 0 {
		t.Fatalf("used %d peak %d", budget.Used(), budget.Peak())
	}
}

func TestBudgetConcurrently(t *testing.T) {
	budget := NewBudget(1<<30, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := budget.Account("w")
			for i := range 2000 {
				b := a.Allocate(i + 1)
				b = a.Reallocate(2*i+1, b)
				a.Free(b)
			}
		})
	}
	wg.Wait()
	if budget.Used() != 0 {
		t.Fatalf("%d bytes left", budget.Used())
	}
}

func TestAccountChargesWhatIsElsewhere(t *testing.T) {
	budget := NewBudget(1000, nil)
	a := budget.Account("a")
	a.Charge(700)
	func() {
		defer func() {
			var limit *LimitError
			if err, _ := recover().(error); !errors.As(err, &limit) || limit.Asked != 301 {
				t.Errorf("panic value %v", err)
			}
		}()
		a.Charge(301)
	}()
	a.Charge(-600)
	b := a.Reallocate(500, a.Allocate(100))
	if a.Used() != 600 || budget.Used() != 600 || budget.Peak() != 700 {
		t.Errorf("in use are %d and %d, at most %d", a.Used(), budget.Used(), budget.Peak())
	}
	// Both are there while it moves.
	a.Free(a.Reallocate(40, b))
	a.Charge(-100)
	b = a.Reallocate(600, a.Allocate(300))
	if a.Used() != 600 || budget.Peak() != 900 {
		t.Errorf("in use are %d, at most %d", a.Used(), budget.Peak())
	}
	a.Free(b)
}
