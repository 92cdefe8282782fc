package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func bindMin(f *Function, args []arrow.DataType) (*Spec, error) { return bindExtreme(f, args, false) }

func bindMax(f *Function, args []arrow.DataType) (*Spec, error) { return bindExtreme(f, args, true) }

// bindExtreme types min and max: any type with an order, result of the same
// type, with dictionaries resolved.
func bindExtreme(f *Function, args []arrow.DataType, largest bool) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	out := Plain(args[0])
	spec := &Spec{
		Args: args, Out: out, Nullable: true, StateTypes: []arrow.DataType{out}, Merge: true, OrderFree: true,
		retract: func() (*Spec, error) { return rankedSpec(args, out, largest) },
	}
	switch out.ID() {
	case arrow.BOOL:
		spec.New = func(mem memory.Allocator) Accumulator {
			return &extremeBool{mem: mem, largest: largest, cells: column[cell[uint8]]{mem: mem}}
		}
	case arrow.DECIMAL128:
		spec.New = func(mem memory.Allocator) Accumulator {
			return &extremeDecimal{mem: mem, t: out, largest: largest, cells: column[cell[wide]]{mem: mem}}
		}
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY:
		spec.New = func(mem memory.Allocator) Accumulator {
			return &extremeBytes{mem: mem, t: out, largest: largest, cells: newStore(mem)}
		}
	case arrow.INT8:
		spec.New, spec.Slide = newExtreme[int8](out, largest), slideExtreme[int8](out, largest)
	case arrow.INT16:
		spec.New, spec.Slide = newExtreme[int16](out, largest), slideExtreme[int16](out, largest)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		spec.New, spec.Slide = newExtreme[int32](out, largest), slideExtreme[int32](out, largest)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		spec.New, spec.Slide = newExtreme[int64](out, largest), slideExtreme[int64](out, largest)
	case arrow.UINT8:
		spec.New, spec.Slide = newExtreme[uint8](out, largest), slideExtreme[uint8](out, largest)
	case arrow.UINT16:
		spec.New, spec.Slide = newExtreme[uint16](out, largest), slideExtreme[uint16](out, largest)
	case arrow.UINT32:
		spec.New, spec.Slide = newExtreme[uint32](out, largest), slideExtreme[uint32](out, largest)
	case arrow.UINT64:
		spec.New, spec.Slide = newExtreme[uint64](out, largest), slideExtreme[uint64](out, largest)
	case arrow.FLOAT32:
		spec.New, spec.Slide = newExtreme[float32](out, largest), slideExtreme[float32](out, largest)
	case arrow.FLOAT64:
		spec.New, spec.Slide = newExtreme[float64](out, largest), slideExtreme[float64](out, largest)
	default:
		return nil, f.refuse(args[0], "a type with an order")
	}
	return spec, nil
}

// cell is a value that may be missing.
type cell[T any] struct {
	v  T
	ok bool
}

// extreme is min and max of values of fixed width. NaN is greater than every
// number, and zero comes out as +0, so the result depends on no order. State:
// the value, NULL if there is none.
type extreme[T columnar.Fixed] struct {
	mem     memory.Allocator
	t       arrow.DataType
	largest bool
	cells   column[cell[T]]
	scratch []byte // validity that does not begin with a byte
}

func newExtreme[T columnar.Fixed](t arrow.DataType, largest bool) func(memory.Allocator) Accumulator {
	return func(mem memory.Allocator) Accumulator {
		return &extreme[T]{mem: mem, t: t, largest: largest, cells: column[cell[T]]{mem: mem}}
	}
}

// Update implements Accumulator. Cost: the read bandwidth of ungrouped rows.
func (e *extreme[T]) Update(groups []uint32, n int, args ...arrow.Array) error {
	e.cells.grow(max(n, 1))
	vals := columnar.Values[T](args[0])
	if groups == nil {
		e.addAll(vals, columnar.Validity(args[0]))
		return nil
	}
	for from, to := range columnar.Validity(args[0]).Runs() {
		groups, vals := groups[from:to], vals[from:to]
		for lo, hi := range e.cells.blocks(groups) {
			if e.largest {
				largest(e.cells.v, groups[lo:hi], vals[lo:hi])
			} else {
				least(e.cells.v, groups[lo:hi], vals[lo:hi])
			}
		}
	}
	return nil
}

// addAll adds ungrouped rows to group 0.
func (e *extreme[T]) addAll(vals []T, valid columnar.Bitmap) {
	var m [1]T
	switch bits := valid.Aligned(&e.scratch); {
	case valid.Count() == 0:
		return
	case e.largest && bits == nil:
		m[0] = simd.Max(vals)
	case e.largest:
		m[0] = simd.MaxValid(vals, bits)
	case bits == nil:
		m[0] = simd.Min(vals)
	default:
		m[0] = simd.MinValid(vals, bits)
	}
	var group0 [1]uint32
	if e.largest {
		largest(e.cells.v, group0[:], m[:])
	} else {
		least(e.cells.v, group0[:], m[:])
	}
}

func largest[T columnar.Fixed](cells []cell[T], groups []uint32, vals []T) {
	vals = vals[:len(groups)]
	for i, g := range groups {
		c, v := &cells[g], vals[i]
		if v > c.v || v != v || !c.ok {
			c.v, c.ok = v, true
		}
	}
}

func least[T columnar.Fixed](cells []cell[T], groups []uint32, vals []T) {
	vals = vals[:len(groups)]
	for i, g := range groups {
		c, v := &cells[g], vals[i]
		if v < c.v || c.v != c.v || !c.ok {
			c.v, c.ok = v, true
		}
	}
}

// Merge implements Accumulator: a state is a row with the value.
func (e *extreme[T]) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return e.Update(groups, n, state...)
}

// State implements Accumulator.
func (e *extreme[T]) State(groups []uint32) ([]arrow.Array, error) {
	a, err := e.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (e *extreme[T]) Final(groups []uint32) (arrow.Array, error) {
	e.cells.grow(need(groups))
	groups = all(groups, len(e.cells.v))
	out := newResult[T](e.mem, len(groups))
	for i, g := range groups {
		c := e.cells.v[g]
		switch {
		case !c.ok:
			out.null(i)
		case c.v != c.v:
			out.v[i] = T(nan)
		default:
			out.v[i] = c.v + 0
		}
	}
	return out.array(e.t), nil
}

// Reset implements Accumulator.
func (e *extreme[T]) Reset(groups []uint32) { e.cells.reset(groups) }

// Bytes implements Accumulator.
func (e *extreme[T]) Bytes() int64 { return e.cells.bytes() }

// Release implements Accumulator.
func (e *extreme[T]) Release() { e.cells.release() }
