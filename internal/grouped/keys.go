package grouped

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// Keys numbers the keys of rows: equal keys have the same id. Without key
// columns every row has key 0, which is never removed.
type Keys struct {
	cols   []int
	types  []arrow.DataType // as they come in
	fields []arrow.Field    // as they go out
	groups *agg.Groups
	arrays []arrow.Array
}

// BindKeys finds the key columns in in. Dictionary columns number their
// values, and come back as plain values.
func BindKeys(what string, in *arrow.Schema, names []string) (*Keys, error) {
	k := &Keys{}
	for _, name := range names {
		i, err := Column(what, in, name)
		if err != nil {
			return nil, err
		}
		f := in.Field(i)
		k.cols, k.types = append(k.cols, i), append(k.types, f.Type)
		k.fields = append(k.fields, arrow.Field{Name: f.Name, Type: agg.Plain(f.Type), Nullable: f.Nullable})
	}
	return k, nil
}

// Open makes the table of keys, in mem.
func (k *Keys) Open(mem memory.Allocator) error {
	if len(k.cols) == 0 {
		return nil
	}
	groups, err := agg.NewGroups(mem, k.types)
	if err != nil {
		return Error("group by", err)
	}
	k.groups = groups
	return nil
}

// Fields are the key columns as [Keys.Columns] returns them.
func (k *Keys) Fields() []arrow.Field { return k.fields }

// Positions are the key columns in the rows.
func (k *Keys) Positions() []int { return k.cols }

// Find numbers the rows of b: ids[i] is the id of the key of row i. New keys
// get an id of their own.
func (k *Keys) Find(b arrow.Record, ids []uint32) error {
	return k.FindArrays(k.Of(b), ids)
}

// Of are the key columns of b, borrowed, until the next call.
func (k *Keys) Of(b arrow.Record) []arrow.Array {
	k.arrays = k.arrays[:0]
	for _, c := range k.cols {
		k.arrays = append(k.arrays, b.Column(c))
	}
	return k.arrays
}

// FindArrays is Find for key columns that stand apart.
func (k *Keys) FindArrays(keys []arrow.Array, ids []uint32) error {
	if k.groups == nil {
		clear(ids)
		return nil
	}
	if err := k.groups.Find(keys, ids); err != nil {
		return Error("group by", err)
	}
	return nil
}

// Restore is FindArrays for the keys of a checkpoint, which are all different:
// an empty table gets room for them at once.
func (k *Keys) Restore(keys []arrow.Array, ids []uint32) error {
	if k.groups != nil && k.groups.Len() == 0 {
		k.groups.Reserve(len(ids))
	}
	return k.FindArrays(keys, ids)
}

// Columns are the keys of ids; the caller releases them.
func (k *Keys) Columns(ids []uint32) ([]arrow.Array, error) {
	if k.groups == nil {
		return nil, nil
	}
	return k.groups.Keys(notNil(ids))
}

// Text is a key as a JSON object, for an error; empty without key columns.
func (k *Keys) Text(id uint32) string {
	cols, err := k.Columns([]uint32{id})
	if err != nil {
		return ""
	}
	defer Release(cols)
	return KeyText(k.fields, cols, 0)
}

// KeyText is a row of key columns as a JSON object, cut to 200 bytes.
func KeyText(fields []arrow.Field, cols []arrow.Array, row int) string {
	var text []byte
	for i, c := range cols {
		value := []byte("null")
		if v, err := cell.NewView(c); err == nil {
			value = v.AppendJSON(nil, row)
		}
		text = append(append(cell.AppendQuoted(append(text, ','), []byte(fields[i].Name)), ':'), value...)
	}
	if len(text) == 0 {
		return ""
	}
	text[0] = '{'
	return arrowstream.CutValue(append(text, '}'))
}

// Limit is greater than every id in use.
func (k *Keys) Limit() int {
	if k.groups == nil {
		return 1
	}
	return k.groups.Len()
}

// Live is the number of keys.
func (k *Keys) Live() int {
	if k.groups == nil {
		return 1
	}
	return k.groups.Live()
}

// Remove gives ids back; their keys are forgotten.
func (k *Keys) Remove(ids []uint32) {
	if k.groups != nil && len(ids) > 0 {
		k.groups.Remove(ids)
	}
}

// Bytes is the memory held.
func (k *Keys) Bytes() int64 {
	if k.groups == nil {
		return 0
	}
	return k.groups.Bytes()
}

// Release frees the table.
func (k *Keys) Release() {
	if k.groups != nil {
		k.groups.Release()
		k.groups = nil
	}
}

// Order returns the order of rows by cols, ascending, nulls first.
func Order(cols []arrow.Array, n int) ([]int32, error) {
	keys := make([]kernels.SortKey, len(cols))
	for i, c := range cols {
		keys[i].Col = c
	}
	if len(keys) == 0 {
		idx := make([]int32, n)
		for i := range idx {
			idx[i] = int32(i)
		}
		return idx, nil
	}
	return kernels.SortIndices(keys, n)
}

// Equal reports whether row i of a and row j of b have equal values.
func Equal(a []arrow.Array, i int, b []arrow.Array, j int) bool {
	for c := range a {
		if kernels.Compare(a[c], i, b[c], j) != 0 {
			return false
		}
	}
	return true
}
