package kernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Concat returns the rows of recs, which have the same column types, as one
// record with the schema of the first. Dictionaries that differ are unified. A
// single record is retained; none at all is an error.
func Concat(mem memory.Allocator, recs []arrow.Record) (arrow.Record, error) {
	if len(recs) == 0 {
		return nil, fmt.Errorf("kernels: concat: no records")
	}
	if len(recs) == 1 {
		recs[0].Retain()
		return recs[0], nil
	}
	rows := int64(0)
	for _, r := range recs {
		rows += r.NumRows()
		if r.NumCols() != recs[0].NumCols() {
			return nil, fmt.Errorf("kernels: concat: records of %d and %d columns", recs[0].NumCols(), r.NumCols())
		}
	}
	cols := make([]arrow.Array, recs[0].NumCols())
	defer releaseAll(cols)
	parts := make([]arrow.Array, len(recs))
	for i := range cols {
		for k, r := range recs {
			parts[k] = r.Column(i)
			if !arrow.TypeEqual(parts[k].DataType(), parts[0].DataType()) {
				return nil, fmt.Errorf("kernels: concat: column %q is %s in one record and %s in another", recs[0].ColumnName(i),
					columnar.TypeName(parts[0].DataType()), columnar.TypeName(parts[k].DataType()))
			}
		}
		var err error
		if cols[i], err = concatenate(mem, parts); err != nil {
			return nil, fmt.Errorf("kernels: concat: column %q: %w", recs[0].ColumnName(i), err)
		}
	}
	return array.NewRecord(recs[0].Schema(), cols, rows), nil
}

// concatenate puts arrays of one type behind each other.
func concatenate(mem memory.Allocator, parts []arrow.Array) (arrow.Array, error) {
	switch kind, _ := layoutOf(parts[0].DataType()); {
	case len(parts) == 1:
		parts[0].Retain()
		return parts[0], nil
	case kind == layoutDictionary:
		return concatDictionaries(mem, parts)
	case kind == layoutStruct:
		return concatStructs(mem, parts)
	case kind == layoutRunEnd:
		return nil, errorf(CodeTypes, "cannot concatenate columns of %s", SQLName(parts[0].DataType()))
	}
	return array.Concatenate(parts, mem)
}

func concatStructs(mem memory.Allocator, parts []arrow.Array) (arrow.Array, error) {
	fields := make([]arrow.Array, parts[0].(*array.Struct).NumField())
	defer releaseAll(fields)
	same := make([]arrow.Array, len(parts))
	for k := range fields {
		for i, p := range parts {
			same[i] = p.(*array.Struct).Field(k)
		}
		var err error
		if fields[k], err = concatenate(mem, same); err != nil {
			return nil, err
		}
	}
	n, nulls := 0, 0
	for _, p := range parts {
		n += p.Len()
		nulls += p.NullN()
	}
	var validity *memory.Buffer
	if nulls > 0 {
		validity = newBuffer(mem, columnar.BitmapBytes(n))
		bits, at := columnar.Bitmap{Bits: validity.Bytes(), N: n}, 0
		for _, p := range parts {
			for lo, hi := range columnar.Validity(p).Runs() {
				setBits(bits, at+lo, at+hi)
			}
			at += p.Len()
		}
	}
	return newArray(parts[0].DataType(), n, nulls, []*memory.Buffer{validity}, fields...), nil
}

// concatDictionaries keeps a dictionary that all parts share, and else gives
// the parts one dictionary with the entries of all, each once, in the order in
// which they first stand in a dictionary.
func concatDictionaries(mem memory.Allocator, parts []arrow.Array) (arrow.Array, error) {
	t := parts[0].DataType().(*arrow.DictionaryType)
	codes, values := make([]arrow.Array, len(parts)), make([]arrow.Array, len(parts))
	shared := true
	for i, p := range parts {
		d := p.(*array.Dictionary)
		codes[i], values[i] = d.Indices(), d.Dictionary()
		shared = shared && values[i].Data() == values[0].Data()
	}
	if shared {
		all, err := array.Concatenate(codes, mem)
		if err != nil {
			return nil, err
		}
		defer all.Release()
		return array.NewDictionaryArray(t, all, values[0]), nil
	}
	entries, err := concatenate(mem, values)
	if err != nil {
		return nil, err
	}
	defer entries.Release()
	first, codeOf, err := distinctEntries(entries)
	if err != nil {
		return nil, err
	}
	unified, err := Take(mem, entries, first)
	if err != nil {
		return nil, err
	}
	defer unified.Release()
	width := t.IndexType.(arrow.FixedWidthDataType).Bytes()
	if len(first) > 1<<(8*width-1) {
		return nil, fmt.Errorf("%d distinct values are too many for %s codes", len(first), t.IndexType)
	}
	all, err := unifiedCodes(mem, t.IndexType, width, parts, codeOf)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	return array.NewDictionaryArray(t, all, unified), nil
}

// distinctEntries returns the positions of the distinct values of a and, for
// every position, the number of its value among them.
func distinctEntries(a arrow.Array) (first, codeOf []int32, err error) {
	hashes := make([]uint64, a.Len())
	if err := Hash([]arrow.Array{a}, hashes); err != nil {
		return nil, nil, err
	}
	known := make(map[uint64]int32, len(hashes))
	codeOf = make([]int32, len(hashes))
	for i, h := range hashes {
		code, ok := known[h]
		// Values that only share their hash become entries of their own.
		if !ok || Compare(a, int(first[code]), a, i) != 0 {
			code = int32(len(first))
			first = append(first, int32(i))
			known[h] = code
		}
		codeOf[i] = code
	}
	return first, codeOf, nil
}

// unifiedCodes are the codes of the parts behind each other, where the entries
// of part i follow those of part i-1 in codeOf.
func unifiedCodes(mem memory.Allocator, t arrow.DataType, width int, parts []arrow.Array, codeOf []int32) (arrow.Array, error) {
	mapped := make([]arrow.Array, len(parts))
	defer releaseAll(mapped)
	entry := 0
	for i, p := range parts {
		codes, values, _ := columnar.Dictionary(p)
		buf := newBuffer(mem, len(codes)*width)
		for row := range columnar.Validity(p).Ones() {
			c := codeOf[entry+int(codes[row])]
			for k := range width {
				buf.Bytes()[row*width+k] = byte(int64(c) >> (8 * k))
			}
		}
		validity, nulls := filterValidity(mem, p, columnar.Bitmap{N: p.Len()}, p.Len())
		mapped[i] = newArray(t, p.Len(), nulls, []*memory.Buffer{validity, buf})
		entry += values.Len()
	}
	return array.Concatenate(mapped, mem)
}
