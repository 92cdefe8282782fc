package mlkernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// validity is the bitmap of the rows that have a prediction, shared by the
// columns of an output; bits is nil if all have.
type validity struct {
	bits  *memory.Buffer
	nulls int
}

// validityOf is the validity for one flag per row. About 0.5 ns per row.
func validityOf(mem memory.Allocator, valid []bool) validity {
	nulls := 0
	for _, ok := range valid {
		nulls += 1 - int(oneIf(ok))
	}
	if nulls == 0 {
		return validity{}
	}
	words, buf := room[uint64](mem, (len(valid)+63)/64)
	for w := range words {
		x := uint64(0)
		for i, ok := range valid[64*w : min(64*w+64, len(valid))] {
			x |= oneIf(ok) << i
		}
		words[w] = x
	}
	return validity{buf, nulls}
}

func (v validity) release() {
	if v.bits != nil {
		v.bits.Release()
	}
}

// oneIf is 1 for true and 0 for false, without a branch.
func oneIf(ok bool) uint64 {
	var x uint64
	if ok {
		x = 1
	}
	return x
}

// room is a buffer of n values and the values, which hold anything.
func room[T columnar.Fixed](mem memory.Allocator, n int) ([]T, *memory.Buffer) {
	var zero [1]T
	buf := columnar.UnclearedBuffer(mem, n*len(columnar.AsBytes(zero[:])))
	return columnar.AsValues[T](buf.Bytes()), buf
}

// fixed is a column of n values of fixed width; it takes buf over.
func fixed(t arrow.DataType, n int, buf *memory.Buffer, v validity) arrow.Array {
	defer buf.Release()
	data := array.NewData(t, n, []*memory.Buffer{v.bits, buf}, nil, v.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// copied is a column with a copy of values.
func copied[T columnar.Fixed](mem memory.Allocator, t arrow.DataType, values []T, v validity) arrow.Array {
	out, buf := room[T](mem, len(values))
	copy(out, values)
	return fixed(t, len(values), buf, v)
}

// array is the column of the classes of rows; valid is nil if all have one.
// From row negativeFrom on the negative class of a binary label is -1.
func (l *labels) array(mem memory.Allocator, class []int32, valid []bool, v validity, negativeFrom int) arrow.Array {
	n := len(class)
	if l.form == labelText {
		return l.textArray(mem, class, valid, v)
	}
	split := 0 // rows before know a negative class of 0
	before, after := l.numbers, l.numbers
	if l.binary {
		split = min(negativeFrom, n)
		before, after = []float64{0, 1}, []float64{-1, 1}
	} else if len(after) == 0 {
		after = []float64{0} // of rows without a prediction
	}
	switch l.form {
	case labelFloat:
		out, buf := room[float64](mem, n)
		look(out[:split], before, class)
		look(out[split:], after, class[split:])
		return fixed(arrow.PrimitiveTypes.Float64, n, buf, v)
	case labelInt:
		out, buf := room[int64](mem, n)
		look(out[:split], before, class)
		look(out[split:], after, class[split:])
		return fixed(arrow.PrimitiveTypes.Int64, n, buf, v)
	}
	words, buf := room[uint64](mem, (n+63)/64)
	for w := range words {
		x := uint64(0)
		for i, k := range class[64*w : min(64*w+64, n)] {
			x |= oneIf(after[k] > 0) << i
		}
		words[w] = x
	}
	return fixed(arrow.FixedWidthTypes.Boolean, n, buf, v)
}

// look writes the values of classes.
func look[T int64 | float64](out []T, values []float64, class []int32) {
	class = class[:len(out)]
	if len(values) == 2 {
		both := [2]T{T(values[0]), T(values[1])}
		for i, k := range class {
			out[i] = both[k&1]
		}
		return
	}
	for i, k := range class {
		out[i] = T(values[k])
	}
}

// textArray is array for classes that are strings.
func (l *labels) textArray(mem memory.Allocator, class []int32, valid []bool, v validity) arrow.Array {
	offsets, starts := room[int32](mem, len(class)+1)
	defer starts.Release()
	at := int32(0)
	for i, k := range class {
		offsets[i] = at
		if valid == nil || valid[i] {
			at += int32(len(l.texts[k]))
		}
	}
	offsets[len(class)] = at
	data, text := room[uint8](mem, int(at))
	defer text.Release()
	for i, k := range class {
		if valid == nil || valid[i] {
			copy(data[offsets[i]:], l.texts[k])
		}
	}
	d := array.NewData(arrow.BinaryTypes.String, len(class), []*memory.Buffer{v.bits, starts, text}, nil, v.nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}
