package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// truth is a boolean datum as two bitmaps per word: rows that are TRUE and rows
// that are FALSE; the others are NULL.
type truth struct {
	values, valid columnar.Bitmap
}

func truthOf(d Datum, n int) truth {
	if d.Null() {
		none := columnar.NewBitmap(n)
		return truth{none, none}
	}
	return truth{boolBits(d, n), validBits(d, n)}
}

func (t truth) word(w int) (isTrue, isFalse uint64) {
	v, ok := t.values.Word(w), t.valid.Word(w)
	return v & ok, ok &^ v
}

// connective is AND or OR in three-valued logic, 64 rows at a time.
type connective int

const (
	opAnd connective = iota
	opOr
)

func (op connective) kernel() Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		out := newBools(mem, n)
		if len(args) > 0 && noneNull(args) {
			op.combine(out.bits, args)
			return out.finish(noNulls(mem, n)), nil
		}
		valid := noNulls(mem, n)
		valid.own()
		var few [4]truth
		truths := few[:0]
		for _, d := range args {
			truths = append(truths, truthOf(d, n))
		}
		for w := range out.bits.Words() {
			all := lowBits(n - 64*w)
			t, f := uint64(0), all
			if op == opAnd {
				t, f = f, t
			}
			for _, d := range truths {
				x, y := d.word(w)
				if op == opAnd {
					t, f = t&x, f|y
				} else {
					t, f = t|x, f&y
				}
			}
			out.bits.PutWord(w, t)
			valid.bits.PutWord(w, (t|f)&all)
		}
		valid.nulls = n - valid.bits.Count()
		return out.finish(valid), nil
	}
}

// noneNull reports whether no row of the booleans args is NULL.
func noneNull(args []Datum) bool {
	for _, d := range args {
		if d.Null() || !d.Const && !columnar.Validity(d.Array).All() {
			return false
		}
	}
	return true
}

// combine sets out to the connective of columns without nulls.
func (op connective) combine(out columnar.Bitmap, args []Datum) {
	out.CopyFrom(boolBits(args[0], out.N))
	for _, d := range args[1:] {
		if op == opAnd {
			out.AndWith(boolBits(d, out.N))
		} else {
			out.OrWith(boolBits(d, out.N))
		}
	}
}

// not is NOT: NULL stays NULL.
func not(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, boolType, n), nil
	}
	out := newBools(mem, n)
	out.bits.CopyFrom(boolBits(args[0], n))
	out.bits.Invert()
	return out.finish(strict(mem, n, args...)), nil
}

// isNullKernel is IS NULL, or IS NOT NULL.
func isNullKernel(null bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		out := newBools(mem, n)
		out.bits.CopyFrom(logicalValidity(args[0], n))
		if null {
			out.bits.Invert()
		}
		return out.finish(noNulls(mem, n)), nil
	}
}

// logicalValidity is validBits that also sees NULLs among the values of a
// dictionary.
func logicalValidity(d Datum, n int) columnar.Bitmap {
	valid := validBits(d, n)
	codes, values, ok := columnar.Dictionary(d.Array)
	if !ok || values.NullN() == 0 || d.Const {
		return valid
	}
	out := columnar.NewBitmap(n)
	for i, c := range codes {
		if valid.Get(i) && values.IsValid(int(c)) {
			out.Set(i)
		}
	}
	return out
}

// isKernel is IS TRUE, IS FALSE and their negations.
func isKernel(want, negated bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		x := truthOf(args[0], n)
		out := newBools(mem, n)
		for w := range out.bits.Words() {
			t, f := x.word(w)
			if !want {
				t = f
			}
			if negated {
				t = ^t
			}
			out.bits.PutWord(w, t&lowBits(n-64*w))
		}
		return out.finish(noNulls(mem, n)), nil
	}
}
