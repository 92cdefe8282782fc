package mlkernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// encode returns the features of b. The matrix is valid until the next call
// and while b is: columns of float64 without nulls are read in place.
func (e *encoder) encode(b arrow.Record) (*Matrix, error) {
	n := int(b.NumRows())
	e.x.Rows, e.x.Bad = n, nil
	for k := range e.features {
		if f := &e.features[k]; f.kind == kindVector && f.size == 0 {
			e.resolve(f, b.Column(f.col), n)
		}
	}
	cats := 0
	base := int32(0)
	for k := range e.features {
		f := &e.features[k]
		a := b.Column(f.col)
		var err error
		switch f.kind {
		case kindNumber:
			err = e.numbers(f, a)
		case kindVector:
			err = e.vectors(f, a)
		default:
			err = e.categories(f, k, a, cats, base)
			cats++
			if !e.hash {
				base += int32(e.capacity(f))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	e.rows += int64(n)
	return &e.x, nil
}

// mark notes that row i cannot be used.
func (e *encoder) mark(i int) {
	if e.x.Bad == nil {
		e.bad = grow(e.bad, e.x.Rows)
		clear(e.bad)
		e.x.Bad = e.bad
	}
	e.x.Bad[i] = true
}

// resolve fixes the length of a list feature by its first row that is not
// null; rows before it stay unusable.
func (e *encoder) resolve(f *feature, a arrow.Array, n int) {
	for i := range n {
		if a.IsValid(i) && !e.frozen {
			if from, to := a.(array.ListLike).ValueOffsets(i); to > from {
				f.size = int(to - from)
				e.layout()
				return
			}
		}
		e.mark(i)
	}
}

func (e *encoder) column(j int) []float64 {
	e.owned[j] = grow(e.owned[j], e.x.Rows)
	return e.owned[j]
}

// numbers encodes a column of numbers.
func (e *encoder) numbers(f *feature, a arrow.Array) error {
	valid := columnar.Validity(a)
	var col []float64
	col, e.owned[f.base] = column(e.owned[f.base], a)
	e.x.Dense[f.base] = col
	switch {
	case e.policy == Skip:
		e.skip(col, valid)
		return nil
	case e.policy != Impute && valid.All() && allFinite(col):
		return nil
	case e.policy != Fail && a.DataType().ID() == arrow.FLOAT64:
		view := col
		col = e.column(f.base)
		copy(col, view)
		e.x.Dense[f.base] = col
	}
	return e.fill(f, 0, col, valid)
}

// skip marks the rows where a column is null or not finite; the values there
// stay what they are.
func (e *encoder) skip(col []float64, valid columnar.Bitmap) {
	for i := range clearBits(valid) {
		e.mark(i)
	}
	if allFinite(col) {
		return
	}
	for i, v := range col {
		if !finite(v) {
			e.mark(i)
		}
	}
}

// fill applies the policies other than skip to dense column k of a feature.
func (e *encoder) fill(f *feature, k int, col []float64, valid columnar.Bitmap) error {
	for i, v := range col {
		if valid.Get(i) && finite(v) {
			if e.policy == Impute && !e.frozen {
				f.count[k]++
				f.mean[k] += (v - f.mean[k]) / f.count[k]
			}
			continue
		}
		switch e.policy {
		case Fail:
			value := "null"
			if valid.Get(i) {
				value = fmt.Sprint(v)
			}
			return e.refuse(f, i, value, "a feature is NULL or not finite; nan_policy 'skip', 'zero' or 'impute' would go on")
		case Zero:
			col[i] = 0
		case Impute:
			col[i] = f.mean[k]
		}
	}
	return nil
}

func (e *encoder) refuse(f *feature, i int, value, why string) error {
	return &arrowstream.DataError{Source: "mlkernels", Where: fmt.Sprintf("row %d", e.rows+int64(i)+1), Column: f.name, Value: value, Err: fmt.Errorf("%s", why), Hint: leaveOut}
}

// vectors encodes a column of lists of numbers.
func (e *encoder) vectors(f *feature, a arrow.Array) error {
	if f.size == 0 {
		return nil
	}
	list, ok := a.(array.ListLike)
	if !ok {
		return e.refuse(f, 0, "", "not a list")
	}
	values, first := entries(list)
	defer values.Release()
	var child []float64
	child, e.child = column(e.child, values)
	childValid := columnar.Validity(values)
	valid := columnar.Validity(a)
	e.starts = grow(e.starts, e.x.Rows)
	for i := range e.starts {
		e.starts[i] = -1
		if !valid.Get(i) {
			continue
		}
		from, to := list.ValueOffsets(i)
		if int(to-from) != f.size {
			return e.refuse(f, i, "", fmt.Sprintf("a vector of %d numbers, want %d", to-from, f.size))
		}
		e.starts[i] = int(from) - first
	}
	plain := valid.All() && childValid.All()
	known := columnar.Bitmap{N: e.x.Rows}
	for k := range f.size {
		col := e.column(f.base + k)
		e.x.Dense[f.base+k] = col
		if plain {
			for i, at := range e.starts {
				col[i] = child[at+k]
			}
			if e.policy != Impute && e.policy != Skip && allFinite(col) {
				continue
			}
		} else {
			known = columnar.NewBitmap(e.x.Rows)
			for i, at := range e.starts {
				if col[i] = 0; at >= 0 && childValid.Get(at+k) {
					col[i] = child[at+k]
					known.Set(i)
				}
			}
		}
		if e.policy == Skip {
			e.skip(col, known)
		} else if err := e.fill(f, k, col, known); err != nil {
			return err
		}
	}
	return nil
}

// entries are the values of the rows of a list column, owned, and where they
// start among all it holds: a slice of a long column has few of them.
func entries(list array.ListLike) (values arrow.Array, first int) {
	var from, to int64
	if n := list.Len(); n > 0 {
		from, _ = list.ValueOffsets(0)
		_, to = list.ValueOffsets(n - 1)
	}
	return array.NewSlice(list.ListValues(), from, to), int(from)
}

// categories encodes a column of strings as indices of weights; k is the
// number of the feature, cat its number among those of categories.
func (e *encoder) categories(f *feature, k int, a arrow.Array, cat int, base int32) error {
	e.ownedC[cat] = grow(e.ownedC[cat], e.x.Rows)
	out := e.ownedC[cat]
	e.x.Cats[cat] = out
	valid := columnar.Validity(a)
	codes, values, dict := columnar.Dictionary(a)
	if !dict {
		values = a
	}
	text := columnar.StringsOf(values)
	dictValid := columnar.Validity(values)
	if dict {
		e.memo = grow(e.memo, values.Len())
		for i := range e.memo {
			e.memo[i] = -2
		}
	}
	for i := range out {
		at := i
		if dict {
			at = int(codes[i])
		}
		if !valid.Get(i) || dict && !dictValid.Get(at) {
			out[i] = -1
			switch e.policy {
			case Fail:
				return e.refuse(f, i, "null", "a feature is NULL; nan_policy 'skip' or 'zero' would go on")
			case Skip:
				e.mark(i)
			}
			continue
		}
		if dict {
			if e.memo[at] == -2 {
				e.memo[at] = e.category(f, k, text.String(at), base)
			}
			out[i] = e.memo[at]
			continue
		}
		out[i] = e.category(f, k, text.String(i), base)
	}
	return nil
}

// category is the weight of a value, -1 for one without.
func (e *encoder) category(f *feature, k int, value string, base int32) int32 {
	if e.hash {
		return int32(xxh3.HashStringSeed(value, e.seed+uint64(k)*0x9e3779b97f4a7c15) % uint64(e.buckets))
	}
	if i, ok := f.lookup[value]; ok {
		return base + i
	}
	if e.frozen || f.closed || len(f.vocabulary) >= e.most {
		return -1
	}
	value = string(append([]byte(nil), value...))
	f.add(value)
	return base + f.lookup[value]
}
