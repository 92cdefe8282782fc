package agg

import "github.com/apache/arrow/go/v17/arrow/memory"

// slots hands out slot numbers from 0, those that were given back first.
type slots struct {
	n    int // slots in use or free
	free []uint32
	live column[bool]
}

func newSlots(mem memory.Allocator) slots { return slots{live: column[bool]{mem: mem}} }

func (s *slots) take() uint32 {
	var slot uint32
	if k := len(s.free); k > 0 {
		slot = s.free[k-1]
		s.free = s.free[:k-1]
	} else {
		slot = uint32(s.n)
		s.n++
		s.live.grow(s.n)
	}
	s.live.v[slot] = true
	return slot
}

// give takes a slot back.
func (s *slots) give(slot uint32) {
	s.live.v[slot] = false
	s.free = append(s.free, slot)
}

// used is the number of slots handed out.
func (s *slots) used() int { return s.n - len(s.free) }

func (s *slots) bytes() int64 { return s.live.bytes() + 4*int64(cap(s.free)) }
