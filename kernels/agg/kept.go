package agg

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// kept makes any aggregate take rows back: it keeps the rows of every group, in
// their order, and Final computes the aggregate of them. It costs a look-up and
// 16 bytes per row, the distinct rows of each group once, and Final as much as
// Update of all rows of the groups it is asked for. State: a list per argument.
type kept struct {
	mem   memory.Allocator
	inner *Spec
	types []arrow.DataType // of the arguments, plain
	pairs pairing
	rows  column[keptRow]
	free  uint32            // the first free row plus one
	heads column[keptList]  // by group: its rows
	equal column[[2]uint32] // by pair: its first and last row, plus one
	order []Order           // of the last arguments, by which Final sorts
	skip  bool              // rows whose first argument is NULL
}

// keptRow is a row; links are rows plus one.
type keptRow struct {
	pair       uint32
	prev, next uint32 // in its group
	same       uint32 // the next one of its pair
}

type keptList struct{ first, last, n uint32 }

func keptSpec(inner *Spec) (*Spec, error) {
	types, states := make([]arrow.DataType, len(inner.Args)), make([]arrow.DataType, len(inner.Args))
	for i, t := range inner.Args {
		types[i] = Plain(t)
		states[i] = arrow.ListOf(types[i])
	}
	if err := checkPairs(types); err != nil {
		return nil, err
	}
	return itself(&Spec{
		Args: inner.Args, Out: inner.Out, Nullable: inner.Nullable, Merge: true, OrderFree: inner.OrderFree, StateTypes: states,
		New: func(mem memory.Allocator) Accumulator {
			return &kept{
				mem: mem, inner: inner, types: types, pairs: newPairing(mem, types), rows: column[keptRow]{mem: mem},
				heads: column[keptList]{mem: mem}, equal: column[[2]uint32]{mem: mem},
			}
		},
	}), nil
}

// Update implements Accumulator. NULLs of a single argument are skipped, as all
// aggregates do.
func (k *kept) Update(groups []uint32, n int, args ...arrow.Array) error {
	groups, ids, err := k.find(groups, n, args, false)
	if err != nil {
		return err
	}
	k.equal.grow(k.pairs.table.Len())
	for i, id := range ids {
		k.push(at(groups, i), id)
	}
	return nil
}

// find are the groups and the pairs of the rows that are kept, which ends with
// the next call.
func (k *kept) find(groups []uint32, n int, args []arrow.Array, lookup bool) (_, pairs []uint32, err error) {
	k.heads.grow(max(n, 1))
	if len(args) == 1 || k.skip {
		if groups, args, err = valued(k.mem, groups, args); err != nil {
			return nil, nil, err
		}
		defer releaseAll(args)
	}
	pairs, err = k.pairs.find(groups, args, lookup)
	return groups, pairs, err
}

// push adds a row to the end of its group.
func (k *kept) push(g, pair uint32) {
	row := k.free
	if row != 0 {
		k.free = k.rows.v[row-1].next
	} else {
		k.rows.grow(len(k.rows.v) + 1)
		row = uint32(len(k.rows.v))
	}
	h, e := &k.heads.v[g], &k.equal.v[pair]
	k.rows.v[row-1] = keptRow{pair: pair, prev: h.last}
	if h.last == 0 {
		h.first = row
	} else {
		k.rows.v[h.last-1].next = row
	}
	h.last = row
	h.n++
	if e[1] == 0 {
		e[0] = row
	} else {
		k.rows.v[e[1]-1].same = row
	}
	e[1] = row
}

// Retract implements Retractable.
func (k *kept) Retract(groups []uint32, n int, args ...arrow.Array) error {
	groups, ids, err := k.find(groups, n, args, true)
	if err != nil {
		return err
	}
	var gone []uint32
	for i, id := range ids {
		if id == NoGroup || k.equal.v[id][0] == 0 {
			continue
		}
		if k.drop(at(groups, i), k.equal.v[id][0]); k.equal.v[id][0] == 0 {
			gone = append(gone, id)
		}
	}
	k.pairs.table.Remove(gone)
	return nil
}

// drop takes the oldest row of a pair out of its group.
func (k *kept) drop(g, row uint32) {
	r, h := k.rows.v[row-1], &k.heads.v[g]
	if r.prev == 0 {
		h.first = r.next
	} else {
		k.rows.v[r.prev-1].next = r.next
	}
	if r.next == 0 {
		h.last = r.prev
	} else {
		k.rows.v[r.next-1].prev = r.prev
	}
	h.n--
	e := &k.equal.v[r.pair]
	if e[0] = r.same; r.same == 0 {
		e[1] = 0
	}
	k.rows.v[row-1] = keptRow{next: k.free}
	k.free = row
}

// list are the arguments of the rows of groups, one group after the other, and
// where each ends; the caller releases the columns.
func (k *kept) list(groups []uint32) (cols []arrow.Array, ends []int32, err error) {
	n := 0
	for _, g := range groups {
		n += int(k.heads.v[g].n)
	}
	pairs := make([]uint32, 0, n)
	ends = make([]int32, len(groups))
	for i, g := range groups {
		for row := k.heads.v[g].first; row != 0; row = k.rows.v[row-1].next {
			pairs = append(pairs, k.rows.v[row-1].pair)
		}
		ends[i] = int32(len(pairs))
	}
	cols, err = k.pairs.values(pairs)
	return cols, ends, err
}

// Final implements Accumulator.
func (k *kept) Final(groups []uint32) (arrow.Array, error) {
	k.heads.grow(need(groups))
	groups = all(groups, len(k.heads.v))
	cols, ends, err := k.list(groups)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	acc := k.inner.New(k.mem)
	defer acc.Release()
	owners, from := make([]uint32, cols[0].Len()), int32(0)
	for i, end := range ends {
		for ; from < end; from++ {
			owners[from] = uint32(i)
		}
	}
	if k.order != nil {
		in, err := k.sorted(owners, cols)
		if err != nil {
			return nil, err
		}
		defer releaseAll(in)
		cols = in
	}
	if err := acc.Update(owners, max(len(groups), 1), cols...); err != nil {
		return nil, err
	}
	return acc.Final(all(nil, len(groups)))
}

// Merge implements Accumulator.
func (k *kept) Merge(groups []uint32, n int, state ...arrow.Array) error {
	var owners []uint32
	args := make([]arrow.Array, len(state))
	defer func() { releaseAll(args) }()
	for i, s := range state {
		owners, args[i] = flatten(groups, s)
	}
	return k.Update(owners, n, slices.Clone(args)...)
}

// State implements Accumulator.
func (k *kept) State(groups []uint32) ([]arrow.Array, error) {
	k.heads.grow(need(groups))
	groups = all(groups, len(k.heads.v))
	cols, ends, err := k.list(groups)
	if err != nil {
		return nil, err
	}
	defer releaseAll(cols)
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		offsets := newResult[int32](k.mem, len(groups)+1)
		copy(offsets.v[1:], ends)
		out[i] = listArray(k.types[i], offsets, c)
	}
	return out, nil
}

// Reset implements Accumulator.
func (k *kept) Reset(groups []uint32) {
	var gone []uint32
	for _, g := range all(groups, len(k.heads.v)) {
		if int(g) >= len(k.heads.v) {
			continue
		}
		for row := k.heads.v[g].first; row != 0; {
			r := k.rows.v[row-1]
			if k.equal.v[r.pair][0] != 0 {
				k.equal.v[r.pair] = [2]uint32{}
				gone = append(gone, r.pair)
			}
			k.rows.v[row-1] = keptRow{next: k.free}
			k.free, row = row, r.next
		}
		k.heads.v[g] = keptList{}
	}
	k.pairs.table.Remove(gone)
}

// Bytes implements Accumulator.
func (k *kept) Bytes() int64 {
	return k.pairs.bytes() + k.rows.bytes() + k.heads.bytes() + k.equal.bytes()
}

// Release implements Accumulator.
func (k *kept) Release() {
	k.pairs.release()
	k.rows.release()
	k.heads.release()
	k.equal.release()
}
