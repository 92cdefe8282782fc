package spill

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// compact is b with dictionaries that have no more entries than it has rows: a
// few rows of many would take the dictionary of all to the file. The caller
// releases it.
func compact(mem memory.Allocator, b arrow.Record) arrow.Record {
	var cols []arrow.Array
	for i, c := range b.Columns() {
		d, ok := c.(*array.Dictionary)
		if !ok || d.Indices().DataType().ID() != arrow.INT32 || d.Dictionary().Len() <= d.Len() {
			continue
		}
		if less := compactColumn(mem, d); less != nil {
			defer less.Release()
			if cols == nil {
				cols = slices.Clone(b.Columns())
			}
			cols[i] = less
		}
	}
	if cols == nil {
		b.Retain()
		return b
	}
	return array.NewRecord(b.Schema(), cols, b.NumRows())
}

// compactColumn is d with the entries that it has, nil if they cannot be taken.
func compactColumn(mem memory.Allocator, d *array.Dictionary) arrow.Array {
	valid := columnar.Validity(d)
	codes, entries, _ := columnar.Dictionary(d)
	codeOf := map[int32]int32{}
	var used []int32
	ib := array.NewInt32Builder(mem)
	defer ib.Release()
	for i, code := range codes {
		if !valid.Get(i) {
			ib.AppendNull()
			continue
		}
		to, ok := codeOf[code]
		if !ok {
			to = int32(len(used))
			codeOf[code], used = to, append(used, code)
		}
		ib.Append(to)
	}
	values, err := kernels.Take(mem, entries, used)
	if err != nil {
		return nil
	}
	indices := ib.NewArray()
	defer grouped.Release([]arrow.Array{values, indices})
	return array.NewDictionaryArray(d.DataType(), indices, values)
}
