package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

func bindMode(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	value := Plain(args[0])
	if err := checkPairs([]arrow.DataType{value}); err != nil {
		return nil, err
	}
	return &Spec{
		Args: args, Out: value, Nullable: true, Merge: true,
		StateTypes: []arrow.DataType{arrow.ListOf(value), arrow.ListOf(arrow.PrimitiveTypes.Int64)},
		New: func(mem memory.Allocator) Accumulator {
			m := newMode(mem, value)
			return &m
		},
	}, nil
}

// mode is the value that occurs most, of several the one that came first. It
// keeps the distinct values of every group with their numbers; a row costs a
// look-up. State: the list of values, in the order in which they came, and the
// list of their numbers.
type mode struct {
	mem    memory.Allocator
	value  arrow.DataType
	pairs  pairing
	counts column[int64]  // by pair
	of     chains[uint32] // by group: its pairs
}

func newMode(mem memory.Allocator, value arrow.DataType) mode {
	return mode{
		mem: mem, value: value, pairs: newPairing(mem, []arrow.DataType{value}), counts: column[int64]{mem: mem},
		of: newChains[uint32](mem),
	}
}

// Update implements Accumulator.
func (m *mode) Update(groups []uint32, n int, args ...arrow.Array) error {
	groups, vals, err := valued(m.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	return m.add(groups, n, vals[0], nil)
}

// add adds values, with how many rows they have, nil for one each.
func (m *mode) add(groups []uint32, n int, vals arrow.Array, counts []int64) error {
	m.of.grow(max(n, 1))
	ids, err := m.pairs.find(groups, []arrow.Array{vals}, false)
	if err != nil {
		return err
	}
	m.counts.grow(m.pairs.table.Len())
	for i, id := range ids {
		by := int64(1)
		if counts != nil {
			by = counts[i]
		}
		if m.counts.v[id] == 0 {
			m.of.push(at(groups, i), id)
		}
		m.counts.v[id] += by
	}
	return nil
}

// Merge implements Accumulator.
func (m *mode) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	_, counts := flatten(groups, state[1])
	defer counts.Release()
	return m.add(owners, n, vals, columnar.Values[int64](counts))
}

// State implements Accumulator.
func (m *mode) State(groups []uint32) ([]arrow.Array, error) {
	m.of.grow(need(groups))
	groups = all(groups, m.of.len())
	pairs := make([]uint32, 0, m.of.total(groups))
	offsets, again := newResult[int32](m.mem, len(groups)+1), newResult[int32](m.mem, len(groups)+1)
	for i, g := range groups {
		for id := range m.of.of(g) {
			pairs = append(pairs, id)
		}
		offsets.v[i+1], again.v[i+1] = int32(len(pairs)), int32(len(pairs))
	}
	counts := newResult[int64](m.mem, len(pairs))
	for i, id := range pairs {
		counts.v[i] = m.counts.v[id]
	}
	numbers := counts.array(arrow.PrimitiveTypes.Int64)
	defer numbers.Release()
	counted := listArray(arrow.PrimitiveTypes.Int64, again, numbers)
	cols, err := m.pairs.values(pairs)
	if err != nil {
		counted.Release()
		offsets.array(arrow.PrimitiveTypes.Int32).Release()
		return nil, err
	}
	defer releaseAll(cols)
	return []arrow.Array{listArray(m.value, offsets, cols[0]), counted}, nil
}

// Final implements Accumulator.
func (m *mode) Final(groups []uint32) (arrow.Array, error) {
	m.of.grow(need(groups))
	groups = all(groups, m.of.len())
	pairs, idx := make([]uint32, 0, len(groups)), make([]int32, len(groups))
	for i, g := range groups {
		best, most := uint32(0), int64(0)
		for id := range m.of.of(g) {
			if n := m.counts.v[id]; n > most {
				best, most = id, n
			}
		}
		if idx[i] = -1; most > 0 {
			idx[i] = int32(len(pairs))
			pairs = append(pairs, best)
		}
	}
	cols, err := m.pairs.values(pairs)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	return kernels.Take(m.mem, cols[0], idx)
}

// Reset implements Accumulator.
func (m *mode) Reset(groups []uint32) {
	var gone []uint32
	for _, g := range all(groups, m.of.len()) {
		for id := range m.of.of(g) {
			m.counts.v[id] = 0
			gone = append(gone, id)
		}
	}
	m.pairs.table.Remove(gone)
	m.of.reset(groups)
}

// Bytes implements Accumulator.
func (m *mode) Bytes() int64 { return m.pairs.bytes() + m.counts.bytes() + m.of.bytes() }

// Release implements Accumulator.
func (m *mode) Release() {
	m.pairs.release()
	m.counts.release()
	m.of.release()
}
