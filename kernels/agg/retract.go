package agg

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Retractable is an Accumulator that takes rows back, for streams of changes.
type Retractable interface {
	Accumulator
	// Retract takes rows back, in the form of Update. Of equal rows of a group
	// the oldest goes, where that makes a difference; a row that is not there
	// is passed over, or makes a total wrong that only counts. A group all rows
	// of which have been taken back has the result of its initial state.
	Retract(groups []uint32, n int, args ...arrow.Array) error
}

// Retractable is the aggregate for a stream that takes rows back: its
// accumulators are [Retractable]. It has the arguments and the results of s,
// but for sums and averages of float64, which are exact until they are rounded
// once, and for values that come out with one NaN and one zero. The states are
// others than those of s.
//
// Counts, sums and averages have an inverse. min and max keep the values of a
// group in a heap, DISTINCT counts them, and all others keep the rows of a group
// and are computed anew from them. An error names the type that cannot be kept.
func (s *Spec) Retractable() (*Spec, error) {
	if s.retract != nil {
		return s.retract()
	}
	return keptSpec(s)
}

// itself is the retract of a spec whose accumulators take rows back anyway.
func itself(s *Spec) *Spec {
	s.retract = func() (*Spec, error) { return s, nil }
	return s
}

// pairing numbers the pairs of a group and a value of one or more columns.
type pairing struct {
	mem   memory.Allocator
	types []arrow.DataType // of the values
	table *Groups
	cols  []arrow.Array
	ids   []uint32
	zeros zeros
}

// checkPairs is an error when values of these types cannot be kept.
func checkPairs(types []arrow.DataType) error {
	_, err := checkKeyTypes(types)
	return err
}

// newPairing needs types that pass checkPairs.
func newPairing(mem memory.Allocator, types []arrow.DataType) pairing {
	table, _ := NewGroups(mem, append([]arrow.DataType{arrow.PrimitiveTypes.Uint32}, types...))
	return pairing{mem: mem, types: types, table: table}
}

// find numbers the pairs of rows, until the next call. With lookup, those that
// are not there are [NoGroup].
func (p *pairing) find(groups []uint32, vals []arrow.Array, lookup bool) ([]uint32, error) {
	n := vals[0].Len()
	owner := newResult[uint32](p.mem, n)
	copy(owner.v, p.zeros.of(groups, n))
	owners := owner.array(arrow.PrimitiveTypes.Uint32)
	defer owners.Release()
	p.cols = append(append(p.cols[:0], owners), vals...)
	defer clear(p.cols)
	if cap(p.ids) < n {
		p.ids = make([]uint32, n)
	}
	p.ids = p.ids[:n]
	if lookup {
		return p.ids, p.table.Lookup(p.cols, p.ids)
	}
	return p.ids, p.table.Find(p.cols, p.ids)
}

// values are the values of pairs; the caller releases them.
func (p *pairing) values(ids []uint32) ([]arrow.Array, error) {
	cols, err := p.table.Keys(ids)
	if err != nil {
		return nil, err
	}
	cols[0].Release()
	return cols[1:], nil
}

func (p *pairing) bytes() int64 { return p.table.Bytes() + 4*int64(cap(p.ids)+cap(p.zeros)) }
func (p *pairing) release()     { p.table.Release() }

// valued are the rows whose first argument is not NULL, and their groups; the
// caller releases the columns.
func valued(mem memory.Allocator, groups []uint32, args []arrow.Array) ([]uint32, []arrow.Array, error) {
	valid := logicalValidity(args[0])
	if args[0].DataType().ID() == arrow.NULL {
		valid = columnar.NewBitmap(args[0].Len())
	}
	some := slices.Clone(args)
	if valid.Count() == args[0].Len() {
		for _, a := range some {
			a.Retain()
		}
		return groups, some, nil
	}
	for i, a := range args {
		var err error
		if some[i], err = kernels.FilterArray(mem, a, valid); err != nil {
			releaseAll(some[:i])
			return nil, nil, err
		}
	}
	if groups == nil {
		return nil, some, nil
	}
	kept := make([]uint32, 0, some[0].Len())
	for lo, hi := range valid.Runs() {
		kept = append(kept, groups[lo:hi]...)
	}
	return kept, some, nil
}
