package agg

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// What approx_top_k(x) stands for, and the most values it can be asked to track.
const (
	topK       = 5
	topTracked = 10_000
	topMost    = 1_000_000
)

func bindApproxTopK(f *Function, args []arrow.DataType) (*Spec, error) {
	if len(args) < 1 || len(args) > 3 {
		return nil, refusal("%s: want %s, got %d arguments", f.Name, f.Usage, len(args))
	}
	i64 := arrow.PrimitiveTypes.Int64
	in := []arrow.DataType{args[0]}
	for _, t := range args[1:] {
		if !arrow.IsInteger(t.ID()) {
			return nil, f.refuse(t, "an integer")
		}
		in = append(in, i64)
	}
	value := Plain(args[0])
	if err := checkPairs([]arrow.DataType{value}); err != nil {
		return nil, err
	}
	out := arrow.ListOf(arrow.StructOf(arrow.Field{Name: "item", Type: value, Nullable: true}, arrow.Field{Name: "count", Type: i64}))
	return &Spec{
		Args: in, Out: out, Nullable: true, Merge: true,
		StateTypes: []arrow.DataType{arrow.ListOf(value), arrow.ListOf(i64), i64, i64, i64},
		New: func(mem memory.Allocator) Accumulator {
			return &frequent{mode: newMode(mem, value), out: out, sizes: [2]int64{topK, topTracked}, lost: column[int64]{mem: mem}}
		},
	}, nil
}

// frequent is approx_top_k(x, k, tracked): the k values that occur most with
// their numbers, the most frequent first and of several the one that came first.
// It is the summary of Misra and Gries (1982) as Agarwal et al., Mergeable
// Summaries (2012) keep it: when a group has more than 2 tracked values, the
// number of value tracked+1 is taken off all numbers, and values without one are
// forgotten. That is at least tracked+1 rows for each one taken off a number, so
// that of n rows a number is at most the true one, and less by at most
// n/(tracked+1); with no more than 2 tracked values it is exact. A row costs a
// look-up, and a share of a sort of the numbers. Merging keeps the bound. State:
// the list of values, in the order in which they came, the list of their numbers,
// what was taken off, and k and tracked, NULL where they were not given.
type frequent struct {
	mode
	out   *arrow.ListType
	sizes [2]int64 // k and tracked, one for the whole aggregation
	known [2]bool
	lost  column[int64] // by group: what was taken off its numbers
	ranks []int64
}

// Update implements Accumulator.
func (f *frequent) Update(groups []uint32, n int, args ...arrow.Array) error {
	if err := f.size(args[1:]); err != nil {
		return err
	}
	groups, vals, err := valued(f.mem, groups, args[:1])
	if err != nil {
		return err
	}
	defer releaseAll(vals)
	return f.add(groups, n, vals[0], nil)
}

// size notes k and tracked, which are those of the first row.
func (f *frequent) size(args []arrow.Array) error {
	for i, a := range args {
		if a.Len() == 0 {
			continue
		}
		size := int64(0)
		if a.IsValid(0) {
			size = columnar.Values[int64](a)[0]
		}
		name := [2]string{"k", "tracked"}[i]
		switch {
		case size < 1 || size > topMost:
			return badSize(fmt.Sprintf("%s is not from 1 to %d", name, topMost))
		case f.known[i] && size != f.sizes[i]:
			return badSize(fmt.Sprintf("%s is %d after %d", name, size, f.sizes[i]))
		}
		f.sizes[i], f.known[i] = size, true
	}
	if k := f.sizes[0]; !f.known[1] {
		f.sizes[1] = max(topTracked, k)
	} else if k > f.sizes[1] {
		return badSize(fmt.Sprintf("k is %d of %d tracked values", k, f.sizes[1]))
	}
	return nil
}

func badSize(what string) error {
	return &kernels.Error{Code: kernels.CodeValue, Msg: "approx_top_k: " + what, Hint: "pass constants: approx_top_k(x, k, tracked)"}
}

// add adds values, with how many rows they have, nil for one each. It shrinks a
// group at the row that makes it too large, wherever batches are cut.
func (f *frequent) add(groups []uint32, n int, vals arrow.Array, counts []int64) error {
	f.of.grow(max(n, 1))
	f.lost.grow(max(n, 1))
	ids, err := f.pairs.find(groups, []arrow.Array{vals}, false)
	if err != nil {
		return err
	}
	f.counts.grow(f.pairs.table.Len())
	var gone []uint32
	for i, id := range ids {
		by := int64(1)
		if counts != nil {
			by = counts[i]
		}
		fresh := f.counts.v[id] == 0
		f.counts.v[id] += by
		if g := at(groups, i); fresh {
			if f.of.push(g, id); f.of.count(g) > 2*int(f.sizes[1]) {
				gone = f.shrink(g, gone)
			}
		}
	}
	gone = slices.DeleteFunc(gone, func(id uint32) bool { return f.counts.v[id] > 0 }) // came again
	f.pairs.table.Remove(gone)
	return nil
}

// shrink takes the number of value tracked+1 off all numbers of a group and adds
// the values that are gone then to gone.
func (f *frequent) shrink(g uint32, gone []uint32) []uint32 {
	ids := slices.Collect(f.of.of(g))
	f.ranks = f.ranks[:0]
	for _, id := range ids {
		f.ranks = append(f.ranks, f.counts.v[id])
	}
	slices.Sort(f.ranks)
	off := f.ranks[len(f.ranks)-1-int(f.sizes[1])]
	f.lost.v[g] += off
	f.of.reset([]uint32{g})
	for _, id := range ids {
		if f.counts.v[id] -= off; f.counts.v[id] > 0 {
			f.of.push(g, id)
		} else {
			f.counts.v[id] = 0
			gone = append(gone, id)
		}
	}
	return gone
}

// Merge implements Accumulator.
func (f *frequent) Merge(groups []uint32, n int, state ...arrow.Array) error {
	for i, a := range state[3:] {
		if a.Len() > 0 && a.IsValid(0) { // else it was not given
			f.sizes[i], f.known[i] = columnar.Values[int64](a)[0], true
		}
	}
	if err := f.size(nil); err != nil {
		return err
	}
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	_, counts := flatten(groups, state[1])
	defer counts.Release()
	if err := f.add(owners, n, vals, columnar.Values[int64](counts)); err != nil {
		return err
	}
	for i, off := range columnar.Values[int64](state[2]) {
		f.lost.v[at(groups, i)] += off
	}
	return nil
}

// State implements Accumulator.
func (f *frequent) State(groups []uint32) ([]arrow.Array, error) {
	out, err := f.mode.State(groups)
	if err != nil {
		return nil, err
	}
	f.lost.grow(f.of.len())
	groups = all(groups, f.of.len())
	lost := newResult[int64](f.mem, len(groups))
	for i, g := range groups {
		lost.v[i] = f.lost.v[g]
	}
	out = append(out, lost.array(arrow.PrimitiveTypes.Int64))
	for k, size := range f.sizes {
		col := newResult[int64](f.mem, len(groups))
		for i := range col.v {
			if col.v[i] = size; !f.known[k] {
				col.null(i)
			}
		}
		out = append(out, col.array(arrow.PrimitiveTypes.Int64))
	}
	return out, nil
}

// Final implements Accumulator.
func (f *frequent) Final(groups []uint32) (arrow.Array, error) {
	f.of.grow(need(groups))
	groups = all(groups, f.of.len())
	pairs := make([]uint32, 0, len(groups))
	offsets := newResult[int32](f.mem, len(groups)+1)
	for i, g := range groups {
		ids := slices.Collect(f.of.of(g))
		slices.SortStableFunc(ids, func(a, b uint32) int { return cmp.Compare(f.counts.v[b], f.counts.v[a]) })
		pairs = append(pairs, ids[:min(len(ids), int(f.sizes[0]))]...)
		offsets.v[i+1] = int32(len(pairs))
	}
	cols, err := f.pairs.values(pairs)
	if err != nil {
		offsets.array(arrow.PrimitiveTypes.Int32).Release()
		return nil, err
	}
	counts := newResult[int64](f.mem, len(pairs))
	for i, id := range pairs {
		counts.v[i] = f.counts.v[id]
	}
	cols = append(cols, counts.array(arrow.PrimitiveTypes.Int64))
	defer releaseAll(cols)
	items := newArray(f.out.Elem(), len(pairs), 0, []*memory.Buffer{nil}, cols...)
	defer items.Release()
	valid, nulls := f.of.some(f.mem, groups)
	return newArray(f.out, len(groups), nulls, []*memory.Buffer{valid.buffer(nulls), offsets.values}, items), nil
}

// Reset implements Accumulator.
func (f *frequent) Reset(groups []uint32) {
	f.mode.Reset(groups)
	f.lost.reset(groups)
}

// Bytes implements Accumulator.
func (f *frequent) Bytes() int64 { return f.mode.Bytes() + f.lost.bytes() + 8*int64(cap(f.ranks)) }

// Release implements Accumulator.
func (f *frequent) Release() {
	f.mode.Release()
	f.lost.release()
}
