package stage

import (
	"slices"

	"github.com/arrowstream/arrowstream/internal/grouped"
)

// lives gives each key a slot while it is remembered. A key whose next row
// comes ttl after its last one, or later, begins a new life with a new slot:
// that depends on its rows alone, whenever the old slot is freed.
type lives struct {
	slots grouped.Slots
	of    []life  // by key
	queue []aged  // the last row of keys, in the order of time; may be out of date
	n     int     // keys alive
	local []int32 // by key: its series in the rows at hand, plus 1

	changed grouped.Dirty // keys with rows since the last checkpoint

	series []series
	rowOf  []int32 // series of each row
}

type life struct {
	slot  uint32
	alive bool
	last  int64 // time of the last row
}

// series is the rows of one life of a key among the rows at hand.
type series struct {
	kid, slot uint32
	rows      int32 // how many
	last      int64 // time of the last one
	ended     bool  // another life of the key follows
}

// spread divides rows, whose keys and times are given, into series, in the
// order of their first rows. limit is greater than every key. Both results hold
// until the next call.
func (l *lives) spread(ids []uint32, ts []int64, limit int, ttl int64) (all []series, rowOf []int32) {
	if more := limit - len(l.of); more > 0 {
		l.of = append(l.of, make([]life, max(more, len(l.of)))...)
		l.local = append(l.local, make([]int32, len(l.of)-len(l.local))...)
	}
	if cap(l.rowOf) < len(ids) {
		l.rowOf = make([]int32, len(ids))
	}
	l.series, l.rowOf = l.series[:0], l.rowOf[:len(ids)]
	for i, kid := range ids {
		at := l.local[kid]
		k := &l.of[kid]
		if over := k.alive && ttl > 0 && ts[i]-k.last >= ttl; at == 0 || over {
			if over && at > 0 {
				l.series[at-1].ended = true
			}
			if over && at == 0 {
				// The life before is over without a row at hand.
				l.series = append(l.series, series{kid: kid, slot: k.slot, ended: true, last: k.last})
			}
			if over || !k.alive {
				l.begin(kid)
			}
			l.series = append(l.series, series{kid: kid, slot: k.slot})
			at = int32(len(l.series))
			l.local[kid] = at
		}
		s := &l.series[at-1]
		s.rows++
		s.last, k.last = ts[i], ts[i]
		l.rowOf[i] = at - 1
	}
	if ttl > 0 {
		from := len(l.queue)
		for _, s := range l.series {
			if !s.ended {
				l.queue = append(l.queue, aged{s.kid, s.last})
			}
		}
		slices.SortStableFunc(l.queue[from:], byAge)
	}
	for _, s := range l.series {
		l.local[s.kid] = 0
	}
	return l.series, l.rowOf
}

// begin gives a key a new slot.
func (l *lives) begin(kid uint32) {
	if !l.of[kid].alive {
		l.n++
	}
	l.of[kid] = life{slot: l.slots.Get(), alive: true}
}

// expired are the keys that no row from mark on can find alive; a key may come
// twice.
func (l *lives) expired(mark, ttl int64) (kids []uint32) {
	n := 0
	for n < len(l.queue) && l.queue[n].time <= mark && mark-l.queue[n].time >= ttl {
		a := l.queue[n]
		if k := l.of[a.kid]; k.alive && k.last == a.time {
			kids = append(kids, a.kid)
		}
		n++
	}
	l.queue = slices.Delete(l.queue, 0, n)
	return kids
}

// end forgets a key; the caller has put its slot into its initial state.
func (l *lives) end(kid uint32) {
	l.slots.Put(l.of[kid].slot)
	l.of[kid] = life{}
	l.n--
}

// restore takes a key up again.
func (l *lives) restore(kid uint32, last int64, limit int) (slot uint32) {
	if more := limit - len(l.of); more > 0 {
		l.of = append(l.of, make([]life, max(more, len(l.of)))...)
		l.local = append(l.local, make([]int32, len(l.of)-len(l.local))...)
	}
	if !l.of[kid].alive {
		l.begin(kid)
	}
	l.of[kid].last = last
	l.queue = append(l.queue, aged{kid, last})
	return l.of[kid].slot
}

// kids are the keys alive, ascending.
func (l *lives) kids() []uint32 {
	kids := make([]uint32, 0, l.n)
	for kid, k := range l.of {
		if k.alive {
			kids = append(kids, uint32(kid))
		}
	}
	return kids
}

// slotsOf are the slots of kids, both never nil.
func (l *lives) slotsOf(kids []uint32) (slots, same []uint32) {
	slots = make([]uint32, len(kids))
	for i, kid := range kids {
		slots[i] = l.of[kid].slot
	}
	return slots, kids
}

func (l *lives) bytes() int64 {
	return int64(24*cap(l.of)+16*cap(l.queue)+32*cap(l.series)+4*(cap(l.local)+cap(l.rowOf))) + l.slots.Bytes() + l.changed.Bytes()
}

func byAge(a, b aged) int {
	switch {
	case a.time < b.time:
		return -1
	case a.time > b.time:
		return 1
	}
	return 0
}
