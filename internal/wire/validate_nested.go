package wire

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// children checks every child of d, which must have at least n slots each.
func children(d arrow.ArrayData, depth, n int) error {
	for i, c := range d.Children() {
		if c == nil {
			return fmt.Errorf("child %d is missing", i)
		}
		if c.Len() < n {
			return fmt.Errorf("child %d has %d rows, want %d", i, c.Len(), n)
		}
		if err := validate(c, depth-1); err != nil {
			return fmt.Errorf("child %d: %w", i, err)
		}
	}
	return nil
}

func only(d arrow.ArrayData) (arrow.ArrayData, error) {
	if k := d.Children(); len(k) == 1 && k[0] != nil {
		return k[0], nil
	}
	return nil, fmt.Errorf("list without values")
}

func list[T offset](d arrow.ArrayData, depth int) error {
	kid, err := only(d)
	if err != nil {
		return err
	}
	if _, err := offsets[T](d, kid.Len()); err != nil {
		return err
	}
	return validate(kid, depth-1)
}

func listView[T offset](d arrow.ArrayData, depth int) error {
	kid, err := only(d)
	if err != nil {
		return err
	}
	off, size := columnar.AsValues[T](buffer(d, 1)), columnar.AsValues[T](buffer(d, 2))
	if len(off) < end(d) || len(size) < end(d) {
		return fmt.Errorf("%d offsets and %d sizes for %d rows", len(off), len(size), end(d))
	}
	for i := d.Offset(); i < end(d); i++ {
		if off[i] < 0 || size[i] < 0 || int64(off[i]) > int64(kid.Len())-int64(size[i]) {
			return fmt.Errorf("row %d is outside the %d values", i-d.Offset(), kid.Len())
		}
	}
	return validate(kid, depth-1)
}

// views checks columns of string views: 16 bytes per row, the length first,
// then 12 bytes of a short value, or a prefix, a buffer number and an offset.
func views(d arrow.ArrayData) error {
	if err := atLeast(d, 1, 16*end(d)); err != nil {
		return err
	}
	utf, ok := d.DataType().ID() == arrow.STRING_VIEW, valid(d)
	for i := range d.Len() {
		if !ok.Get(i) {
			continue
		}
		v := buffer(d, 1)[16*(d.Offset()+i):][:16]
		n := int64(int32(binary.LittleEndian.Uint32(v)))
		var value []byte
		switch {
		case n < 0:
			return fmt.Errorf("row %d has a negative length", i)
		case n <= 12:
			value = v[4 : 4+n]
		default:
			index, at := int64(binary.LittleEndian.Uint32(v[8:])), int64(binary.LittleEndian.Uint32(v[12:]))
			if index >= int64(len(d.Buffers())-2) {
				return fmt.Errorf("row %d names data buffer %d of %d", i, index, len(d.Buffers())-2)
			}
			data := buffer(d, int(index)+2)
			if at > int64(len(data))-n {
				return fmt.Errorf("row %d is outside its data buffer", i)
			}
			value = data[at : at+n]
		}
		if utf && !utf8.Valid(value) {
			return fmt.Errorf("row %d is not UTF-8", i)
		}
	}
	return nil
}

func union(d arrow.ArrayData, t arrow.UnionType, depth int) error {
	if err := atLeast(d, 1, end(d)); err != nil {
		return err
	}
	if len(d.Children()) != t.NumFields() {
		return fmt.Errorf("union of %d types with %d children", t.NumFields(), len(d.Children()))
	}
	dense := t.Mode() == arrow.DenseMode
	if !dense {
		if err := children(d, depth, end(d)); err != nil {
			return err
		}
	} else if err := children(d, depth, 0); err != nil {
		return err
	}
	if d.Len() == 0 {
		return nil
	}
	places := columnar.AsValues[int32](buffer(d, 2))
	if dense && len(places) < end(d) {
		return fmt.Errorf("%d offsets for %d rows", len(places), end(d))
	}
	ids := t.ChildIDs()
	for i := d.Offset(); i < end(d); i++ {
		code := int8(buffer(d, 1)[i])
		if code < 0 || int(code) >= len(ids) || ids[code] == arrow.InvalidUnionChildID {
			return fmt.Errorf("row %d has the unknown type %d", i-d.Offset(), code)
		}
		if kid := d.Children()[ids[code]]; dense && (places[i] < 0 || int(places[i]) >= kid.Len()) {
			return fmt.Errorf("row %d is outside its child", i-d.Offset())
		}
	}
	return nil
}

// runs checks a run-end encoded column: run ends ascend from 1 and the last
// one reaches the end.
func runs(d arrow.ArrayData, t *arrow.RunEndEncodedType, depth int) error {
	if len(d.Children()) != 2 {
		return fmt.Errorf("run-end encoding with %d children", len(d.Children()))
	}
	if err := children(d, depth, 0); err != nil {
		return err
	}
	ends, values := d.Children()[0], d.Children()[1]
	if ends.NullN() != 0 || ends.Len() > values.Len() {
		return fmt.Errorf("%d run ends for %d values", ends.Len(), values.Len())
	}
	a := array.MakeFromData(ends)
	defer a.Release()
	last := int64(0)
	for i := range a.Len() {
		var e int64
		switch a := a.(type) {
		case *array.Int16:
			e = int64(a.Value(i))
		case *array.Int32:
			e = int64(a.Value(i))
		case *array.Int64:
			e = a.Value(i)
		default:
			return fmt.Errorf("run ends of type %s", t.RunEnds())
		}
		if e <= last {
			return fmt.Errorf("run ends do not ascend")
		}
		last = e
	}
	if last < int64(end(d)) {
		return fmt.Errorf("runs cover %d of %d rows", last, end(d))
	}
	return nil
}

// storage checks an extension column as what it is stored as.
func storage(d arrow.ArrayData, t arrow.ExtensionType, depth int) error {
	s := array.NewData(t.StorageType(), d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
	defer s.Release()
	if dict, ok := d.Dictionary().(*array.Data); ok && dict != nil {
		s.SetDictionary(dict)
	}
	return validate(s, depth-1)
}
