package agg

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// count counts rows: all of them for count(*), those with a value for
// count(x), those with two for regr_count(y, x), those that are true for
// count_if(x). State: int64 n.
type count struct {
	mem memory.Allocator
	n   column[int64]
	of  counted

	scratch []byte // which rows are true and not NULL
}

// counted says which rows count.
type counted int

const (
	countRows counted = iota
	countValues
	countTrue
)

func bindCount(f *Function, args []arrow.DataType) (*Spec, error) {
	switch len(args) {
	case 0:
		return countSpec(countRows), nil
	case 1:
		return countSpec(countValues, args...), nil
	}
	return nil, f.arity(args, 1)
}

func bindCountIf(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if args[0].ID() != arrow.BOOL {
		return nil, f.refuse(args[0], "a boolean")
	}
	return countSpec(countTrue, args...), nil
}

func bindRegrCount(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.numbers(args, 2); err != nil {
		return nil, err
	}
	return countSpec(countValues, args...), nil
}

func countSpec(of counted, args ...arrow.DataType) *Spec {
	return itself(&Spec{
		Args: args, Out: arrow.PrimitiveTypes.Int64, StateTypes: []arrow.DataType{arrow.PrimitiveTypes.Int64},
		Merge: true, OrderFree: true, Slide: slideCount(of),
		New: func(mem memory.Allocator) Accumulator { return &count{mem: mem, n: column[int64]{mem: mem}, of: of} },
	})
}

// Update implements Accumulator. count(*) has no argument; with groups nil it
// takes one column of any type, which only tells the number of rows.
func (c *count) Update(groups []uint32, n int, args ...arrow.Array) error {
	return c.add(groups, n, 1, args)
}

// Retract implements Retractable.
func (c *count) Retract(groups []uint32, n int, args ...arrow.Array) error {
	return c.add(groups, n, -1, args)
}

// add counts every row by.
func (c *count) add(groups []uint32, n int, by int64, args []arrow.Array) error {
	c.n.grow(max(n, 1))
	var rows columnar.Bitmap
	switch {
	case c.of == countRows && groups != nil:
		rows = columnar.Bitmap{N: len(groups)}
	case len(args) == 0:
		return errors.New("agg: count(*) of ungrouped rows: pass a column to tell how many there are")
	case c.of == countRows:
		rows = columnar.Bitmap{N: args[0].Len()}
	case c.of == countTrue:
		rows = c.trueRows(args[0])
	default:
		rows = known(args)
	}
	if groups == nil {
		c.n.v[0] += by * int64(rows.Count())
		return nil
	}
	counts := c.n.v
	for lo, hi := range rows.Runs() {
		for _, g := range groups[lo:hi] {
			counts[g] += by
		}
	}
	return nil
}

// known are the rows where every argument has a value.
func known(args []arrow.Array) columnar.Bitmap {
	rows := logicalValidity(args[0])
	for _, a := range args[1:] {
		rows = columnar.And(rows, logicalValidity(a))
	}
	return rows
}

// trueRows are the rows of a that are true and not NULL.
func (c *count) trueRows(a arrow.Array) columnar.Bitmap {
	valid, bools := columnar.Validity(a), columnar.Bools(a)
	if valid.All() {
		return bools
	}
	size := columnar.BitmapBytes(a.Len())
	if cap(c.scratch) < size {
		c.scratch = make([]byte, size)
	}
	rows := columnar.Bitmap{Bits: c.scratch[:size], N: a.Len()}
	rows.CopyFrom(valid)
	rows.AndWith(bools)
	return rows
}

// Merge implements Accumulator.
func (c *count) Merge(groups []uint32, n int, state ...arrow.Array) error {
	c.n.grow(max(n, 1))
	for i, x := range columnar.Values[int64](state[0]) {
		c.n.v[at(groups, i)] += x
	}
	return nil
}

// State implements Accumulator.
func (c *count) State(groups []uint32) ([]arrow.Array, error) {
	a, err := c.Final(groups)
	return []arrow.Array{a}, err
}

// Final implements Accumulator.
func (c *count) Final(groups []uint32) (arrow.Array, error) {
	c.n.grow(need(groups))
	groups = all(groups, len(c.n.v))
	out := newResult[int64](c.mem, len(groups))
	for i, g := range groups {
		out.v[i] = c.n.v[g]
	}
	return out.array(arrow.PrimitiveTypes.Int64), nil
}

// Reset implements Accumulator.
func (c *count) Reset(groups []uint32) { c.n.reset(groups) }

// Bytes implements Accumulator.
func (c *count) Bytes() int64 { return c.n.bytes() }

// Release implements Accumulator.
func (c *count) Release() { c.n.release() }

// at is the group of row i.
func at(groups []uint32, i int) uint32 {
	if groups == nil {
		return 0
	}
	return groups[i]
}

// logicalValidity is the validity of a, where a dictionary code that leads to
// a null entry counts as null.
func logicalValidity(a arrow.Array) columnar.Bitmap {
	valid := columnar.Validity(a)
	codes, values, ok := columnar.Dictionary(a)
	if !ok || values.NullN() == 0 {
		return valid
	}
	entries, out := columnar.Validity(values), columnar.NewBitmap(a.Len())
	for i, c := range codes {
		if valid.Get(i) && entries.Get(int(c)) {
			out.Set(i)
		}
	}
	return out
}
