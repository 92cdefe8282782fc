package window

import "sort"

// pane is the part of the state between two bounds of windows: one slot for
// each key that has rows there.
type pane struct {
	start, end int64
	first      int64 // end of the first window that holds the pane
	last       int64 // end of the last one
	kids       []uint32
	slots      []uint32
	index      index
	// hot panes belong to a window whose result has been emitted: a change is
	// noted, so that a correction follows.
	hot bool
}

// panes are the open panes ordered by end and start. Panes of a grid do not
// overlap; those of Regroup may.
type panes []*pane

// at is the position of the first pane that is not before (end, start).
func (ps panes) at(end, start int64) int {
	return sort.Search(len(ps), func(i int) bool {
		return ps[i].end > end || ps[i].end == end && ps[i].start >= start
	})
}

// holding is the pane of a grid that holds t, or nil.
func (ps panes) holding(t int64) *pane {
	i := sort.Search(len(ps), func(i int) bool { return ps[i].end > t })
	if i < len(ps) && ps[i].start <= t {
		return ps[i]
	}
	return nil
}

// within are the panes of a grid in the window [start, end).
func (ps panes) within(start, end int64) panes {
	i := sort.Search(len(ps), func(i int) bool { return ps[i].end > start })
	j := sort.Search(len(ps), func(i int) bool { return ps[i].end > end })
	return ps[i:max(i, j)]
}

// insert puts p where it belongs.
func (ps panes) insert(p *pane) panes {
	i := ps.at(p.end, p.start)
	ps = append(ps, nil)
	copy(ps[i+1:], ps[i:])
	ps[i] = p
	return ps
}

// index finds the slot of a key in a pane. Key numbers are small when there are
// few keys, so an array does; its length is bounded by a multiple of the keys
// in the pane, and keys beyond it stand in a map, so that many sparse panes
// over a large number of keys stay small.
type index struct {
	dense  []uint32 // slot+1, 0 if there is none
	sparse map[uint32]uint32
	n      int
}

// get is the slot of key kid.
func (x *index) get(kid uint32) (slot uint32, ok bool) {
	if int(kid) < len(x.dense) {
		s := x.dense[kid]
		return s - 1, s != 0
	}
	slot, ok = x.sparse[kid]
	return slot, ok
}

// put notes the slot of a new key.
func (x *index) put(kid, slot uint32) {
	x.n++
	if int(kid) >= len(x.dense) {
		if int(kid) >= max(64, 8*x.n) {
			if x.sparse == nil {
				x.sparse = map[uint32]uint32{}
			}
			x.sparse[kid] = slot
			return
		}
		x.grow(int(kid) + 1)
	}
	x.dense[kid] = slot + 1
}

// grow makes the array at least n long and moves keys from the map into it.
func (x *index) grow(n int) {
	size := max(16, 2*len(x.dense))
	for size < n {
		size *= 2
	}
	dense := make([]uint32, size)
	copy(dense, x.dense)
	x.dense = dense
	for kid, slot := range x.sparse {
		if int(kid) < size {
			dense[kid] = slot + 1
			delete(x.sparse, kid)
		}
	}
}

func (x *index) bytes() int64 { return int64(4*len(x.dense) + 16*len(x.sparse)) }
