package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// in is x IN (a, b, ...): TRUE if x equals one of them, else NULL if x or one
// of them is NULL, else FALSE. A list of constants that is longer than a few is
// looked up in a set.
func in(t arrow.DataType, set *memberSet) Kernel {
	eq := opEq
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		x := args[0]
		if x.Null() {
			return Nulls(mem, boolType, n), nil
		}
		hits := columnar.NewBitmap(n)
		unknown := columnar.NewBitmap(n)
		valid := validBits(x, n)
		if set != nil {
			set.fill(hits, x, n)
			if set.null {
				setAll(unknown)
			}
		} else {
			for _, d := range args[1:] {
				if d.Null() || isNull(d.Type()) {
					setAll(unknown)
					continue
				}
				v := validBits(d, n)
				same := columnar.NewBitmap(n)
				eq.fill(same, x, d)
				for w := range hits.Words() {
					hits.PutWord(w, hits.Word(w)|same.Word(w)&v.Word(w))
					unknown.PutWord(w, unknown.Word(w)|^v.Word(w)&lowBits(n-64*w))
				}
			}
		}
		out := newBools(mem, n)
		known := noNulls(mem, n)
		known.own()
		for w := range hits.Words() {
			h := hits.Word(w) & valid.Word(w)
			out.bits.PutWord(w, h)
			known.bits.PutWord(w, valid.Word(w)&(h|^unknown.Word(w))&lowBits(n-64*w))
		}
		known.nulls = n - known.bits.Count()
		return out.finish(known), nil
	}
}

// memberSet is a constant list of integers or texts.
type memberSet struct {
	ints  map[int64]struct{}
	texts map[string]struct{}
	wide  bool // 64-bit integers, else 32-bit
	null  bool // the list holds a NULL
}

// newMemberSet returns the set of the constants of type t, nil if the list is
// short, not constant or of another type.
func newMemberSet(t arrow.DataType, list []Arg) *memberSet {
	// A few comparisons of numbers are faster than a look-up.
	if len(list) < 4 || t.ID() != arrow.STRING && len(list) < 12 {
		return nil
	}
	s := &memberSet{}
	switch t.ID() {
	case arrow.INT32, arrow.DATE32:
		s.ints = make(map[int64]struct{})
	case arrow.INT64, arrow.TIMESTAMP:
		s.ints, s.wide = make(map[int64]struct{}), true
	case arrow.STRING:
		s.texts = make(map[string]struct{})
	default:
		return nil
	}
	mem := memory.NewGoAllocator()
	for _, a := range list {
		if a.Const == nil {
			return nil
		}
		c, err := Cast(mem, a.Const, t, false)
		switch {
		case err != nil:
			return nil
		case c.IsNull(0):
			s.null = true
		case s.texts != nil:
			s.texts[string(columnar.StringsOf(c).Bytes(0))] = struct{}{}
		case s.wide:
			s.ints[columnar.Values[int64](c)[0]] = struct{}{}
		default:
			s.ints[int64(columnar.Values[int32](c)[0])] = struct{}{}
		}
	}
	return s
}

func (s *memberSet) fill(hits columnar.Bitmap, x Datum, n int) {
	mask := x.mask()
	switch {
	case s.texts != nil:
		texts := x.texts()
		for i := range n {
			if _, ok := s.texts[texts.String(i&mask)]; ok {
				hits.Set(i)
			}
		}
	case s.wide:
		values := columnar.Values[int64](x.Array)
		for i := range n {
			if _, ok := s.ints[values[i&mask]]; ok {
				hits.Set(i)
			}
		}
	default:
		values := columnar.Values[int32](x.Array)
		for i := range n {
			if _, ok := s.ints[int64(values[i&mask])]; ok {
				hits.Set(i)
			}
		}
	}
}
