package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// tallied is DISTINCT over rows that are taken back: every value of a group has
// the number of its rows. The aggregate below sees a value when its first row
// comes, and has it taken back when its last one goes. State: the list of values,
// in the order in which they came, and the list of their numbers. Where the
// order of values shows in the result, all rows are kept instead: it would be
// that of the rows that are left.
type tallied struct {
	mem   memory.Allocator
	value arrow.DataType
	inner Retractable
	pairs pairing
	nodes column[tally]     // by pair
	heads column[[2]uint32] // by group: the first and last pair, plus one
}

// tally is a value of a group; links are pairs plus one, in the order in which
// they came.
type tally struct {
	count      int64
	prev, next uint32
}

// talliedSpec is spec, which is inner with DISTINCT, for rows that are taken back.
func talliedSpec(spec, inner *Spec) (*Spec, error) {
	value := Plain(inner.Args[0])
	if err := checkPairs([]arrow.DataType{value}); err != nil {
		return nil, err
	}
	below, err := inner.Retractable()
	if err != nil {
		return nil, err
	}
	if !below.OrderFree {
		return keptSpec(spec)
	}
	return itself(&Spec{
		Args: inner.Args, Out: inner.Out, Nullable: inner.Nullable, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{arrow.ListOf(value), arrow.ListOf(arrow.PrimitiveTypes.Int64)},
		New: func(mem memory.Allocator) Accumulator {
			return &tallied{
				mem: mem, value: value, inner: below.New(mem).(Retractable), pairs: newPairing(mem, []arrow.DataType{value}),
				nodes: column[tally]{mem: mem}, heads: column[[2]uint32]{mem: mem},
			}
		},
	}), nil
}

// Update implements Accumulator.
func (d *tallied) Update(groups []uint32, n int, args ...arrow.Array) error {
	groups, vals, err := valued(d.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	return d.add(groups, n, vals[0], nil)
}

// add adds values, with how many rows they have, nil for one each.
func (d *tallied) add(groups []uint32, n int, vals arrow.Array, counts []int64) error {
	n = max(n, 1)
	d.heads.grow(n)
	ids, err := d.pairs.find(groups, []arrow.Array{vals}, false)
	if err != nil {
		return err
	}
	d.nodes.grow(d.pairs.table.Len())
	owners, fresh := []uint32{}, []uint32{}
	for i, id := range ids {
		c := &d.nodes.v[id]
		if c.count == 0 {
			g := at(groups, i)
			owners, fresh = append(owners, g), append(fresh, id)
			d.link(g, id+1)
		}
		if counts == nil {
			c.count++
		} else {
			c.count += counts[i]
		}
	}
	return d.pass(d.inner.Update, owners, fresh, n)
}

// pass gives the values of pairs to the aggregate below.
func (d *tallied) pass(to func([]uint32, int, ...arrow.Array) error, owners, pairs []uint32, n int) error {
	if len(pairs) == 0 {
		none := array.MakeArrayOfNull(d.mem, d.value, 0)
		defer none.Release()
		return to(owners, n, none)
	}
	cols, err := d.pairs.values(pairs)
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	return to(owners, n, cols[0])
}

// link adds a pair to the end of the list of its group.
func (d *tallied) link(g, pair uint32) {
	h := &d.heads.v[g]
	d.nodes.v[pair-1].prev, d.nodes.v[pair-1].next = h[1], 0
	if h[1] == 0 {
		h[0] = pair
	} else {
		d.nodes.v[h[1]-1].next = pair
	}
	h[1] = pair
}

// unlink takes it out.
func (d *tallied) unlink(g, pair uint32) {
	h, c := &d.heads.v[g], d.nodes.v[pair-1]
	if c.prev == 0 {
		h[0] = c.next
	} else {
		d.nodes.v[c.prev-1].next = c.next
	}
	if c.next == 0 {
		h[1] = c.prev
	} else {
		d.nodes.v[c.next-1].prev = c.prev
	}
	d.nodes.v[pair-1] = tally{}
}

// Retract implements Retractable.
func (d *tallied) Retract(groups []uint32, n int, args ...arrow.Array) error {
	n = max(n, 1)
	d.heads.grow(n)
	groups, vals, err := valued(d.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	ids, err := d.pairs.find(groups, vals, true)
	if err != nil {
		return err
	}
	owners, gone := []uint32{}, []uint32{}
	for i, id := range ids {
		if id == NoGroup || d.nodes.v[id].count == 0 {
			continue
		}
		if d.nodes.v[id].count--; d.nodes.v[id].count == 0 {
			g := at(groups, i)
			owners, gone = append(owners, g), append(gone, id)
			d.unlink(g, id+1)
		}
	}
	if err := d.pass(d.inner.Retract, owners, gone, n); err != nil {
		return err
	}
	d.pairs.table.Remove(gone)
	return nil
}

// of appends the pairs of a group to dst, in order.
func (d *tallied) of(dst []uint32, g uint32) []uint32 {
	for p := d.heads.v[g][0]; p != 0; p = d.nodes.v[p-1].next {
		dst = append(dst, p-1)
	}
	return dst
}

// Merge implements Accumulator.
func (d *tallied) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	_, counts := flatten(groups, state[1])
	defer counts.Release()
	return d.add(owners, n, vals, columnar.Values[int64](counts))
}

// State implements Accumulator.
func (d *tallied) State(groups []uint32) ([]arrow.Array, error) {
	d.heads.grow(need(groups))
	groups = all(groups, len(d.heads.v))
	pairs := make([]uint32, 0, len(groups))
	offsets, again := newResult[int32](d.mem, len(groups)+1), newResult[int32](d.mem, len(groups)+1)
	for i, g := range groups {
		pairs = d.of(pairs, g)
		offsets.v[i+1], again.v[i+1] = int32(len(pairs)), int32(len(pairs))
	}
	counts := newResult[int64](d.mem, len(pairs))
	for i, id := range pairs {
		counts.v[i] = d.nodes.v[id].count
	}
	numbers := counts.array(arrow.PrimitiveTypes.Int64)
	defer numbers.Release()
	counted := listArray(arrow.PrimitiveTypes.Int64, again, numbers)
	cols, err := d.pairs.values(pairs)
	if err != nil {
		counted.Release()
		offsets.array(arrow.PrimitiveTypes.Int32).Release()
		return nil, err
	}
	defer releaseAll(cols)
	return []arrow.Array{listArray(d.value, offsets, cols[0]), counted}, nil
}

// Final implements Accumulator.
func (d *tallied) Final(groups []uint32) (arrow.Array, error) {
	return d.inner.Final(all(groups, len(d.heads.v)))
}

// Reset implements Accumulator.
func (d *tallied) Reset(groups []uint32) {
	d.inner.Reset(groups)
	var gone []uint32
	for _, g := range all(groups, len(d.heads.v)) {
		if int(g) < len(d.heads.v) {
			gone = d.of(gone, g)
			d.heads.v[g] = [2]uint32{}
		}
	}
	for _, id := range gone {
		d.nodes.v[id] = tally{}
	}
	d.pairs.table.Remove(gone)
}

// Bytes implements Accumulator.
func (d *tallied) Bytes() int64 {
	return d.inner.Bytes() + d.pairs.bytes() + d.nodes.bytes() + d.heads.bytes()
}

// Release implements Accumulator.
func (d *tallied) Release() {
	d.inner.Release()
	d.pairs.release()
	d.nodes.release()
	d.heads.release()
}
