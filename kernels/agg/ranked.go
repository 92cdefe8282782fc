package agg

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// ranked is min and max over rows that are taken back: the distinct values of a
// group, each with the number of its rows, in a pairing heap (Fredman,
// Sedgewick, Sleator, Tarjan 1986), whose root is the result. A new value costs
// one comparison, taking one back for good O(log n) amortized, and both a
// look-up. Per value: its pair in the table, 24 bytes of node and 8 of order.
// State: the list of values and the list of their numbers.
type ranked struct {
	mem     memory.Allocator
	t       arrow.DataType
	largest bool
	pairs   pairing
	nodes   column[rankedNode] // by pair
	roots   column[uint32]     // by group, pair plus one
	words   column[uint64]     // by pair: ascending as the values, where a word tells
	texts   *store             // by pair: else bytes that do
	buf     []byte
}

// rankedNode is a value in the heap of its group; links are pairs plus one.
type rankedNode struct {
	count             int64
	child, next, prev uint32 // prev of a first child is its parent
}

func rankedSpec(args []arrow.DataType, out arrow.DataType, largest bool) (*Spec, error) {
	if err := checkPairs([]arrow.DataType{out}); err != nil {
		return nil, err
	}
	return itself(&Spec{
		Args: args, Out: out, Nullable: true, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{arrow.ListOf(out), arrow.ListOf(arrow.PrimitiveTypes.Int64)},
		New: func(mem memory.Allocator) Accumulator {
			return &ranked{
				mem: mem, t: out, largest: largest, pairs: newPairing(mem, []arrow.DataType{out}), nodes: column[rankedNode]{mem: mem},
				roots: column[uint32]{mem: mem}, words: column[uint64]{mem: mem}, texts: newStore(mem),
			}
		},
	}), nil
}

// Update implements Accumulator.
func (r *ranked) Update(groups []uint32, n int, args ...arrow.Array) error {
	groups, vals, err := valued(r.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	return r.add(groups, n, vals[0], nil)
}

// add adds values, with how many rows they have, nil for one each.
func (r *ranked) add(groups []uint32, n int, vals arrow.Array, counts []int64) error {
	r.roots.grow(max(n, 1))
	ids, err := r.pairs.find(groups, []arrow.Array{vals}, false)
	if err != nil {
		return err
	}
	r.nodes.grow(r.pairs.table.Len())
	var fresh []uint32
	for i, id := range ids {
		by := int64(1)
		if counts != nil {
			by = counts[i]
		}
		if r.nodes.v[id].count == 0 {
			fresh = append(fresh, uint32(i))
		}
		r.nodes.v[id].count += by
	}
	if err := r.rank(ids, fresh); err != nil {
		return err
	}
	for _, row := range fresh {
		r.insert(at(groups, int(row)), ids[row]+1)
	}
	return nil
}

// rank notes the order of the pairs of the given rows.
func (r *ranked) rank(ids, rows []uint32) error {
	if len(rows) == 0 {
		return nil
	}
	pairs := make([]uint32, len(rows))
	for i, row := range rows {
		pairs[i] = ids[row]
	}
	cols, err := r.pairs.values(pairs)
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	if words := orderWords(cols[0]); words != nil {
		r.words.grow(r.pairs.table.Len())
		for i, id := range pairs {
			if r.words.v[id] = words[i]; r.largest {
				r.words.v[id] = ^words[i]
			}
		}
		return nil
	}
	r.texts.grow(r.pairs.table.Len())
	if cols[0].DataType().ID() == arrow.DECIMAL128 {
		words := columnar.AsValues[uint64](cols[0].Data().Buffers()[1].Bytes())
		for i, id := range pairs {
			r.buf = binary.BigEndian.AppendUint64(r.buf[:0], words[2*i+1]^1<<63)
			r.texts.set(id, binary.BigEndian.AppendUint64(r.buf, words[2*i]))
		}
		return nil
	}
	texts := newByteValues(cols[0])
	for i, id := range pairs {
		r.texts.set(id, texts.at(i))
	}
	return nil
}

// orderWords are words that ascend as the values of a, nil if there are none.
func orderWords(a arrow.Array) []uint64 {
	out := make([]uint64, a.Len())
	const sign = 1 << 63
	switch a.DataType().ID() {
	case arrow.BOOL:
		bools := columnar.Bools(a)
		for i := range out {
			if bools.Get(i) {
				out[i] = 1
			}
		}
	case arrow.INT8:
		ints(out, columnar.Values[int8](a), sign)
	case arrow.INT16:
		ints(out, columnar.Values[int16](a), sign)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		ints(out, columnar.Values[int32](a), sign)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		ints(out, columnar.Values[int64](a), sign)
	case arrow.UINT8:
		ints(out, columnar.Values[uint8](a), 0)
	case arrow.UINT16:
		ints(out, columnar.Values[uint16](a), 0)
	case arrow.UINT32:
		ints(out, columnar.Values[uint32](a), 0)
	case arrow.UINT64:
		ints(out, columnar.Values[uint64](a), 0)
	case arrow.FLOAT32:
		floats(out, columnar.Values[float32](a))
	case arrow.FLOAT64:
		floats(out, columnar.Values[float64](a))
	default:
		return nil
	}
	return out
}

func ints[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](out []uint64, vals []T, flip uint64) {
	for i, v := range vals {
		out[i] = uint64(v) ^ flip
	}
}

// floats puts NaN above all numbers.
func floats[T float32 | float64](out []uint64, vals []T) {
	for i, v := range vals {
		b := math.Float64bits(float64(v) + 0)
		switch {
		case v != v:
			b = math.MaxUint64
		case b>>63 != 0:
			b = ^b
		default:
			b |= 1 << 63
		}
		out[i] = b
	}
}

// before tells whether the value of node a comes before that of b.
func (r *ranked) before(a, b uint32) bool {
	if len(r.words.v) > 0 {
		return r.words.v[a-1] < r.words.v[b-1]
	}
	x, _ := r.texts.get(a - 1)
	y, _ := r.texts.get(b - 1)
	if r.largest {
		x, y = y, x
	}
	return bytes.Compare(x, y) < 0
}

// insert adds a node without links to the heap of a group.
func (r *ranked) insert(g, node uint32) {
	if root := r.roots.v[g]; root != 0 {
		node = r.meld(root, node)
	}
	r.roots.v[g] = node
}

// meld makes one heap of two, whose roots have no siblings.
func (r *ranked) meld(a, b uint32) uint32 {
	if r.before(b, a) {
		a, b = b, a
	}
	n := r.nodes.v
	if n[b-1].next = n[a-1].child; n[b-1].next != 0 {
		n[n[b-1].next-1].prev = b
	}
	n[b-1].prev, n[a-1].child = a, b
	return a
}

// remove takes a node out of the heap of its group.
func (r *ranked) remove(g, node uint32) {
	n := r.nodes.v
	rest := r.gather(n[node-1].child)
	if r.roots.v[g] == node {
		r.roots.v[g] = rest
	} else {
		prev, next := n[node-1].prev, n[node-1].next
		if n[prev-1].child == node {
			n[prev-1].child = next
		} else {
			n[prev-1].next = next
		}
		if next != 0 {
			n[next-1].prev = prev
		}
		if rest != 0 {
			r.roots.v[g] = r.meld(r.roots.v[g], rest)
		}
	}
	n[node-1] = rankedNode{}
}

// gather makes one heap of a list of siblings: pairs from left to right, then
// all of them from right to left.
func (r *ranked) gather(first uint32) uint32 {
	n, pairs := r.nodes.v, uint32(0)
	take := func() uint32 {
		node := first
		if first = n[node-1].next; true {
			n[node-1].next, n[node-1].prev = 0, 0
		}
		return node
	}
	for first != 0 {
		a := take()
		if first != 0 {
			a = r.meld(a, take())
		}
		n[a-1].next = pairs
		pairs = a
	}
	root := uint32(0)
	for first = pairs; first != 0; {
		if a := take(); root == 0 {
			root = a
		} else {
			root = r.meld(root, a)
		}
	}
	return root
}

// Retract implements Retractable.
func (r *ranked) Retract(groups []uint32, n int, args ...arrow.Array) error {
	r.roots.grow(max(n, 1))
	groups, vals, err := valued(r.mem, groups, args)
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	ids, err := r.pairs.find(groups, vals, true)
	if err != nil {
		return err
	}
	var gone []uint32
	for i, id := range ids {
		if id == NoGroup || r.nodes.v[id].count == 0 {
			continue
		}
		if r.nodes.v[id].count--; r.nodes.v[id].count == 0 {
			r.remove(at(groups, i), id+1)
			gone = append(gone, id)
		}
	}
	r.forget(gone)
	return nil
}

// forget gives the memory of pairs back.
func (r *ranked) forget(pairs []uint32) {
	if len(r.texts.spans.v) > 0 {
		r.texts.reset(notNil(pairs))
	}
	r.pairs.table.Remove(pairs)
}

// of appends the pairs of a group to dst, the first one first.
func (r *ranked) of(dst []uint32, g uint32) []uint32 {
	from := len(dst)
	if root := r.roots.v[g]; root != 0 {
		dst = append(dst, root-1)
	}
	for i := from; i < len(dst); i++ {
		for c := r.nodes.v[dst[i]].child; c != 0; c = r.nodes.v[c-1].next {
			dst = append(dst, c-1)
		}
	}
	return dst
}

// Merge implements Accumulator.
func (r *ranked) Merge(groups []uint32, n int, state ...arrow.Array) error {
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	_, counts := flatten(groups, state[1])
	defer counts.Release()
	return r.add(owners, n, vals, columnar.Values[int64](counts))
}

// State implements Accumulator: values in their order.
func (r *ranked) State(groups []uint32) ([]arrow.Array, error) {
	r.roots.grow(need(groups))
	groups = all(groups, len(r.roots.v))
	pairs := make([]uint32, 0, len(groups))
	offsets, again := newResult[int32](r.mem, len(groups)+1), newResult[int32](r.mem, len(groups)+1)
	for i, g := range groups {
		from := len(pairs)
		pairs = r.of(pairs, g)
		slices.SortFunc(pairs[from:], func(a, b uint32) int {
			switch {
			case r.before(a+1, b+1):
				return -1
			case r.before(b+1, a+1):
				return 1
			}
			return 0
		})
		offsets.v[i+1], again.v[i+1] = int32(len(pairs)), int32(len(pairs))
	}
	counts := newResult[int64](r.mem, len(pairs))
	for i, id := range pairs {
		counts.v[i] = r.nodes.v[id].count
	}
	numbers := counts.array(arrow.PrimitiveTypes.Int64)
	defer numbers.Release()
	counted := listArray(arrow.PrimitiveTypes.Int64, again, numbers)
	cols, err := r.pairs.values(pairs)
	if err != nil {
		counted.Release()
		offsets.array(arrow.PrimitiveTypes.Int32).Release()
		return nil, err
	}
	defer releaseAll(cols)
	return []arrow.Array{listArray(r.t, offsets, cols[0]), counted}, nil
}

// Final implements Accumulator.
func (r *ranked) Final(groups []uint32) (arrow.Array, error) {
	r.roots.grow(need(groups))
	groups = all(groups, len(r.roots.v))
	pairs, idx := make([]uint32, 0, len(groups)), make([]int32, len(groups))
	for i, g := range groups {
		if idx[i] = -1; r.roots.v[g] != 0 {
			idx[i] = int32(len(pairs))
			pairs = append(pairs, r.roots.v[g]-1)
		}
	}
	cols, err := r.pairs.values(pairs)
	if err != nil || len(pairs) == len(groups) {
		if err != nil {
			return nil, err
		}
		return cols[0], nil
	}
	defer releaseAll(cols)
	return kernels.Take(r.mem, cols[0], idx)
}

// Reset implements Accumulator.
func (r *ranked) Reset(groups []uint32) {
	var gone []uint32
	for _, g := range all(groups, len(r.roots.v)) {
		if int(g) < len(r.roots.v) {
			gone = r.of(gone, g)
			r.roots.v[g] = 0
		}
	}
	for _, id := range gone {
		r.nodes.v[id] = rankedNode{}
	}
	r.forget(gone)
}

// Bytes implements Accumulator.
func (r *ranked) Bytes() int64 {
	return r.pairs.bytes() + r.nodes.bytes() + r.roots.bytes() + r.words.bytes() + r.texts.bytes()
}

// Release implements Accumulator.
func (r *ranked) Release() {
	r.pairs.release()
	r.nodes.release()
	r.roots.release()
	r.words.release()
	r.texts.release()
}

// notNil keeps "no groups" apart from nil, which stands for all of them.
func notNil(groups []uint32) []uint32 {
	if groups == nil {
		return []uint32{}
	}
	return groups
}
