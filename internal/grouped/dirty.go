package grouped

import "math/bits"

// Dirty is the set of slots, or of keys, that have changed since the last
// checkpoint. It is off until the first Clear, so that a job without a store
// pays a comparison per batch. On, a row costs a test of a bit.
type Dirty struct {
	on   bool
	bits []uint64
}

// On reports whether changes are noted.
func (d *Dirty) On() bool { return d.on }

// Mark notes that ids have changed, all of which are less than n.
func (d *Dirty) Mark(ids []uint32, n int) {
	if !d.on {
		return
	}
	if words := (n + 63) / 64; words > len(d.bits) {
		d.bits = append(d.bits, make([]uint64, max(words, 2*len(d.bits))-len(d.bits))...)
	}
	set := d.bits
	for _, id := range ids {
		if bit := uint64(1) << (id & 63); set[id>>6]&bit == 0 {
			set[id>>6] |= bit
		}
	}
}

// Has reports whether id has changed.
func (d *Dirty) Has(id uint32) bool {
	return int(id>>6) < len(d.bits) && d.bits[id>>6]>>(id&63)&1 != 0
}

// IDs are those that have changed, ascending; never nil.
func (d *Dirty) IDs() []uint32 {
	n := 0
	for _, w := range d.bits {
		n += bits.OnesCount64(w)
	}
	ids := make([]uint32, 0, n)
	for i, w := range d.bits {
		for ; w != 0; w &= w - 1 {
			ids = append(ids, uint32(64*i+bits.TrailingZeros64(w)))
		}
	}
	return ids
}

// Clear forgets the changes, which are in a checkpoint now, and notes those
// that follow.
func (d *Dirty) Clear() {
	clear(d.bits)
	d.on = true
}

// Bytes is the memory held.
func (d *Dirty) Bytes() int64 { return int64(8 * cap(d.bits)) }
