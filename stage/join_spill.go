package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/spill"
)

// divided is how a join goes on in a folder, nil if it cannot: every part of the
// keys is a join of its own, of which most are in a file with the rows that have
// come since for either input, see [spill.Divided]. Endless inputs are joined
// with some delay then; of a side that has ended what is left is a hash join in
// parts, which reads each part of that side once for as many rows of the other.
// The rows and changes that come out are the same, in another order. NOT IN looks
// at the list as a whole, and joins without keys have nothing to divide by.
func (j *HashJoin) divided(in []*arrow.Schema, env arrowstream.Env) *spill.Divided {
	if len(j.plan.types) == 0 || j.NullAware || j.spanOf != nil {
		return nil
	}
	return spill.New(env, spill.Plan{
		Inputs: in, Keys: [][]int{j.plan.inputs[0].keys, j.plan.inputs[1].keys},
		New: func(env arrowstream.Env) (spill.Operator, error) {
			part := &HashJoin{JoinColumns: j.JoinColumns, Kind: j.Kind, Updates: j.Updates, LeftTTL: j.LeftTTL, RightTTL: j.RightTTL}
			_, err := part.Bind(in, env)
			return part, err
		},
		StateKeys: func(name string, _ arrow.Record) []int {
			if i := slices.Index(sideNames[:], name); i >= 0 {
				return j.plan.inputs[i].keys
			}
			return nil
		},
		Own:     j.ownSlots,
		Flushes: !j.updates && (j.Kind.pads(0) || j.Kind.pads(1)),
	})
}

// ownSlots gives the rows of a part of a state the first slots: it has no others.
func (j *HashJoin) ownSlots(name string, b arrow.Record) arrow.Record {
	i := slices.Index(sideNames[:], name)
	if i < 0 {
		return b
	}
	defer b.Release()
	slots := make([]int64, b.NumRows())
	for row := range slots {
		slots[row] = int64(row)
	}
	cols := slices.Clone(b.Columns())
	at := j.plan.inputs[i].schema.NumFields()
	cols[at] = int64Array(j.mem, slots)
	defer cols[at].Release()
	return array.NewRecord(b.Schema(), cols, b.NumRows())
}
