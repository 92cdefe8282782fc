package database

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// net finds the net effect of changes per key: of all rows of a key, the last
// one counts. It costs one look-up per row and 8 bytes per key beside the keys.
type net struct {
	groups *agg.Groups
	key    []int   // places of the key columns
	last   []int64 // of every key, the number of its last row
	rows   int64   // seen
	ids    []uint32
}

func newNet(mem memory.Allocator, schema *arrow.Schema, key []int) (*net, error) {
	types := make([]arrow.DataType, len(key))
	for i, k := range key {
		types[i] = schema.Field(k).Type
	}
	groups, err := agg.NewGroups(mem, types)
	return &net{groups: groups, key: key}, err
}

// add looks at the next batch. A NULL in the key is an error.
func (n *net) add(b arrowstream.Batch) error {
	keys := make([]arrow.Array, len(n.key))
	for i, k := range n.key {
		keys[i] = b.Column(k)
		if keys[i].NullN() > 0 {
			return &arrowstream.Error{
				Code: "AS4007", Msg: fmt.Sprintf("key column %q holds NULL", b.ColumnName(k)), Hint: "leave such rows out: WHERE " + b.ColumnName(k) + " IS NOT NULL",
			}
		}
	}
	rows := int(b.NumRows())
	if cap(n.ids) < rows {
		n.ids = make([]uint32, rows)
	}
	ids := n.ids[:rows]
	if err := n.groups.Find(keys, ids); err != nil {
		return err
	}
	for len(n.last) < n.groups.Len() {
		n.last = append(n.last, 0)
	}
	for i, id := range ids {
		n.last[id] = n.rows + int64(i)
	}
	n.rows += int64(rows)
	return nil
}

// kept marks the rows that count, by their number.
func (n *net) kept() columnar.Bitmap {
	marks := columnar.NewBitmap(int(n.rows))
	for _, row := range n.last {
		marks.Set(int(row))
	}
	return marks
}

func (n *net) release() { n.groups.Release() }
