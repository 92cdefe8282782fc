package wire

import (
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// maxNesting bounds the recursion of Validate.
const maxNesting = 64

// Validate checks that kernels may trust rec: columns as long as the batch and
// of the types of the schema, buffers as long as their columns need, offsets
// ascending and inside the data, null counts that agree with the bitmaps,
// dictionary indices, union types and views in range, text in UTF-8. It reads
// every offset and every byte of text once: about 1 GB/s. The error names the
// column and wraps [ErrMalformed].
func Validate(rec arrow.Record) error { return validateRecord(rec, nil) }

// validateRecord is Validate with the dictionaries of the columns that were
// found valid before, which it adds to: the batches of a stream share them, and
// a large one must not be read again for every small batch.
func validateRecord(rec arrow.Record, valid []arrow.ArrayData) error {
	schema := rec.Schema()
	if int(rec.NumCols()) != schema.NumFields() {
		return fmt.Errorf("%w: %d columns for %d fields", ErrMalformed, rec.NumCols(), schema.NumFields())
	}
	for i, f := range schema.Fields() {
		c := rec.Column(i)
		dict, coded := c.(*array.Dictionary)
		known := coded && valid != nil && valid[i] == dict.Data().Dictionary()
		err := column(c, f, rec.NumRows(), known)
		if err == nil && coded && valid != nil {
			valid[i] = dict.Data().Dictionary()
		}
		if err != nil {
			return fmt.Errorf("%w: column %q: %w", ErrMalformed, f.Name, err)
		}
	}
	return nil
}

func column(c arrow.Array, f arrow.Field, rows int64, knownDict bool) error {
	if int64(c.Len()) != rows {
		return fmt.Errorf("%d rows in a batch of %d", c.Len(), rows)
	}
	if !arrow.TypeEqual(c.DataType(), f.Type) {
		return fmt.Errorf("type %s where the schema says %s", c.DataType(), f.Type)
	}
	var err error
	if t, ok := c.DataType().(*arrow.DictionaryType); ok && knownDict {
		err = errors.Join(validity(c.Data()), indices(c.Data(), t))
	} else {
		err = validate(c.Data(), maxNesting)
	}
	if err != nil {
		return err
	}
	if !f.Nullable && c.NullN() > 0 && c.DataType().ID() != arrow.NULL {
		return fmt.Errorf("%d nulls in a column that is NOT NULL", c.NullN())
	}
	return nil
}

// validate checks one array and everything below it.
func validate(d arrow.ArrayData, depth int) error {
	if depth == 0 {
		return fmt.Errorf("nested too deep")
	}
	if d.Len() < 0 || d.Offset() < 0 || d.Offset() >= 1<<31 || d.Len() >= 1<<31 {
		return fmt.Errorf("length %d at offset %d", d.Len(), d.Offset())
	}
	if err := validity(d); err != nil {
		return err
	}
	switch t := d.DataType().(type) {
	case arrow.ExtensionType:
		return storage(d, t, depth)
	case *arrow.NullType:
		return nil
	case *arrow.BooleanType:
		return atLeast(d, 1, (end(d)+7)/8)
	case *arrow.StringType:
		return text[int32](d, true)
	case *arrow.BinaryType:
		return text[int32](d, false)
	case *arrow.LargeStringType:
		return text[int64](d, true)
	case *arrow.LargeBinaryType:
		return text[int64](d, false)
	case *arrow.StringViewType, *arrow.BinaryViewType:
		return views(d)
	case *arrow.DictionaryType:
		return dictionary(d, t, depth)
	case *arrow.ListType, *arrow.MapType:
		return list[int32](d, depth)
	case *arrow.LargeListType:
		return list[int64](d, depth)
	case *arrow.ListViewType:
		return listView[int32](d, depth)
	case *arrow.LargeListViewType:
		return listView[int64](d, depth)
	case *arrow.FixedSizeListType:
		return children(d, depth, end(d)*int(t.Len()))
	case *arrow.StructType:
		return children(d, depth, end(d))
	case arrow.UnionType:
		return union(d, t, depth)
	case *arrow.RunEndEncodedType:
		return runs(d, t, depth)
	case arrow.FixedWidthDataType:
		return atLeast(d, 1, end(d)*(t.BitWidth()/8))
	default:
		return fmt.Errorf("type %s is not supported", t)
	}
}

// end is the number of slots the buffers of d must have.
func end(d arrow.ArrayData) int { return d.Offset() + d.Len() }

func buffer(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers(); i < len(b) && b[i] != nil {
		return b[i].Bytes()
	}
	return nil
}

func atLeast(d arrow.ArrayData, i, n int) error {
	if got := len(buffer(d, i)); got < n && d.Len() > 0 {
		return fmt.Errorf("buffer of %d bytes, want %d", got, n)
	}
	return nil
}

func validity(d arrow.ArrayData) error {
	if len(d.Buffers()) == 0 || d.NullN() == 0 {
		return nil
	}
	switch d.DataType().ID() {
	case arrow.NULL, arrow.DENSE_UNION, arrow.SPARSE_UNION, arrow.RUN_END_ENCODED:
		return nil
	}
	b := buffer(d, 0)
	if b == nil {
		if d.NullN() > 0 {
			return fmt.Errorf("%d nulls without a bitmap", d.NullN())
		}
		return nil
	}
	if len(b) < (end(d)+7)/8 {
		return fmt.Errorf("validity bitmap of %d bytes for %d rows", len(b), end(d))
	}
	valid := columnar.Bitmap{Bits: b, Offset: d.Offset(), N: d.Len()}
	if nulls := d.Len() - valid.Count(); d.NullN() >= 0 && nulls != d.NullN() {
		return fmt.Errorf("%d nulls where the header says %d", nulls, d.NullN())
	}
	return nil
}

// valid is the validity of d after validity has passed.
func valid(d arrow.ArrayData) columnar.Bitmap {
	if d.NullN() == 0 || buffer(d, 0) == nil {
		return columnar.Bitmap{N: d.Len()}
	}
	return columnar.Bitmap{Bits: buffer(d, 0), Offset: d.Offset(), N: d.Len()}
}

type offset interface{ ~int32 | ~int64 }

// offsets checks the n+1 offsets in buffer 1 against limit and returns them.
func offsets[T offset](d arrow.ArrayData, limit int) ([]T, error) {
	all := columnar.AsValues[T](buffer(d, 1))
	if d.Len() == 0 && len(all) < end(d)+1 {
		return nil, nil
	}
	if len(all) < end(d)+1 {
		return nil, fmt.Errorf("%d offsets for %d rows", len(all), end(d))
	}
	off := all[d.Offset() : end(d)+1]
	last, bad := off[0], T(0)
	for _, o := range off {
		bad |= o - last
		last = o
	}
	// The differences of offsets in [0, limit] cannot wrap, so a descent shows
	// in the sign of their union.
	if off[0] < 0 || bad < 0 || int64(last) > int64(limit) {
		return nil, fmt.Errorf("offsets are not ascending inside the %d of their data", limit)
	}
	return off, nil
}

// text checks a column of strings or bytes.
func text[T offset](d arrow.ArrayData, utf bool) error {
	data := buffer(d, 2)
	off, err := offsets[T](d, len(data))
	if err != nil || !utf || len(off) == 0 {
		return err
	}
	data = data[:off[len(off)-1]]
	if simd.ValidUTF8(data[off[0]:]) && wholeRunes(data, off) {
		return nil
	}
	ok := valid(d)
	for i := range d.Len() {
		if ok.Get(i) && !utf8.Valid(data[off[i]:off[i+1]]) {
			return fmt.Errorf("row %d is not UTF-8", i)
		}
	}
	return nil
}

// wholeRunes reports whether no offset points into the middle of a character.
func wholeRunes[T offset](data []byte, off []T) bool {
	for _, o := range off {
		if int(o) < len(data) && data[o]&0xC0 == 0x80 {
			return false
		}
	}
	return true
}

// dictionary checks the values, then the indices.
func dictionary(d arrow.ArrayData, t *arrow.DictionaryType, depth int) error {
	values := d.Dictionary()
	if values == nil {
		return fmt.Errorf("dictionary is missing")
	}
	if err := validate(values, depth-1); err != nil {
		return fmt.Errorf("dictionary: %w", err)
	}
	return indices(d, t)
}

// indices checks that those of d lie in its dictionary.
func indices(d arrow.ArrayData, t *arrow.DictionaryType) error {
	width := t.IndexType.(arrow.FixedWidthDataType).BitWidth() / 8
	if err := atLeast(d, 1, end(d)*width); err != nil {
		return err
	}
	if d.Len() == 0 {
		return nil
	}
	raw, ok, n := buffer(d, 1)[d.Offset()*width:end(d)*width], valid(d), uint64(d.Dictionary().Len())
	inside := true
	switch t.IndexType.ID() {
	case arrow.INT8, arrow.UINT8:
		inside = below(columnar.AsValues[uint8](raw), ok, min(n, signedMax(t, 8)))
	case arrow.INT16, arrow.UINT16:
		inside = below(columnar.AsValues[uint16](raw), ok, min(n, signedMax(t, 16)))
	case arrow.INT32, arrow.UINT32:
		inside = below(columnar.AsValues[uint32](raw), ok, min(n, signedMax(t, 32)))
	default:
		inside = below(columnar.AsValues[uint64](raw), ok, n)
	}
	if !inside {
		return fmt.Errorf("an index is outside the dictionary of %d values", n)
	}
	return nil
}

// signedMax is the number of indices a type of the given width can express.
func signedMax(t *arrow.DictionaryType, width int) uint64 {
	if arrow.IsUnsignedInteger(t.IndexType.ID()) {
		return 1 << width
	}
	return 1 << (width - 1)
}

// below reports whether every valid value is less than n.
func below[T uint8 | uint16 | uint32 | uint64](v []T, valid columnar.Bitmap, n uint64) bool {
	top := T(0)
	for _, x := range v {
		top = max(top, x)
	}
	if uint64(top) < n || len(v) == 0 {
		return true
	}
	for w := range valid.Words() {
		for x := valid.Word(w); x != 0; x &= x - 1 {
			if uint64(v[64*w+bits.TrailingZeros64(x)]) >= n {
				return false
			}
		}
	}
	return true
}
