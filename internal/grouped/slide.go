package grouped

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Slide computes the aggregates that can take rows back over frames that move
// along the rows of args, see Spec.Slide of kernels/agg. The columns of the others, which
// are those of [Plan.Others], are nil. The caller releases what there is, also
// after an error.
func (p *Plan) Slide(mem memory.Allocator, lo, hi []int32, args []arrow.Array) ([]arrow.Array, error) {
	out := make([]arrow.Array, len(p.aggs))
	for i, a := range p.aggs {
		if a.spec.Slide == nil {
			continue
		}
		call := make([]arrow.Array, len(a.in))
		for k, at := range a.in {
			call[k] = args[at]
		}
		var err error
		if out[i], err = a.spec.Slide(mem, lo, hi, call...); err != nil {
			return out, Error("aggregate "+p.fields[i].Name, err)
		}
	}
	return out, nil
}

// Others is p with only the aggregates that cannot take rows back, which have
// the arguments of p; nil if there are none. Merges tells that the states of all
// of them can be merged and have a size that does not grow with their rows.
func (p *Plan) Others() (others *Plan, merges bool) {
	o := &Plan{args: p.args, list: p.list, back: p.back}
	at := make([]int, len(p.aggs)) // of aggregates of p in o
	merges = true
	for i, a := range p.aggs {
		if a.spec.Slide != nil {
			continue
		}
		if at[i] = len(o.aggs); a.shares >= 0 {
			a.shares = at[a.shares]
		}
		o.aggs, o.fields = append(o.aggs, a), append(o.fields, p.fields[i])
		merges = merges && a.spec.Merge && !slices.ContainsFunc(a.spec.StateTypes, func(t arrow.DataType) bool { return t.ID() == arrow.LIST })
	}
	if len(o.aggs) == 0 {
		return nil, false
	}
	return o, merges
}
