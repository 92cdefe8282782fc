package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindFirst(f *Function, args []arrow.DataType) (*Spec, error) { return bindEnd(f, args, false) }
func bindLast(f *Function, args []arrow.DataType) (*Spec, error)  { return bindEnd(f, args, true) }

func bindEnd(f *Function, args []arrow.DataType, last bool) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if !encodable(args[0]) {
		return nil, f.refuse(args[0], "a number, a string, a time, or a list or struct of these")
	}
	out := Plain(args[0])
	return &Spec{
		Args: args, Out: out, Nullable: true, StateTypes: []arrow.DataType{out}, Merge: true,
		New: func(mem memory.Allocator) Accumulator {
			return &end{mem: mem, t: out, last: last, cells: newStore(mem), seen: column[uint32]{mem: mem}}
		},
	}, nil
}

// end is first and last: the first or last value in the order of the rows, of
// any type, NULLs passed over. State: the value.
type end struct {
	mem   memory.Allocator
	t     arrow.DataType
	last  bool
	cells *store
	seen  column[uint32] // last: the call in which the group had its last row
	call  uint32
	buf   []byte
}

// Update implements Accumulator. Only rows that change a value copy it.
func (e *end) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.cells.grow(max(n, 1))
	valid := logicalValidity(args[0])
	if args[0].DataType().ID() == arrow.NULL {
		return nil
	}
	if !e.last {
		for i := range valid.Ones() {
			if g := at(groups, i); !e.cells.has(g) {
				e.buf = appendValue(e.buf[:0], args[0], i, false)
				e.cells.set(g, e.buf)
			}
		}
		return nil
	}
	e.seen.grow(e.cells.len())
	e.call++
	if e.call == 0 {
		clear(e.seen.v)
		e.call = 1
	}
	e.lastRows(groups, args[0], valid)
	return nil
}

// lastRows goes backwards, so that each group is written once.
func (e *end) lastRows(groups []uint32, a arrow.Array, valid columnar.Bitmap) {
	for i := a.Len() - 1; i >= 0; i-- {
		g := at(groups, i)
		if e.seen.v[g] == e.call || !valid.Get(i) {
			continue
		}
		e.seen.v[g] = e.call
		e.buf = appendValue(e.buf[:0], a, i, false)
		e.cells.set(g, e.buf)
		if groups == nil {
			return
		}
	}
}

// Merge implements Accumulator: a state is a row with the value.
func (e *end) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *end) State(groups []uint32) ([]arrow.Array, error) {
	a, err := e.Final(groups)
	if err != nil {
		return nil, err
	}
	return []arrow.Array{a}, nil
}

// Final implements Accumulator.
func (e *end) Final(groups []uint32) (arrow.Array, error) {
	e.cells.grow(need(groups))
	return decodeValues(e.mem, e.t, e.cells.rows(all(groups, e.cells.len())))
}

// Reset implements Accumulator.
func (e *end) Reset(groups []uint32) { e.cells.reset(groups) }

// Bytes implements Accumulator.
func (e *end) Bytes() int64 { return e.cells.bytes() + e.seen.bytes() }

// Release implements Accumulator.
func (e *end) Release() {
	e.cells.release()
	e.seen.release()
}
