package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindF1(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	for _, t := range args {
		if !numeric(t) && t.ID() != arrow.BOOL {
			return nil, f.refuse(t, "a prediction and a label, numbers or BOOLEAN")
		}
	}
	f64, i64 := arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64
	types := []arrow.DataType{i64, i64}
	return itself(&Spec{
		Args: []arrow.DataType{f64, f64}, Out: f64, Nullable: true, Merge: true, OrderFree: true, StateTypes: types,
		New: func(mem memory.Allocator) Accumulator { return &f1{newCells[f1Cell](mem, types)} },
	}), nil
}

// f1 is f1(prediction, label), the harmonic mean of precision and recall of the
// positive class: 2 TP / (2 TP + FP + FN). Predictions and labels above 0 are
// positive, as in roc_auc. Rows where one of them is NULL do not count, and
// without a positive one it is NULL. State: int64 true positives, int64
// positives among predictions and labels together.
type f1 struct{ cells[f1Cell] }

// f1Cell has positives = 2 TP + FP + FN.
type f1Cell struct{ hits, positives int64 }

// Update implements Accumulator.
func (f *f1) Update(groups []uint32, n int, args ...arrow.Array) error {
	return f.add(groups, n, 1, args)
}

// Retract implements Retractable.
func (f *f1) Retract(groups []uint32, n int, args ...arrow.Array) error {
	return f.add(groups, n, -1, args)
}

// add counts every row by.
func (f *f1) add(groups []uint32, n int, by int64, args []arrow.Array) error {
	f.grow(max(n, 1))
	predicted, labels := columnar.Values[float64](args[0]), columnar.Values[float64](args[1])
	for i := range columnar.And(columnar.Validity(args[0]), columnar.Validity(args[1])).Ones() {
		c := &f.v[at(groups, i)]
		p, y := predicted[i] > 0, labels[i] > 0
		if p {
			c.positives += by
		}
		if y {
			c.positives += by
		}
		if p && y {
			c.hits += by
		}
	}
	return nil
}

// Merge implements Accumulator.
func (f *f1) Merge(groups []uint32, n int, state ...arrow.Array) error {
	f.grow(max(n, 1))
	for i, x := range f.read(state) {
		c := &f.v[at(groups, i)]
		c.hits += x.hits
		c.positives += x.positives
	}
	return nil
}

// Final implements Accumulator.
func (f *f1) Final(groups []uint32) (arrow.Array, error) {
	f.grow(need(groups))
	groups = all(groups, len(f.v))
	out := newResult[float64](f.mem, len(groups))
	for i, g := range groups {
		if c := f.v[g]; c.positives > 0 {
			out.v[i] = float64(2*c.hits) / float64(c.positives)
		} else {
			out.null(i)
		}
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}
