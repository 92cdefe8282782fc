package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// nestedCaster converts lists and vectors by their elements and structs by
// their fields, in order.
func nestedCaster(from, to arrow.DataType) (c caster, fails bool) {
	x, ok1 := elemOf(from)
	y, ok2 := elemOf(to)
	if ok1 && ok2 {
		ok, fails := CanCast(x, y)
		if !ok {
			return nil, false
		}
		return castList, fails || to.ID() == arrow.FIXED_SIZE_LIST
	}
	s, ok1 := from.(*arrow.StructType)
	t, ok2 := to.(*arrow.StructType)
	if !ok1 || !ok2 || s.NumFields() != t.NumFields() {
		return nil, false
	}
	for i := range s.NumFields() {
		ok, f := CanCast(s.Field(i).Type, t.Field(i).Type)
		if !ok {
			return nil, false
		}
		fails = fails || f
	}
	return castStruct, fails
}

func elemOf(t arrow.DataType) (arrow.DataType, bool) {
	switch t := t.(type) {
	case *arrow.ListType:
		return t.Elem(), true
	case *arrow.FixedSizeListType:
		return t.Elem(), true
	}
	return nil, false
}

// castList converts lists and vectors. A list becomes a vector only with the
// right number of elements. With try an element that does not fit is NULL.
func castList(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	list := a.(array.ListLike)
	n := a.Len()
	valid := strict(mem, n, Column(a))
	// Rows that are NULL may still span elements: take those that count.
	rows := make([]int32, 0, n)
	ends := make([]int32, n+1)
	width := -1
	if t, ok := to.(*arrow.FixedSizeListType); ok {
		width = int(t.Len())
	}
	for i := range n {
		var from, past int64
		if valid.get(i) {
			from, past = list.ValueOffsets(i)
			if width >= 0 && int(past-from) != width {
				if !try {
					valid.release()
					return nil, errorf(CodeValue, "cannot cast a list of %d elements to %s", past-from, SQLName(to))
				}
				valid.null(i)
				from = past
			}
		}
		for j := from; j < past; j++ {
			rows = append(rows, int32(j))
		}
		if width >= 0 && !valid.get(i) {
			for range width {
				rows = append(rows, -1)
			}
		}
		ends[i+1] = int32(len(rows))
	}
	elem, _ := elemOf(to)
	taken, err := Take(mem, list.ListValues(), rows)
	if err != nil {
		valid.release()
		return nil, err
	}
	defer taken.Release()
	values, err := Cast(mem, taken, elem, try)
	if err != nil {
		valid.release()
		return nil, err
	}
	defer values.Release()
	return newList(mem, to, valid, ends, values), nil
}

// newList builds a list or vector column, takes over valid and borrows values.
func newList(mem memory.Allocator, t arrow.DataType, valid validity, ends []int32, values arrow.Array) arrow.Array {
	if valid.nulls == 0 {
		valid.release()
	}
	buffers := []*memory.Buffer{valid.buf}
	if t.ID() == arrow.LIST {
		off, out := fixed[int32](mem, len(ends))
		copy(out, ends)
		buffers = append(buffers, off)
	}
	return newArray(t, valid.n, valid.nulls, buffers, values)
}

func castStruct(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	s, t := a.(*array.Struct), to.(*arrow.StructType)
	fields := make([]arrow.Array, s.NumField())
	defer func() { releaseAll(fields) }()
	for i := range fields {
		f, err := StructField(mem, s, i)
		if err != nil {
			return nil, err
		}
		fields[i], err = Cast(mem, f, t.Field(i).Type, try)
		f.Release()
		if err != nil {
			return nil, err
		}
	}
	valid := strict(mem, a.Len(), Column(a))
	if valid.nulls == 0 {
		valid.release()
	}
	return newArray(to, a.Len(), valid.nulls, []*memory.Buffer{valid.buf}, fields...), nil
}

// StructField returns field i of a struct column, NULL where the struct is
// NULL. Without such rows it shares the memory of the struct.
func StructField(mem memory.Allocator, s *array.Struct, i int) (arrow.Array, error) {
	f := s.Field(i)
	if s.NullN() == 0 {
		f.Retain()
		return f, nil
	}
	valid := columnar.Validity(s)
	rows := make([]int32, s.Len())
	for r := range rows {
		rows[r] = int32(r)
		if !valid.Get(r) {
			rows[r] = -1
		}
	}
	return Take(mem, f, rows)
}

// textToList reads values separated by blanks or commas, in brackets or not.
// With try one element that cannot be read makes the list NULL.
func textToList(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	s := columnar.StringsOf(a)
	n := a.Len()
	valid := strict(mem, n, Column(a))
	defer valid.release()
	ends := make([]int32, n+1)
	var pieces []string
	for i := range n {
		if valid.get(i) {
			from := len(pieces)
			var ok bool
			if pieces, ok = splitList(pieces, s.String(i)); !ok {
				pieces = pieces[:from]
				if !try {
					return nil, notRead(s.String(i), to)
				}
				valid.null(i)
			}
		}
		ends[i+1] = int32(len(pieces))
	}
	texts := newText(mem, len(pieces), 8*len(pieces))
	for k, piece := range pieces {
		texts.put(k, append(texts.tail(), piece...))
	}
	text, err := texts.finish(textType, noNulls(mem, len(pieces)))
	if err != nil {
		return nil, err
	}
	defer text.Release()
	elem, _ := elemOf(to)
	values, err := Cast(mem, text, elem, try)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	for i := range n {
		for k := ends[i]; k < ends[i+1]; k++ {
			if values.IsNull(int(k)) {
				valid.null(i)
			}
		}
	}
	kept := valid
	valid.buf = nil
	list := newList(mem, arrow.ListOf(elem), kept, ends, values)
	defer list.Release()
	return Cast(mem, list, to, try)
}

// listBody is s without blanks and brackets around it.
func listBody(s string) string {
	s = trimBlanks(s)
	if len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s = trimBlanks(s[1 : len(s)-1])
	}
	return s
}

// nextPiece cuts the first piece off s, which is not empty, at a blank or a
// comma; ok is false where a piece is missing.
func nextPiece(s string) (piece, rest string, ok bool) {
	end := 0
	for end < len(s) && s[end] != ',' && !isBlank(s[end]) {
		end++
	}
	rest = trimBlanks(s[end:])
	if len(rest) > 0 && rest[0] == ',' {
		if rest = trimBlanks(rest[1:]); rest == "" {
			return "", "", false
		}
	}
	return s[:end], rest, end > 0
}

// splitList appends the pieces of s between blanks and commas to dst.
func splitList(dst []string, s string) ([]string, bool) {
	for rest := listBody(s); rest != ""; {
		piece, next, ok := nextPiece(rest)
		if !ok {
			return dst, false
		}
		dst, rest = append(dst, piece), next
	}
	return dst, true
}

// parseNumbers appends the numbers of a dense vector text to dst.
func parseNumbers(dst []float64, s string) ([]float64, bool) {
	for rest := listBody(s); rest != ""; {
		piece, next, ok := nextPiece(rest)
		v, number := parseFloat(piece, 64)
		if !ok || !number {
			return dst, false
		}
		dst, rest = append(dst, v), next
	}
	return dst, true
}
