package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// bindDistinct makes an aggregate of one argument see each value of a group
// once, at its first row.
func bindDistinct(inner *Spec) (*Spec, error) {
	value := Plain(inner.Args[0])
	keys := []arrow.DataType{arrow.PrimitiveTypes.Uint32, value}
	if _, err := checkKeyTypes(keys); err != nil {
		return nil, err
	}
	spec := &Spec{
		Args: inner.Args, Out: inner.Out, Nullable: inner.Nullable, Merge: true, OrderFree: inner.OrderFree,
		StateTypes: []arrow.DataType{arrow.ListOf(value)},
		New: func(mem memory.Allocator) Accumulator {
			pairs, _ := NewGroups(mem, keys) // the types are checked above
			return &distinct{mem: mem, value: value, inner: inner.New(mem), pairs: pairs, of: newChains[uint32](mem), live: column[bool]{mem: mem}}
		},
	}
	spec.retract = func() (*Spec, error) { return talliedSpec(spec, inner) }
	return spec, nil
}

// distinct feeds an accumulator with the distinct values of each group, in the
// order in which they are first seen. It remembers every pair of group and
// value. State: the list of values.
type distinct struct {
	mem   memory.Allocator
	value arrow.DataType
	inner Accumulator
	pairs *Groups        // (group, value)
	of    chains[uint32] // per group: its pairs, in order
	live  column[bool]   // per pair: is known
	zeros zeros
}

// Update implements Accumulator.
func (d *distinct) Update(groups []uint32, n int, args ...arrow.Array) error {
	groups, vals, err := valued(d.mem, d.zeros.of(groups, args[0].Len()), args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	d.of.grow(max(n, 1))
	first, ids, err := d.firstSeen(groups, vals[0])
	if err != nil {
		return err
	}
	owners := make([]uint32, len(first))
	pairs := make([]uint32, len(first))
	for i, row := range first {
		owners[i], pairs[i] = groups[row], ids[row]
	}
	// The value as it is remembered, with one NaN and one zero: the state can
	// give no other one back.
	fresh, err := d.pairs.Keys(pairs)
	if err != nil {
		return err
	}
	defer releaseAll(fresh)
	return d.inner.Update(owners, max(n, 1), fresh[1])
}

// firstSeen are the rows that bring a new value to their group, and the pair of
// every row.
func (d *distinct) firstSeen(groups []uint32, vals arrow.Array) (first []int32, ids []uint32, err error) {
	owner := newResult[uint32](d.mem, len(groups))
	copy(owner.v, groups)
	owners := owner.array(arrow.PrimitiveTypes.Uint32)
	defer owners.Release()
	ids = make([]uint32, len(groups))
	if err := d.pairs.Find([]arrow.Array{owners, vals}, ids); err != nil {
		return nil, nil, err
	}
	d.live.grow(d.pairs.Len())
	for i, id := range ids {
		if !d.live.v[id] {
			d.live.v[id] = true
			d.of.push(groups[i], id)
			first = append(first, int32(i))
		}
	}
	return first, ids, nil
}

// Merge implements Accumulator.
func (d *distinct) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	return d.Update(owners, n, vals)
}

// State implements Accumulator.
func (d *distinct) State(groups []uint32) ([]arrow.Array, error) {
	d.of.grow(need(groups))
	groups = all(groups, d.of.len())
	pairs := make([]uint32, 0, d.of.total(groups))
	offsets := newResult[int32](d.mem, len(groups)+1)
	for i, g := range groups {
		for id := range d.of.of(g) {
			pairs = append(pairs, id)
		}
		offsets.v[i+1] = int32(len(pairs))
	}
	cols, err := d.pairs.Keys(pairs)
	if err != nil {
		offsets.array(arrow.PrimitiveTypes.Int32).Release()
		return nil, err
	}
	defer releaseAll(cols)
	return []arrow.Array{listArray(d.value, offsets, cols[1])}, nil
}

// Final implements Accumulator.
func (d *distinct) Final(groups []uint32) (arrow.Array, error) {
	if groups == nil {
		groups = all(nil, d.of.len())
	}
	return d.inner.Final(groups)
}

// Reset implements Accumulator.
func (d *distinct) Reset(groups []uint32) {
	d.inner.Reset(groups)
	var gone []uint32
	for _, g := range all(groups, d.of.len()) {
		for id := range d.of.of(g) {
			gone = append(gone, id)
			d.live.v[id] = false
		}
	}
	d.pairs.Remove(gone)
	d.of.reset(groups)
}

// Bytes implements Accumulator.
func (d *distinct) Bytes() int64 {
	return d.inner.Bytes() + d.pairs.Bytes() + d.of.bytes() + d.live.bytes()
}

// Release implements Accumulator.
func (d *distinct) Release() {
	d.inner.Release()
	d.pairs.Release()
	d.of.release()
	d.live.release()
}
