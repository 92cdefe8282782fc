package wasm

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// input is the arguments of a call as columns of all rows.
type input struct {
	shapes  []shape
	columns []arrow.Array
	nulls   []columnar.Bitmap // validity of the columns
	texts   []columnar.Strings
	both    columnar.Bitmap // rows where none is NULL
}

// open makes columns of the arguments, constants among them.
func open(mem memory.Allocator, n int, shapes []shape, args []kernels.Datum) (*input, error) {
	in := &input{shapes: shapes, both: columnar.Bitmap{N: n}, texts: make([]columnar.Strings, len(args))}
	for i, d := range args {
		col := d.Array
		if d.Const {
			var err error
			if col, err = kernels.Repeat(mem, d.Array, n); err != nil {
				in.close()
				return nil, err
			}
		} else {
			col.Retain()
		}
		in.columns = append(in.columns, col)
		in.nulls = append(in.nulls, columnar.Validity(col))
		in.both = columnar.And(in.both, in.nulls[i])
		if shapes[i].kind == kindBytes {
			in.texts[i] = columnar.StringsOf(col)
		}
	}
	return in, nil
}

func (in *input) close() {
	for _, c := range in.columns {
		c.Release()
	}
}

// valid is the rows from lo to hi in which no argument is NULL.
func (in *input) valid(lo, hi int) columnar.Bitmap { return cut(in.both, lo, hi) }

func cut(b columnar.Bitmap, lo, hi int) columnar.Bitmap {
	if b.All() {
		return columnar.Bitmap{N: hi - lo}
	}
	return b.Slice(lo, hi)
}

// raw is the values of a column of a fixed width.
func (in *input) raw(k int) []byte {
	d, w := in.columns[k].Data(), in.shapes[k].width
	if d.Len() == 0 || d.Buffers()[1] == nil {
		return make([]byte, d.Len()*w) // all NULL
	}
	return d.Buffers()[1].Bytes()[d.Offset()*w:][:d.Len()*w]
}

// put writes the values of argument k as numbers, BOOLEAN as a byte.
func (in *input) put(k, lo, hi int, to []byte) {
	if in.shapes[k].kind == kindBits {
		clear(to)
		for i := range cut(columnar.Bools(in.columns[k]), lo, hi).Ones() {
			to[i] = 1
		}
		return
	}
	w := in.shapes[k].width
	copy(to, in.raw(k)[lo*w:hi*w])
}

// size is how many bytes argument k takes in the layout of Arrow: its values,
// offsets and validity, each on a multiple of 8.
func (in *input) size(k, lo, hi int) (values, offsets, valid int) {
	n := hi - lo
	if !in.nulls[k].All() {
		valid = bitBytes(n)
	}
	switch in.shapes[k].kind {
	case kindBits:
		values = bitBytes(n)
	case kindFixed:
		values = n * in.shapes[k].width
	default:
		for i := lo; i < hi; i++ {
			values += len(in.text(k, i))
		}
		offsets = 4 * (n + 1)
	}
	return values, offsets, valid
}

// text is row i of a column of text; where it is NULL, nothing.
func (in *input) text(k, i int) []byte {
	if !in.nulls[k].Get(i) {
		return nil
	}
	return in.texts[k].Bytes(i)
}

// lay writes argument k in the layout of Arrow.
func (in *input) lay(k, lo, hi int, values, offsets, valid []byte) {
	if len(valid) > 0 {
		putBits(valid, cut(in.nulls[k], lo, hi))
	}
	switch in.shapes[k].kind {
	case kindBits:
		putBits(values, cut(columnar.Bools(in.columns[k]), lo, hi))
	case kindFixed:
		in.put(k, lo, hi, values)
	default:
		at := 0
		for i := lo; i < hi; i++ {
			binary.LittleEndian.PutUint32(offsets[4*(i-lo):], uint32(at))
			at += copy(values[at:], in.text(k, i))
		}
		binary.LittleEndian.PutUint32(offsets[4*(hi-lo):], uint32(at))
	}
}

// bitBytes is the length of a bitmap of n bits, in bytes.
func bitBytes(n int) int { return (n + 7) / 8 }

// putBits writes a bitmap; bits past its end are clear.
func putBits(to []byte, b columnar.Bitmap) {
	clear(to)
	if b.All() {
		for i := range b.N {
			to[i/8] |= 1 << (i % 8)
		}
		return
	}
	for w := range b.Words() {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], b.Word(w))
		copy(to[8*w:], word[:])
	}
	if b.N%8 != 0 {
		to[len(to)-1] &= 1<<(b.N%8) - 1
	}
}
