package mlkernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// appendFields is in with more fields, before the change column if there is
// one. Metadata stays.
func appendFields(in *arrow.Schema, more []arrow.Field) *arrow.Schema {
	md := in.Metadata()
	fields := append([]arrow.Field{}, in.Fields()...)
	if columnar.Changelog(in) {
		n := len(fields) - 1
		op := fields[n]
		fields = append(append(fields[:n], more...), op)
	} else {
		fields = append(fields, more...)
	}
	return arrow.NewSchema(fields, &md)
}

// appendColumns is b with the columns cols in the places of appendFields.
func appendColumns(out *arrow.Schema, b arrow.Record, cols []arrow.Array) arrow.Record {
	all := append([]arrow.Array{}, b.Columns()...)
	if columnar.Changelog(b.Schema()) {
		n := len(all) - 1
		op := all[n]
		all = append(append(all[:n], cols...), op)
	} else {
		all = append(all, cols...)
	}
	return array.NewRecord(out, all, b.NumRows())
}

func releaseAll(cols []arrow.Array) {
	for _, c := range cols {
		c.Release()
	}
}

var stateSchema = arrow.NewSchema([]arrow.Field{{Name: "state", Type: arrow.BinaryTypes.LargeBinary}}, nil)

// stateBatch wraps saved bytes in a batch of one row.
func stateBatch(mem memory.Allocator, data []byte) arrow.Record {
	b := array.NewBinaryBuilder(mem, arrow.BinaryTypes.LargeBinary)
	defer b.Release()
	b.Append(data)
	col := b.NewArray()
	defer col.Release()
	return array.NewRecord(stateSchema, []arrow.Array{col}, 1)
}

// stateBytes is the inverse of stateBatch.
func stateBytes(st arrowstream.State, name string) ([]byte, error) {
	b, ok := st[name]
	if !ok || b.NumRows() != 1 || b.NumCols() != 1 || b.Column(0).DataType().ID() != arrow.LARGE_BINARY {
		return nil, fmt.Errorf("mlkernels: restore: no saved state %q", name)
	}
	return append([]byte(nil), columnar.StringsOf(b.Column(0)).Bytes(0)...), nil
}
