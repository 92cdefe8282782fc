package window

// queue is a heap of slots by the end of their windows, then by slot.
type queue struct{ h []queued }

type queued struct {
	end  int64
	slot uint32
}

func (a queued) before(b queued) bool {
	return a.end < b.end || a.end == b.end && a.slot < b.slot
}

func (q *queue) push(end int64, slot uint32) {
	q.h = append(q.h, queued{end, slot})
	i := len(q.h) - 1
	for i > 0 && q.h[i].before(q.h[(i-1)/2]) {
		q.h[i], q.h[(i-1)/2] = q.h[(i-1)/2], q.h[i]
		i = (i - 1) / 2
	}
}

// pop takes the first slot whose end is at or before bound.
func (q *queue) pop(bound int64) (end int64, slot uint32, ok bool) {
	if len(q.h) == 0 || q.h[0].end > bound {
		return 0, 0, false
	}
	top := q.h[0]
	n := len(q.h) - 1
	q.h[0] = q.h[n]
	q.h = q.h[:n]
	for i := 0; ; {
		least := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < n && q.h[c].before(q.h[least]) {
				least = c
			}
		}
		if least == i {
			return top.end, top.slot, true
		}
		q.h[i], q.h[least] = q.h[least], q.h[i]
		i = least
	}
}
