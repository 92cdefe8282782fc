package kernels

import (
	"fmt"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

const (
	hashSeed = 0x9e3779b97f4a7c15
	hashNull = 0x6a09e667f3bcc909 // what a null stands for
	hashRows = 512                // of a block: its digests stay in the first-level cache
)

// Hash stores one hash per row over all columns in out, which has as many
// elements as the columns have rows. Rows that are equal in the sense of GROUP
// BY have equal hashes on every machine: nulls are equal to each other, so are
// NaNs, -0 and +0, a string and the dictionary entry it stands for, and equal
// integers or floats of different width. Columns of views, unions and run-end
// encoding are an error.
//
// Cost per column and row: 0.3 ns for 8 bytes, 2.5 ns for short strings.
func Hash(cols []arrow.Array, out []uint64) error {
	if len(cols) == 0 {
		for i := range out {
			out[i] = hashSeed
		}
	}
	for c, a := range cols {
		if a.Len() != len(out) {
			return fmt.Errorf("kernels: hash: a column of %d rows and room for %d", a.Len(), len(out))
		}
		d, err := newDigester(a)
		if err != nil {
			return err
		}
		var buf [hashRows]uint64
		for lo := 0; lo < len(out); lo += hashRows {
			part := out[lo:min(lo+hashRows, len(out))]
			block := d.block(buf[:len(part)], lo)
			if c == 0 {
				simd.Hash(part, block, hashSeed)
			} else {
				simd.HashWith(part, block)
			}
		}
	}
	return nil
}

// digester turns the values of one column into 64-bit digests: the value
// itself where it fits, else a hash of it.
type digester struct {
	a     arrow.Array
	valid columnar.Bitmap
	codes []int32          // dictionary: code per row
	table []uint64         // dictionary: digest per entry
	words []uint64         // digest per row, of nested columns and values of 8 bytes
	text  columnar.Strings // strings
	id    arrow.Type       // of a, or of its storage
}

func newDigester(a arrow.Array) (*digester, error) {
	if x, ok := a.(array.ExtensionArray); ok {
		return newDigester(x.Storage())
	}
	d := &digester{a: a, valid: columnar.Validity(a), id: a.DataType().ID()}
	kind, width := layoutOf(a.DataType())
	switch {
	case kind == layoutFixed && width == 8 && d.id != arrow.FLOAT64 && d.id != arrow.FIXED_SIZE_BINARY:
		d.words = columnar.Values[uint64](a)
	case kind == layoutNull, kind == layoutBool, kind == layoutFixed && width > 0:
	case kind == layoutBytes, kind == layoutLargeBytes:
		d.text = columnar.StringsOf(a)
	case kind == layoutDictionary:
		codes, values, _ := columnar.Dictionary(a)
		if k, _ := layoutOf(values.DataType()); k == layoutBytes && values.Len() > a.Len() && values.NullN() == 0 {
			d.codes, d.text, d.id = codes, columnar.StringsOf(values), arrow.STRING
			return d, nil
		}
		entries, err := newDigester(values)
		if err != nil {
			return nil, err
		}
		d.codes, d.table = codes, make([]uint64, max(values.Len(), 1))
		entries.digest(d.table[:values.Len()], 0)
	case kind == layoutList, kind == layoutLargeList, kind == layoutFixedList:
		return d, d.digestLists(a.(array.ListLike))
	case kind == layoutStruct:
		return d, d.digestStructs(a.(*array.Struct))
	default:
		return nil, errorf(CodeTypes, "cannot hash a column of type %s", SQLName(a.DataType()))
	}
	return d, nil
}

// digestLists fills the words with one digest per row: the elements folded in
// order, and their number.
func (d *digester) digestLists(a array.ListLike) error {
	child := a.ListValues()
	elems, err := newDigester(child)
	if err != nil {
		return err
	}
	each := make([]uint64, child.Len())
	elems.digest(each, 0)
	d.words = make([]uint64, a.Len())
	for i := range d.words {
		if !d.valid.Get(i) {
			continue
		}
		lo, hi := a.ValueOffsets(i)
		h := simd.Mix(uint64(hi-lo) + hashSeed)
		for _, x := range each[lo:hi] {
			h = simd.Mix(h ^ x)
		}
		d.words[i] = h
	}
	return nil
}

// digestStructs fills the words with one digest per row, the hash over the
// fields.
func (d *digester) digestStructs(a *array.Struct) error {
	fields := make([]arrow.Array, a.NumField())
	for i := range fields {
		fields[i] = a.Field(i)
	}
	d.words = make([]uint64, a.Len())
	return Hash(fields, d.words)
}

// block is the digests of the rows from lo on, as many as buf has room for: in
// buf, or where they stand if nothing has to be done to them.
func (d *digester) block(buf []uint64, lo int) []uint64 {
	if d.words != nil && d.valid.All() {
		return d.words[lo : lo+len(buf)]
	}
	d.digest(buf, lo)
	return buf
}

// digest stores the digests of the rows from lo on in out.
func (d *digester) digest(out []uint64, lo int) {
	if len(out) == 0 {
		return
	}
	switch {
	case d.table != nil:
		for i, c := range d.codes[lo : lo+len(out)] {
			out[i] = d.table[c]
		}
	case d.words != nil:
		copy(out, d.words[lo:])
	default:
		d.digestFlat(out, lo)
	}
	if d.valid.All() {
		return
	}
	valid := d.valid.Slice(lo, lo+len(out))
	for w := range valid.Words() {
		for x := ^valid.Word(w) & lowBits(valid.N-64*w); x != 0; x &= x - 1 {
			out[64*w+bits.TrailingZeros64(x)] = hashNull
		}
	}
}

func (d *digester) digestFlat(out []uint64, lo int) {
	a := d.a
	switch d.id {
	case arrow.NULL:
	case arrow.BOOL:
		b := columnar.Bools(a)
		for i := range out {
			out[i] = uint64(simd.Bit(b.Get(lo + i)))
		}
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		if d.codes != nil { // a dictionary longer than the column: only the entries in use
			for i, c := range d.codes[lo : lo+len(out)] {
				out[i] = xxh3.Hash(d.text.Bytes(int(c)))
			}
			return
		}
		data := a.Data().Buffers()[2]
		switch {
		case data == nil: // all are empty
			for i := range out {
				out[i] = xxh3.Hash(nil)
			}
		case d.id == arrow.STRING || d.id == arrow.BINARY:
			hashTexts(out, offsets[int32](a)[lo:], data.Bytes())
		default:
			hashTexts(out, offsets[int64](a)[lo:], data.Bytes())
		}
	case arrow.FLOAT32:
		digestFloat32s(out, columnar.Values[float32](a)[lo:])
	case arrow.FLOAT64:
		simd.FloatKeys(out, columnar.Values[float64](a)[lo:lo+len(out)])
	case arrow.INT8:
		digestInts(out, columnar.Values[int8](a)[lo:])
	case arrow.UINT8:
		digestInts(out, columnar.Values[uint8](a)[lo:])
	case arrow.INT16:
		digestInts(out, columnar.Values[int16](a)[lo:])
	case arrow.UINT16:
		digestInts(out, columnar.Values[uint16](a)[lo:])
	case arrow.UINT32:
		digestInts(out, columnar.Values[uint32](a)[lo:])
	default:
		_, width := layoutOf(a.DataType())
		switch {
		case width == 4 && d.id != arrow.FIXED_SIZE_BINARY:
			digestInts(out, columnar.Values[int32](a)[lo:])
		default:
			raw := a.Data().Buffers()[1].Bytes()[(a.Data().Offset()+lo)*width:]
			for i := range out {
				out[i] = xxh3.Hash(raw[i*width : (i+1)*width])
			}
		}
	}
}

// digestInts widens to 64 bits, keeping the sign.
func digestInts[T int8 | uint8 | int16 | uint16 | int32 | uint32](out []uint64, vals []T) {
	vals = vals[:len(out)]
	for i := range out {
		out[i] = uint64(int64(vals[i]))
	}
}

// digestFloat32s takes the bits of the float64, with one NaN and one zero.
func digestFloat32s(out []uint64, vals []float32) {
	var wide [hashRows]float64
	for len(out) > 0 {
		n := min(len(out), len(wide))
		for i, v := range vals[:n] {
			wide[i] = float64(v)
		}
		simd.FloatKeys(out[:n], wide[:n])
		out, vals = out[n:], vals[n:]
	}
}
