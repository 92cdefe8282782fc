package window

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

var metaFields = []string{"horizon", "event", "last_clock", "late", "skipped", "unwindowed", "updated"}

// meta is the part of the state that is one row: the horizon and the counters.
func (c *core) meta() arrow.Record {
	n := c.counted
	return grouped.Meta(c.mem, metaFields, c.horizon, c.event, c.lastClock, n.Late, n.Skipped, n.Unwindowed, n.RowsUpdated)
}

func (c *core) restoreMeta(st arrowstream.State) error {
	v, ok := grouped.ReadMeta(st["meta"], metaFields...)
	if !ok {
		return c.badState("meta")
	}
	c.horizon, c.event, c.lastClock = slices.Max(v[0]), slices.Max(v[1]), slices.Max(v[2])
	c.bound = minus(c.horizon, c.lateness)
	if c.horizon == math.MaxInt64 {
		c.bound = c.horizon
	}
	sum := func(i int) int64 { return grouped.Sum(v[i], c.instance) }
	c.counted = arrowstream.Counts{Late: sum(3), Skipped: sum(4), Unwindowed: sum(5), RowsUpdated: sum(6)}
	return nil
}

func (c *core) badState(part string) error {
	return &arrowstream.Error{
		Code: "AS5001", Msg: fmt.Sprintf("window: state %q is not that of %s with these keys and aggregates", part, c.what),
		Hint: "the query has changed: start from an empty state",
	}
}

// slotState is a batch with a row for each slot: the given int64 columns, the
// keys of kids and the states of slots. Without slots the states are left out.
func (c *core) slotState(names []string, ints [][]int64, kids []uint32, slots ...[]uint32) (arrow.Record, error) {
	var fields []arrow.Field
	var cols []arrow.Array
	defer func() { grouped.Release(cols) }()
	for i, name := range names {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64})
		cols = append(cols, timeArray(c.mem, arrow.PrimitiveTypes.Int64, ints[i]))
	}
	keys, err := c.keys.Columns(kids)
	cols = append(cols, keys...)
	if err != nil {
		return nil, err
	}
	for _, f := range c.keys.Fields() {
		fields = append(fields, arrow.Field{Name: f.Name, Type: f.Type, Nullable: true})
	}
	for _, s := range slots {
		state, err := c.set.State(s)
		cols = append(cols, state...)
		if err != nil {
			return nil, err
		}
		fields = append(fields, c.plan.StateFields()...)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, int64(len(kids))), nil
}

// restoreSlots reads what slotState wrote: it numbers the keys of the rows and
// calls place, which gives every row a slot, then loads the states.
func (c *core) restoreSlots(b arrow.Record, names []string, place func(ints [][]int64, kids, slots []uint32)) error {
	ints, kids, err := c.restoreKeys(b, names, c.plan.StateFields())
	if err != nil {
		return err
	}
	slots := make([]uint32, len(kids))
	place(ints, kids, slots)
	c.set.Reset(slots) // in a delta they may be those of before
	return c.set.Merge(slots, c.slots.Len(), b.Columns()[len(names)+len(c.keys.Fields()):])
}

// restoreKeys reads the int64 columns and numbers the keys of a state batch
// that ends with the columns rest.
func (c *core) restoreKeys(b arrow.Record, names []string, rest []arrow.Field) (ints [][]int64, kids []uint32, err error) {
	keys := c.keys.Fields()
	if b == nil || int(b.NumCols()) != len(names)+len(keys)+len(rest) {
		return nil, nil, c.badState("groups")
	}
	for i, f := range append(append([]arrow.Field{}, keys...), rest...) {
		if !arrow.TypeEqual(b.Column(len(names)+i).DataType(), f.Type) {
			return nil, nil, c.badState("groups")
		}
	}
	for i, name := range names {
		if b.ColumnName(i) != name || b.Column(i).DataType().ID() != arrow.INT64 {
			return nil, nil, c.badState("groups")
		}
		ints = append(ints, columnar.Values[int64](b.Column(i)))
	}
	kids = make([]uint32, b.NumRows())
	return ints, kids, c.keys.FindArrays(b.Columns()[len(names):len(names)+len(keys)], kids)
}
