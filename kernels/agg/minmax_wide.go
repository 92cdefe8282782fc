package agg

import (
	"bytes"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// extremeBool is min and max of booleans, and bool_and and bool_or: false is
// less than true. State: the value.
type extremeBool struct {
	mem     memory.Allocator
	largest bool
	cells   column[cell[uint8]]
}

// Update implements Accumulator.
func (e *extremeBool) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.cells.grow(max(n, 1))
	valid, vals := columnar.Validity(args[0]), columnar.Bools(args[0])
	for i := range valid.Ones() {
		c, v := &e.cells.v[at(groups, i)], uint8(0)
		if vals.Get(i) {
			v = 1
		}
		if !c.ok || (v > c.v) == e.largest {
			c.v, c.ok = v, true
		}
	}
	return nil
}

// Merge implements Accumulator.
func (e *extremeBool) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *extremeBool) State(groups []uint32) ([]arrow.Array, error) {
	a, err := e.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (e *extremeBool) Final(groups []uint32) (arrow.Array, error) {
	e.cells.grow(need(groups))
	groups = all(groups, len(e.cells.v))
	vals := make([]uint8, len(groups))
	for i, g := range groups {
		vals[i] = 2
		if c := e.cells.v[g]; c.ok {
			vals[i] = c.v
		}
	}
	return boolArray(e.mem, vals), nil
}

// Reset implements Accumulator.
func (e *extremeBool) Reset(groups []uint32) { e.cells.reset(groups) }

// Bytes implements Accumulator.
func (e *extremeBool) Bytes() int64 { return e.cells.bytes() }

// Release implements Accumulator.
func (e *extremeBool) Release() { e.cells.release() }

// wide is a decimal128, low word first.
type wide struct {
	low  uint64
	high int64
}

func (w wide) less(x wide) bool { return w.high < x.high || w.high == x.high && w.low < x.low }

// extremeDecimal is min and max of decimals of one scale. State: the value.
type extremeDecimal struct {
	mem     memory.Allocator
	t       arrow.DataType
	largest bool
	cells   column[cell[wide]]
}

// Update implements Accumulator.
func (e *extremeDecimal) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.cells.grow(max(n, 1))
	if args[0].Len() == 0 {
		return nil
	}
	words := columnar.AsValues[uint64](args[0].Data().Buffers()[1].Bytes())[2*args[0].Data().Offset():]
	for i := range columnar.Validity(args[0]).Ones() {
		c, v := &e.cells.v[at(groups, i)], wide{low: words[2*i], high: int64(words[2*i+1])}
		if !c.ok || e.largest && c.v.less(v) || !e.largest && v.less(c.v) {
			c.v, c.ok = v, true
		}
	}
	return nil
}

// Merge implements Accumulator.
func (e *extremeDecimal) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *extremeDecimal) State(groups []uint32) ([]arrow.Array, error) {
	a, err := e.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (e *extremeDecimal) Final(groups []uint32) (arrow.Array, error) {
	e.cells.grow(need(groups))
	groups = all(groups, len(e.cells.v))
	out := newResult[wide](e.mem, len(groups))
	for i, g := range groups {
		if c := e.cells.v[g]; c.ok {
			out.v[i] = c.v
		} else {
			out.null(i)
		}
	}
	return out.array(e.t), nil
}

// Reset implements Accumulator.
func (e *extremeDecimal) Reset(groups []uint32) { e.cells.reset(groups) }

// Bytes implements Accumulator.
func (e *extremeDecimal) Bytes() int64 { return e.cells.bytes() }

// Release implements Accumulator.
func (e *extremeDecimal) Release() { e.cells.release() }

// extremeBytes is min and max of strings and binary values, compared by bytes.
// State: the value.
type extremeBytes struct {
	mem     memory.Allocator
	t       arrow.DataType
	largest bool
	cells   *store
}

// Update implements Accumulator.
func (e *extremeBytes) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.cells.grow(max(n, 1))
	vals := newByteValues(args[0])
	for i := range vals.valid.Ones() {
		g, v := at(groups, i), vals.at(i)
		best, ok := e.cells.get(g)
		if ok {
			c := bytes.Compare(v, best)
			if e.largest && c <= 0 || !e.largest && c >= 0 {
				continue
			}
		}
		e.cells.set(g, v)
	}
	return nil
}

// Merge implements Accumulator.
func (e *extremeBytes) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *extremeBytes) State(groups []uint32) ([]arrow.Array, error) {
	a, err := e.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (e *extremeBytes) Final(groups []uint32) (arrow.Array, error) {
	e.cells.grow(need(groups))
	return byteArray(e.mem, e.t, e.cells, all(groups, e.cells.len()))
}

// Reset implements Accumulator.
func (e *extremeBytes) Reset(groups []uint32) { e.cells.reset(groups) }

// Bytes implements Accumulator.
func (e *extremeBytes) Bytes() int64 { return e.cells.bytes() }

// Release implements Accumulator.
func (e *extremeBytes) Release() { e.cells.release() }
