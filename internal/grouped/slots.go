package grouped

// Slots hands out slot numbers from 0 and takes them back.
type Slots struct {
	free []uint32
	n    int
}

// Get returns a slot that is in its initial state.
func (s *Slots) Get() uint32 {
	if k := len(s.free); k > 0 {
		slot := s.free[k-1]
		s.free = s.free[:k-1]
		return slot
	}
	s.n++
	return uint32(s.n - 1)
}

// Put takes slots back, which the caller has reset.
func (s *Slots) Put(slots ...uint32) { s.free = append(s.free, slots...) }

// Bytes is the memory held.
func (s *Slots) Bytes() int64 { return int64(4 * cap(s.free)) }

// Len is the number of slots there have ever been at once.
func (s *Slots) Len() int { return s.n }

// Live is the number of slots handed out now.
func (s *Slots) Live() int { return s.n - len(s.free) }
