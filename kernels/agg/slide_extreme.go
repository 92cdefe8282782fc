package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// slideExtreme is the [Spec.Slide] of min and max of values of fixed width: rows
// of the frame that no later one surpasses stand in a queue, best first. A row
// enters and leaves it once.
func slideExtreme[T columnar.Fixed](t arrow.DataType, largest bool) slide {
	return func(mem memory.Allocator, lo, hi []int32, args ...arrow.Array) (arrow.Array, error) {
		vals, valid := columnar.Values[T](args[0]), columnar.Validity(args[0])
		out := newResult[T](mem, len(lo))
		var queue []int32
		head, to := 0, int32(0)
		for i := range lo {
			to = max(to, lo[i])
			for ; to < hi[i]; to++ {
				if !valid.Get(int(to)) {
					continue
				}
				if head == len(queue) {
					queue, head = queue[:0], 0
				}
				n, v := len(queue), vals[to]
				if largest {
					for ; n > head && (v >= vals[queue[n-1]] || v != v); n-- {
					}
				} else {
					for ; n > head && (v <= vals[queue[n-1]] || vals[queue[n-1]] != vals[queue[n-1]]); n-- {
					}
				}
				queue = append(queue[:n], to)
			}
			for head < len(queue) && queue[head] < lo[i] {
				head++
			}
			switch {
			case head == len(queue):
				out.null(i)
			case vals[queue[head]] != vals[queue[head]]:
				out.v[i] = T(nan)
			default:
				out.v[i] = vals[queue[head]] + 0
			}
		}
		return out.array(t), nil
	}
}
