package columnar

import "testing"

// Every size gets the smallest block that holds it, of which at most a half, or
// a fifth above 32 KiB, is not asked for.
func TestPoolClasses(t *testing.T) {
	for c := range classes {
		block := int(blockOf(c))
		if got, size := class(block); got != c || size != block || block%64 != 0 {
			t.Errorf("a block of class %d has %d bytes, which are of class %d with %d", c, block, got, size)
		}
		if got, size := class(block + 1); got != c+1 || c+1 < classes && size != int(blockOf(c+1)) {
			t.Errorf("%d bytes are of class %d with %d, want %d", block+1, got, size, c+1)
		}
		if waste := float64(blockOf(c)) / float64(blockOf(max(c-1, 0))+1); waste > 2 || block > 64<<10 && waste > 1.25 {
			t.Errorf("class %d is %.2f times the one before", c, waste)
		}
	}
	if c, block := class(1); c != 0 || block != 64 {
		t.Errorf("a byte is of class %d with %d bytes", c, block)
	}
	if blockOf(classes-1) != 64<<20 {
		t.Errorf("the largest block has %d bytes", blockOf(classes-1))
	}
}

// What is kept for later makes room for what is new, the largest blocks first,
// and stays while there is room.
func TestPoolMakesRoom(t *testing.T) {
	p := &pool{}
	a := NewBudget(1<<20, p).Account("a")
	var blocks [][]byte
	for _, size := range []int{512 << 10, 256 << 10, 128 << 10, 128 << 10} {
		blocks = append(blocks, a.Allocate(size))
	}
	for _, b := range blocks {
		a.Free(b)
	}
	if idle := p.idle.Load(); idle != 1<<20 {
		t.Fatalf("%d bytes are kept", idle)
	}
	again := a.Allocate(256 << 10)
	if idle := p.idle.Load(); idle != 768<<10 || &again[0] != &blocks[1][0] {
		t.Fatalf("%d bytes are kept after one block is used again", idle)
	}
	fresh := a.Allocate(320 << 10)
	if idle := p.idle.Load(); idle != 256<<10 {
		t.Fatalf("%d bytes are kept beside %d in use", idle, a.Used())
	}
	large := a.Reallocate(448<<10, fresh) // of a class of its own: both are there
	if idle := p.idle.Load(); idle+a.Used() > 1<<20 {
		t.Fatalf("%d bytes are kept beside %d in use", idle, a.Used())
	}
	a.Free(large)
	a.Free(again)
	// Without a limit nothing is dropped.
	free := NewBudget(0, p).Account("b")
	idle := p.idle.Load()
	free.Free(free.Allocate(2 << 20))
	if p.idle.Load() != idle+(2<<20) {
		t.Errorf("%d bytes are kept, want 2 MiB more than %d", p.idle.Load(), idle)
	}
}

// TestPoolRests frees what a burst has taken: the blocks go when a long time
// nobody needs them, those in use stay.
func TestPoolRests(t *testing.T) {
	p := &pool{}
	burst := make([][]byte, 20)
	for i := range burst {
		burst[i] = p.Allocate(1 << 20)
	}
	for _, b := range burst {
		p.Free(b)
	}
	if idle := p.idle.Load(); idle != 20<<20 {
		t.Fatalf("%d bytes are idle, want 20 MiB", idle)
	}
	for range 8 * restFrees {
		b, _ := p.take(1<<20, nil) // not cleared
		p.Free(b)
	}
	if idle := p.idle.Load(); idle != 1<<20 {
		t.Errorf("%d bytes are idle after a while, want 1 MiB", idle)
	}
}
