package grouped

// Bits is a set of slots or keys, a bit for each.
type Bits []uint64

// Grow makes room for ids less than n.
func (b *Bits) Grow(n int) {
	if words := (n + 63) / 64; words > len(*b) {
		*b = append(*b, make([]uint64, max(words, 2*len(*b))-len(*b))...)
	}
}

// Has reports whether id, which there is room for, is in the set.
func (b Bits) Has(id uint32) bool { return b[id>>6]>>(id&63)&1 != 0 }

// Set puts id into the set.
func (b Bits) Set(id uint32) { b[id>>6] |= 1 << (id & 63) }

// Clear takes id out.
func (b Bits) Clear(id uint32) { b[id>>6] &^= 1 << (id & 63) }

// Bytes is the memory held.
func (b Bits) Bytes() int64 { return int64(8 * cap(b)) }
