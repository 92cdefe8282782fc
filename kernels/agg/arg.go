package agg

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindArgMin(f *Function, args []arrow.DataType) (*Spec, error) { return bindArg(f, args, false) }
func bindArgMax(f *Function, args []arrow.DataType) (*Spec, error) { return bindArg(f, args, true) }

func bindArg(f *Function, args []arrow.DataType, largest bool) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	if !encodable(args[0]) {
		return nil, f.refuse(args[0], "a number, a string, a time, or a list or struct of these")
	}
	by := Plain(args[1])
	if _, ok := appendOrdered(nil, by, nil, 0); !ok {
		return nil, f.refuse(args[1], "a second argument with an order")
	}
	out := Plain(args[0])
	return &Spec{
		Args: args, Out: out, Nullable: true, StateTypes: []arrow.DataType{out, by}, Merge: true,
		New: func(mem memory.Allocator) Accumulator {
			return &argExtreme{mem: mem, out: out, by: by, largest: largest, best: newStore(mem), rows: newStore(mem)}
		},
	}, nil
}

// argExtreme is arg_min(x, y) and arg_max(x, y): x of the row with the least or
// greatest y, the first of them if there are several. Rows where y is NULL are
// passed over; x may be NULL. State: x and y of that row.
type argExtreme struct {
	mem     memory.Allocator
	out, by arrow.DataType
	largest bool
	best    *store // y in a form whose bytes have its order
	rows    *store // x and y
	buf     []byte
}

// Update implements Accumulator.
func (e *argExtreme) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.best.grow(max(n, 1))
	e.rows.grow(max(n, 1))
	x, y := args[0], args[1]
	for i := range logicalValidity(y).Ones() {
		g := at(groups, i)
		e.buf, _ = appendOrdered(e.buf[:0], e.by, y, i)
		if best, ok := e.best.get(g); ok {
			c := bytes.Compare(e.buf, best)
			if c == 0 || (c > 0) != e.largest {
				continue
			}
		}
		e.best.set(g, e.buf)
		e.buf = appendValue(appendValue(e.buf[:0], x, i, false), y, i, false)
		e.rows.set(g, e.buf)
	}
	return nil
}

// Merge implements Accumulator: a state is a row.
func (e *argExtreme) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *argExtreme) State(groups []uint32) ([]arrow.Array, error) {
	e.rows.grow(need(groups))
	rows := e.rows.rows(all(groups, e.rows.len()))
	x, err := decodeValues(e.mem, e.out, rows)
	if err != nil {
		return nil, err
	}
	y, err := decodeValues(e.mem, e.by, rows)
	if err != nil {
		x.Release()
		return nil, err
	}
	return []arrow.Array{x, y}, nil
}

// Final implements Accumulator.
func (e *argExtreme) Final(groups []uint32) (arrow.Array, error) {
	e.rows.grow(need(groups))
	return decodeValues(e.mem, e.out, e.rows.rows(all(groups, e.rows.len())))
}

// Reset implements Accumulator.
func (e *argExtreme) Reset(groups []uint32) {
	e.best.reset(groups)
	e.rows.reset(groups)
}

// Bytes implements Accumulator.
func (e *argExtreme) Bytes() int64 { return e.best.bytes() + e.rows.bytes() }

// Release implements Accumulator.
func (e *argExtreme) Release() {
	e.best.release()
	e.rows.release()
}

// appendOrdered writes row i of a, of plain type t or a dictionary of it, so
// that the order of the bytes is the SQL order of the values. ok tells whether
// the type has such a form; a nil column asks just that.
func appendOrdered(dst []byte, t arrow.DataType, a arrow.Array, i int) (_ []byte, ok bool) {
	if d, is := a.(*array.Dictionary); is {
		return appendOrdered(dst, t, d.Dictionary(), d.GetValueIndex(i))
	}
	ask := a == nil
	word := func(x uint64) ([]byte, bool) { return binary.BigEndian.AppendUint64(dst, x), true }
	switch t.ID() {
	case arrow.BOOL:
		if !ask && a.(*array.Boolean).Value(i) {
			return append(dst, 1), true
		}
		return append(dst, 0), true
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		if ask {
			return dst, true
		}
		v := newByteValues(a)
		return append(dst, v.at(i)...), true
	case arrow.DECIMAL128:
		if ask {
			return dst, true
		}
		v := a.(*array.Decimal128).Value(i)
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.HighBits())^1<<63)
		return binary.BigEndian.AppendUint64(dst, v.LowBits()), true
	}
	var x uint64
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION,
		arrow.UINT8, arrow.UINT16, arrow.UINT32:
		if !ask {
			x = uint64(integerAt(a, i)) ^ 1<<63
		}
		return word(x)
	case arrow.UINT64:
		if !ask {
			x = columnar.Values[uint64](a)[i]
		}
		return word(x)
	case arrow.FLOAT32, arrow.FLOAT64:
		if !ask {
			x = orderedFloat(a, i)
		}
		return word(x)
	}
	return dst, false
}

// integerAt is row i of a column of integers, or of what integers stand for.
func integerAt(a arrow.Array, i int) int64 {
	switch fixedWidth(a.DataType()) {
	case 1:
		if a.DataType().ID() == arrow.UINT8 {
			return int64(columnar.Values[uint8](a)[i])
		}
		return int64(columnar.Values[int8](a)[i])
	case 2:
		if a.DataType().ID() == arrow.UINT16 {
			return int64(columnar.Values[uint16](a)[i])
		}
		return int64(columnar.Values[int16](a)[i])
	case 4:
		if a.DataType().ID() == arrow.UINT32 {
			return int64(columnar.Values[uint32](a)[i])
		}
		return int64(columnar.Values[int32](a)[i])
	}
	return columnar.Values[int64](a)[i]
}

// orderedFloat maps floats to integers in their order, with one zero and one
// NaN on top.
func orderedFloat(a arrow.Array, i int) uint64 {
	var f float64
	if a.DataType().ID() == arrow.FLOAT32 {
		f = float64(columnar.Values[float32](a)[i])
	} else {
		f = columnar.Values[float64](a)[i]
	}
	x := math.Float64bits(f + 0)
	switch {
	case f != f:
		return ^uint64(0)
	case x>>63 != 0:
		return ^x
	}
	return x | 1<<63
}
