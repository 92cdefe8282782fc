package agg

import (
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// cells are the states of groups as cells of type T, which is a row of int64 and
// float64 numbers, eight bytes each. It is the part of an accumulator that does
// not depend on what the numbers mean: a State has a column for each of them.
type cells[T any] struct {
	column[T]
	types []arrow.DataType // of the numbers of a cell
}

func newCells[T any](mem memory.Allocator, types []arrow.DataType) cells[T] {
	return cells[T]{column[T]{mem: mem}, types}
}

// cellSpec is an aggregate of so many arguments that are read as float64, with a
// float64 as its result and cells of an int64 and so many float64.
func cellSpec(args, floats int, create func(mem memory.Allocator, types []arrow.DataType) Accumulator) *Spec {
	f64 := arrow.PrimitiveTypes.Float64
	s := &Spec{Out: f64, Nullable: true, Merge: true, StateTypes: []arrow.DataType{arrow.PrimitiveTypes.Int64}}
	for range args {
		s.Args = append(s.Args, f64)
	}
	for range floats {
		s.StateTypes = append(s.StateTypes, f64)
	}
	s.New = func(mem memory.Allocator) Accumulator { return create(mem, s.StateTypes) }
	return s
}

// words are cells as rows of eight-byte words, one row after the other.
func words[T any](v []T) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(*new(T)))/8)
}

// read are the cells of a state.
func (c *cells[T]) read(state []arrow.Array) []T {
	out := make([]T, state[0].Len())
	rows := words(out)
	for k, col := range state {
		if c.types[k].ID() == arrow.INT64 {
			for i, x := range columnar.Values[int64](col) {
				rows[i*len(state)+k] = uint64(x)
			}
			continue
		}
		for i, x := range columnar.Values[float64](col) {
			rows[i*len(state)+k] = math.Float64bits(x)
		}
	}
	return out
}

// State implements Accumulator.
func (c *cells[T]) State(groups []uint32) ([]arrow.Array, error) {
	c.grow(need(groups))
	groups = all(groups, len(c.v))
	rows, out := words(c.v), make([]arrow.Array, len(c.types))
	for k, t := range c.types {
		col := newResult[uint64](c.mem, len(groups))
		for i, g := range groups {
			col.v[i] = rows[int(g)*len(out)+k]
		}
		out[k] = col.array(t)
	}
	return out, nil
}

// Reset implements Accumulator.
func (c *cells[T]) Reset(groups []uint32) { c.reset(groups) }

// Bytes implements Accumulator.
func (c *cells[T]) Bytes() int64 { return c.bytes() }

// Release implements Accumulator.
func (c *cells[T]) Release() { c.release() }
