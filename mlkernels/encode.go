package mlkernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// The kinds of features.
const (
	kindNumber   = "number"
	kindCategory = "category"
	kindVector   = "vector"
)

// feature is one feature column and its place among the weights.
type feature struct {
	name string
	kind string
	size int // dense columns: 1 for a number, the length of a vector, 0 while not known
	col  int // column of the bound schema
	base int // index of the first dense column

	vocabulary []string         // categories of one_hot by index
	lookup     map[string]int32 // their inverse
	closed     bool             // the vocabulary was declared
	count      []float64        // impute: values so far and their mean, per dense column
	mean       []float64
}

// encoder turns the feature columns of batches into a Matrix. It remembers
// vocabularies, the length of list features and, for imputing, means.
type encoder struct {
	policy   Policy
	hash     bool
	buckets  int
	most     int
	seed     uint64
	features []feature
	frozen   bool
	rows     int64

	x      Matrix
	owned  [][]float64
	ownedC [][]int32
	bad    []bool
	memo   []int32
	child  []float64
	starts []int
}

// kindOf is the kind of feature a column of type t is, and its length.
func kindOf(t arrow.DataType) (kind string, size int, ok bool) {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return kindCategory, 0, t.ValueType.ID() == arrow.STRING || t.ValueType.ID() == arrow.LARGE_STRING
	case *arrow.FixedSizeListType:
		_, numeric := numbers[t.Elem().ID()]
		return kindVector, int(t.Len()), numeric
	case *arrow.ListType:
		_, numeric := numbers[t.Elem().ID()]
		return kindVector, 0, numeric
	}
	switch t.ID() {
	case arrow.STRING, arrow.LARGE_STRING:
		return kindCategory, 0, true
	case arrow.BOOL, arrow.DECIMAL128:
		return kindNumber, 1, true
	}
	_, numeric := numbers[t.ID()]
	return kindNumber, 1, numeric
}

func newEncoder(spec *Spec) *encoder {
	return &encoder{policy: spec.Policy, hash: spec.Encoding == "hash", buckets: spec.HashBuckets, most: spec.MaxCategories, seed: spec.Seed}
}

// define fixes the features from a schema.
func (e *encoder) define(in *arrow.Schema, names []string, vocabulary map[string][]string) error {
	for _, name := range names {
		f := feature{name: name}
		i := columnar.Index(in, name)
		if i < 0 {
			return &arrowstream.Error{Code: "AS7010", Msg: fmt.Sprintf("feature %q: no such column", name), Hint: arrowstream.Suggest(name, columnar.Names(in), "columns")}
		}
		t := in.Field(i).Type
		var ok bool
		if f.kind, f.size, ok = kindOf(t); !ok {
			return &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("feature %q: type %s is not a number, a string or a vector of numbers", name, columnar.TypeName(t)), Hint: "leave it out of the features or convert it, for instance with EXTRACT or CAST"}
		}
		if f.kind == kindCategory && !e.hash {
			f.lookup = map[string]int32{}
			for _, v := range vocabulary[name] {
				f.add(v)
			}
			f.closed = len(vocabulary[name]) > 0
			if len(f.vocabulary) > e.most {
				return optionError("max_categories", fmt.Sprintf("%d for %d declared categories of %q", e.most, len(f.vocabulary), name), "at least the number of declared categories")
			}
		}
		e.features = append(e.features, f)
	}
	if len(e.features) == 0 {
		return &arrowstream.Error{Code: "AS7010", Msg: "no features", Hint: "the model needs at least one column besides the label"}
	}
	return e.bind(in)
}

func (f *feature) add(value string) {
	if _, ok := f.lookup[value]; !ok {
		f.lookup[value] = int32(len(f.vocabulary))
		f.vocabulary = append(f.vocabulary, value)
	}
}

// bind finds the columns of the defined features in a schema and refuses one
// that does not fit, column by column.
func (e *encoder) bind(in *arrow.Schema) error {
	var wrong []string
	for k := range e.features {
		f := &e.features[k]
		i := columnar.Index(in, f.name)
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("%q (%s) is missing", f.name, f.kind))
			continue
		}
		kind, size, ok := kindOf(in.Field(i).Type)
		if !ok || kind != f.kind || size != 0 && f.size != 0 && size != f.size {
			wrong = append(wrong, fmt.Sprintf("%q is %s, the model wants a %s", f.name, columnar.TypeName(in.Field(i).Type), f.describe()))
			continue
		}
		if f.size == 0 {
			f.size = size
		}
		f.col = i
	}
	if e.tooWide() {
		return optionError("features", "their number", fmt.Sprintf("at most %d numbers per row", maxDense))
	}
	if len(wrong) > 0 {
		return &arrowstream.Error{Code: "AS7012", Msg: "the columns do not fit the model: " + joinList(wrong), Hint: "rename or cast the columns in the query that feeds the model"}
	}
	e.layout()
	return nil
}

// maxDense bounds the numbers per row.
const maxDense = 1 << 20

func (e *encoder) tooWide() bool {
	dense := 0
	for _, f := range e.features {
		dense += f.size
	}
	return dense > maxDense
}

func (f *feature) describe() string {
	if f.kind == kindVector && f.size > 0 {
		return fmt.Sprintf("vector[%d]", f.size)
	}
	return f.kind
}

func joinList(parts []string) string {
	out := ""
	for i, p := range parts {
		if i > 0 {
			out += "; "
		}
		out += p
	}
	return out
}

// layout gives every feature its place and makes room.
func (e *encoder) layout() {
	dense := 0
	for k := range e.features {
		f := &e.features[k]
		f.base = dense
		dense += f.size
		if e.policy == Impute && len(f.mean) != f.size {
			f.count, f.mean = make([]float64, f.size), make([]float64, f.size)
		}
	}
	e.x.Dense = make([][]float64, dense)
	e.owned = make([][]float64, dense)
	e.ownedC = nil
	e.x.Width = 0
	for _, f := range e.features {
		if f.kind != kindCategory {
			continue
		}
		e.ownedC = append(e.ownedC, nil)
		if e.hash {
			e.x.Width = e.buckets
		} else {
			e.x.Width += e.capacity(&f)
		}
	}
	e.x.Cats = make([][]int32, len(e.ownedC))
}

// capacity is the number of weights of a one-hot feature.
func (e *encoder) capacity(f *feature) int {
	if f.closed {
		return len(f.vocabulary)
	}
	return e.most
}

// known reports whether the lengths of all vectors are known.
func (e *encoder) known() bool {
	for _, f := range e.features {
		if f.kind == kindVector && f.size == 0 {
			return false
		}
	}
	return true
}

// shape is what a learner is bound to; valid once known.
func (e *encoder) shape() (dense, width int) { return len(e.x.Dense), e.x.Width }

// frozenCopy shares what e remembers and owns its scratch: it scores only.
func (e *encoder) frozenCopy() *encoder {
	c := *e
	c.features = append([]feature{}, e.features...)
	c.frozen = true
	c.x, c.owned, c.ownedC, c.bad, c.memo, c.child, c.starts = Matrix{}, nil, nil, nil, nil, nil, nil
	c.layout()
	return &c
}

// name is the display name of a weight.
func (e *encoder) name(w Weight) string {
	switch {
	case w.Feature >= 0:
		for _, f := range e.features {
			if at := w.Feature - f.base; f.kind != kindCategory && at >= 0 && at < f.size {
				if f.kind == kindVector {
					return fmt.Sprintf("%s[%d]", f.name, at+1)
				}
				return f.name
			}
		}
	case w.Category >= 0 && e.hash:
		return fmt.Sprintf("hash:%d", w.Category)
	case w.Category >= 0:
		at := w.Category
		for _, f := range e.features {
			if f.kind != kindCategory {
				continue
			}
			if at < len(f.vocabulary) {
				return f.name + "=" + f.vocabulary[at]
			}
			at -= e.capacity(&f)
		}
	}
	return "__INTERCEPT__"
}

func (e *encoder) save(w *stateWriter) {
	w.int(e.rows)
	w.int(int64(len(e.features)))
	for _, f := range e.features {
		w.text(f.name)
		w.text(f.kind)
		w.int(int64(f.size))
		w.texts(f.vocabulary)
		w.bool(f.closed)
		w.floats(f.count)
		w.floats(f.mean)
	}
}

func (e *encoder) load(r *stateReader) {
	e.rows = r.int()
	e.features = nil
	for range r.length(1) {
		f := feature{name: r.text(), kind: r.text(), size: int(r.int()), col: -1}
		vocabulary := r.texts()
		f.closed = r.bool()
		f.count, f.mean = r.floats(), r.floats()
		bad := f.kind != kindNumber && f.kind != kindCategory && f.kind != kindVector || f.size < 0 || f.size > maxDense ||
			len(f.count) != len(f.mean) || f.kind == kindNumber && f.size != 1 || f.kind == kindCategory && f.size != 0
		if bad || r.err != nil {
			r.fail()
			return
		}
		if f.kind == kindCategory && !e.hash {
			f.lookup = map[string]int32{}
			for _, v := range vocabulary {
				f.add(v)
			}
		}
		e.features = append(e.features, f)
	}
	if len(e.features) == 0 || e.tooWide() {
		r.fail()
		return
	}
	e.layout()
}
