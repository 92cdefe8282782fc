package agg

import "math"

// places is an array with an element for every word of a range: the perfect
// hash of keys that lie close together, such as codes, dates and numbers that
// count something.
type places struct {
	of   column[uint32] // slot plus one of word base+i, 0 if it has none
	base uint64
}

// closeWords is the length of the range up to which words always count as
// close together.
const closeWords = 1 << 20

// reach moves the array so that it holds places for words and for all keys of
// x; false if they lie too far apart: over more than closeWords and four times
// as many words as there are slots. It leaves room for a quarter more at either
// end, so the cost per row is constant, and drops what lies beyond the keys
// that are still there. Places are counted modulo 2^64.
func (d *places) reach(words []uint64, x *wordIndex, s *slots) bool {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, w := range words {
		lo, hi = min(lo, int64(w)), max(hi, int64(w))
	}
	limit := uint64(max(closeWords, 4*max(s.n, x.room)))
	if lo <= hi && uint64(hi)-uint64(lo) >= limit {
		return false
	}
	for slot, w := range x.keys.v {
		if s.live.v[slot] && x.null != uint32(slot)+1 {
			lo, hi = min(lo, int64(w)), max(hi, int64(w))
		}
	}
	if lo > hi {
		return true
	}
	span := uint64(hi) - uint64(lo)
	if span >= limit {
		return false
	}
	slack := span/2 + uint64(max(1024, s.n))
	d.move(uint64(lo)-slack/2, int(span+slack+1))
	return true
}

// move makes the array hold n places from base on.
func (d *places) move(base uint64, n int) {
	old, from := d.of, d.base
	d.of, d.base = column[uint32]{mem: old.mem}, base
	d.of.grow(n)
	if up := from - base; up < uint64(n) {
		copy(d.of.v[up:], old.v)
	} else if down := base - from; down < uint64(len(old.v)) {
		copy(d.of.v, old.v[down:])
	}
	old.release()
}
