package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindBitAnd(f *Function, args []arrow.DataType) (*Spec, error) { return bindBits(f, args, '&') }
func bindBitOr(f *Function, args []arrow.DataType) (*Spec, error)  { return bindBits(f, args, '|') }
func bindBitXor(f *Function, args []arrow.DataType) (*Spec, error) { return bindBits(f, args, '^') }

func bindBits(f *Function, args []arrow.DataType, op byte) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if !arrow.IsInteger(args[0].ID()) || args[0].ID() == arrow.UINT64 {
		return nil, f.refuse(args[0], "an integer")
	}
	i64 := arrow.PrimitiveTypes.Int64
	return &Spec{
		Args: []arrow.DataType{i64}, Out: i64, Nullable: true, Merge: true, OrderFree: true, StateTypes: []arrow.DataType{i64},
		New: func(mem memory.Allocator) Accumulator {
			return &bitwise{mem: mem, op: op, vals: column[int64]{mem: mem}, set: column[bool]{mem: mem}}
		},
	}, nil
}

// bitwise is bit_and, bit_or and bit_xor of integers; NULL if there are none.
// State: the value.
type bitwise struct {
	mem  memory.Allocator
	op   byte
	vals column[int64]
	set  column[bool]
}

func (b *bitwise) grow(n int) {
	b.vals.grow(n)
	b.set.grow(n)
}

// Update implements Accumulator.
func (b *bitwise) Update(groups []uint32, n int, args ...arrow.Array) error {
	b.grow(max(n, 1))
	vals := columnar.Values[int64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		g := at(groups, i)
		v := &b.vals.v[g]
		switch {
		case !b.set.v[g]:
			*v, b.set.v[g] = vals[i], true
		case b.op == '&':
			*v &= vals[i]
		case b.op == '|':
			*v |= vals[i]
		default:
			*v ^= vals[i]
		}
	}
	return nil
}

// Merge implements Accumulator: a state is a row with the value.
func (b *bitwise) Merge(groups []uint32, n int, state ...arrow.Array) error {
	return b.Update(groups, n, state...)
}

// State implements Accumulator.
func (b *bitwise) State(groups []uint32) ([]arrow.Array, error) {
	a, err := b.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (b *bitwise) Final(groups []uint32) (arrow.Array, error) {
	b.grow(need(groups))
	groups = all(groups, len(b.vals.v))
	out := newResult[int64](b.mem, len(groups))
	for i, g := range groups {
		if out.v[i] = b.vals.v[g]; !b.set.v[g] {
			out.v[i] = 0
			out.null(i)
		}
	}
	return out.array(arrow.PrimitiveTypes.Int64), nil
}

// Reset implements Accumulator.
func (b *bitwise) Reset(groups []uint32) {
	b.vals.reset(groups)
	b.set.reset(groups)
}

// Bytes implements Accumulator.
func (b *bitwise) Bytes() int64 { return b.vals.bytes() + b.set.bytes() }

// Release implements Accumulator.
func (b *bitwise) Release() {
	b.vals.release()
	b.set.release()
}
