package agg

import (
	"cmp"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindROCAUC(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	for i, t := range args {
		if !numeric(t) && (i == 0 || t.ID() != arrow.BOOL) {
			return nil, f.refuse(t, "a score and a label, numbers or a BOOLEAN")
		}
	}
	f64 := arrow.PrimitiveTypes.Float64
	return &Spec{
		Args: []arrow.DataType{f64, f64}, Out: f64, Nullable: true, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{arrow.ListOf(f64), arrow.ListOf(f64)},
		New: func(mem memory.Allocator) Accumulator {
			return &rocAUC{mem: mem, rows: newChains[judged](mem)}
		},
	}, nil
}

// judged is the score of a row and whether its label is positive.
type judged struct {
	score    float64
	positive bool
}

// rocAUC is roc_auc(score, label), the area under the receiver operating
// characteristic, exact: the share of pairs of a positive and another row in
// which the positive one has the greater score, ties as a half (Mann and Whitney
// 1947). Labels above 0 are positive; NaN is the greatest score. It keeps 24
// bytes per row and sorts in Final. NULL without both kinds of rows. State: the
// scores and the labels.
type rocAUC struct {
	mem    memory.Allocator
	rows   chains[judged]
	sorted []judged
}

// Update implements Accumulator.
func (r *rocAUC) Update(groups []uint32, n int, args ...arrow.Array) error {
	r.rows.grow(max(n, 1))
	scores, labels := columnar.Values[float64](args[0]), columnar.Values[float64](args[1])
	for i := range columnar.And(columnar.Validity(args[0]), columnar.Validity(args[1])).Ones() {
		r.rows.push(at(groups, i), judged{scores[i], labels[i] > 0})
	}
	return nil
}

// Merge implements Accumulator.
func (r *rocAUC) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, scores := flatten(groups, state[0])
	defer scores.Release()
	_, labels := flatten(groups, state[1])
	defer labels.Release()
	return r.Update(owners, n, scores, labels)
}

// State implements Accumulator.
func (r *rocAUC) State(groups []uint32) ([]arrow.Array, error) {
	r.rows.grow(need(groups))
	groups = all(groups, r.rows.len())
	f64 := arrow.PrimitiveTypes.Float64
	total, k := r.rows.total(groups), 0
	var cols [2]*result[float64]
	var ends [2]*result[int32]
	for c := range cols {
		cols[c], ends[c] = newResult[float64](r.mem, total), newResult[int32](r.mem, len(groups)+1)
	}
	for i, g := range groups {
		for row := range r.rows.of(g) {
			cols[0].v[k] = row.score
			if row.positive {
				cols[1].v[k] = 1
			}
			k++
		}
		ends[0].v[i+1], ends[1].v[i+1] = int32(k), int32(k)
	}
	out := make([]arrow.Array, 2)
	for c := range out {
		flat := cols[c].array(f64)
		out[c] = listArray(f64, ends[c], flat)
		flat.Release()
	}
	return out, nil
}

// Final implements Accumulator.
func (r *rocAUC) Final(groups []uint32) (arrow.Array, error) {
	r.rows.grow(need(groups))
	groups = all(groups, r.rows.len())
	out := newResult[float64](r.mem, len(groups))
	for i, g := range groups {
		r.sorted = r.sorted[:0]
		for row := range r.rows.of(g) {
			r.sorted = append(r.sorted, row)
		}
		slices.SortFunc(r.sorted, func(a, b judged) int {
			if nan := cmp.Compare(rank(a.score), rank(b.score)); nan != 0 {
				return nan
			}
			return cmp.Compare(a.score, b.score)
		})
		area, ok := areaUnder(r.sorted)
		if out.v[i] = area; !ok {
			out.v[i] = 0
			out.null(i)
		}
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}

// rank puts NaN behind the numbers.
func rank(x float64) int {
	if x != x {
		return 1
	}
	return 0
}

// areaUnder counts the pairs of rows in the order of their scores in whole
// halves, so that it is exact below 2^62 of them.
func areaUnder(rows []judged) (area float64, ok bool) {
	var halves, below, positives int64 // below are rows that are not positive
	for from := 0; from < len(rows); {
		to, up := from, int64(0)
		for ; to < len(rows) && (rows[to].score == rows[from].score || rows[to].score != rows[to].score && rows[from].score != rows[from].score); to++ {
			if rows[to].positive {
				up++
			}
		}
		down := int64(to-from) - up
		halves += up * (2*below + down)
		below += down
		positives += up
		from = to
	}
	if below == 0 || positives == 0 {
		return 0, false
	}
	return float64(halves) / (2 * float64(positives) * float64(below)), true
}

// Reset implements Accumulator.
func (r *rocAUC) Reset(groups []uint32) { r.rows.reset(groups) }

// Bytes implements Accumulator.
func (r *rocAUC) Bytes() int64 { return r.rows.bytes() + 16*int64(cap(r.sorted)) }

// Release implements Accumulator.
func (r *rocAUC) Release() { r.rows.release() }
