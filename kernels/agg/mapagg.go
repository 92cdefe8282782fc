package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func bindMapAgg(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	key, item := Plain(args[0]), Plain(args[1])
	if err := checkPairs([]arrow.DataType{key}); err != nil || key.ID() == arrow.NULL {
		return nil, f.refuse(args[0], "a key that can be grouped by")
	}
	if !encodable(item) {
		return nil, f.refuse(args[1], "a number, a string, a time, or a list or struct of these")
	}
	return &Spec{
		Args: args, Out: arrow.MapOf(key, item), Nullable: true, Merge: true,
		StateTypes: []arrow.DataType{arrow.ListOf(key), arrow.ListOf(item)},
		New: func(mem memory.Allocator) Accumulator {
			return &mapAgg{
				mem: mem, key: key, item: item, pairs: newPairing(mem, []arrow.DataType{key}), items: newStore(mem), of: newChains[uint32](mem),
			}
		},
	}, nil
}

// mapAgg is map_agg(key, item): the map of the keys of a group, in the order in
// which they first came, to the item of the last row of each; NULL if there are
// none. Rows whose key is NULL are passed over, an item may be NULL. A row costs
// a look-up and a copy of its item. State: the list of keys and the list of items.
type mapAgg struct {
	mem       memory.Allocator
	key, item arrow.DataType
	pairs     pairing
	items     *store         // by pair
	of        chains[uint32] // by group: its pairs
	buf       []byte
}

// Update implements Accumulator.
func (m *mapAgg) Update(groups []uint32, n int, args ...arrow.Array) error {
	m.of.grow(max(n, 1))
	groups, args, err := valued(m.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(args)
	ids, err := m.pairs.find(groups, args[:1], false)
	if err != nil {
		return err
	}
	m.items.grow(m.pairs.table.Len())
	for i, id := range ids {
		if !m.items.has(id) {
			m.of.push(at(groups, i), id)
		}
		m.buf = appendValue(m.buf[:0], args[1], i, false)
		m.items.set(id, m.buf)
	}
	return nil
}

// Merge implements Accumulator.
func (m *mapAgg) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, keys := flatten(groups, state[0])
	defer keys.Release()
	_, items := flatten(groups, state[1])
	defer items.Release()
	return m.Update(owners, n, keys, items)
}

// entries are the keys and the items of groups, one group after the other, and
// where each ends; the caller releases the columns.
func (m *mapAgg) entries(groups []uint32) (cols []arrow.Array, ends []int32, err error) {
	pairs, ends := make([]uint32, 0, m.of.total(groups)), make([]int32, len(groups)+1)
	for i, g := range groups {
		for id := range m.of.of(g) {
			pairs = append(pairs, id)
		}
		ends[i+1] = int32(len(pairs))
	}
	if cols, err = m.pairs.values(pairs); err != nil {
		return nil, nil, err
	}
	items, err := decodeValues(m.mem, m.item, m.items.rows(pairs))
	if err != nil {
		releaseAll(cols)
		return nil, nil, err
	}
	return append(cols, items), ends, nil
}

// State implements Accumulator.
func (m *mapAgg) State(groups []uint32) ([]arrow.Array, error) {
	m.of.grow(need(groups))
	groups = all(groups, m.of.len())
	cols, ends, err := m.entries(groups)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		offsets := newResult[int32](m.mem, len(ends))
		copy(offsets.v, ends)
		out[i] = listArray(c.DataType(), offsets, c)
	}
	return out, nil
}

// Final implements Accumulator.
func (m *mapAgg) Final(groups []uint32) (arrow.Array, error) {
	m.of.grow(need(groups))
	groups = all(groups, m.of.len())
	cols, ends, err := m.entries(groups)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	t := arrow.MapOf(m.key, m.item)
	entries := newArray(t.Elem(), cols[0].Len(), 0, []*memory.Buffer{nil}, cols...)
	defer entries.Release()
	offsets := newResult[int32](m.mem, len(ends))
	copy(offsets.v, ends)
	valid, nulls := m.of.some(m.mem, groups)
	return newArray(t, len(groups), nulls, []*memory.Buffer{valid.buffer(nulls), offsets.values}, entries), nil
}

// Reset implements Accumulator.
func (m *mapAgg) Reset(groups []uint32) {
	gone := []uint32{} // not nil, which is all of them
	for _, g := range all(groups, m.of.len()) {
		for id := range m.of.of(g) {
			gone = append(gone, id)
		}
	}
	m.items.reset(gone)
	m.pairs.table.Remove(gone)
	m.of.reset(groups)
}

// Bytes implements Accumulator.
func (m *mapAgg) Bytes() int64 {
	return m.pairs.bytes() + m.items.bytes() + m.of.bytes() + int64(cap(m.buf))
}

// Release implements Accumulator.
func (m *mapAgg) Release() {
	m.pairs.release()
	m.items.release()
	m.of.release()
}
