package mlkernels

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// ScalarPredictor is a model as a function of one value: a vector of numbers,
// or a string that is a libsvm line ("[label] 1:0.5 3:2", indices from 1) or
// numbers separated by blanks or commas, where one number too many in front is
// a label and left out. The numbers are the features of the model in order. It
// may be used by several goroutines.
type ScalarPredictor struct {
	m     *Model
	dense int
}

// NewScalarPredictor loads the model file at path.
func NewScalarPredictor(a *arrowstream.Access, path string) (*ScalarPredictor, error) {
	m, err := Load(a, path)
	if err != nil {
		return nil, err
	}
	return m.Scalar()
}

// Scalar is m as a function of one value.
func (m *Model) Scalar() (*ScalarPredictor, error) {
	if m.enc == nil || !m.bound {
		return nil, &arrowstream.Error{Code: "AS7015", Msg: "the model has not been trained"}
	}
	dense, width := m.enc.shape()
	if width > 0 {
		return nil, &arrowstream.Error{Code: "AS7017", Msg: "the model has string features: it cannot be called with a vector", Hint: "use ML_PREDICT with the columns of the model"}
	}
	if m.labels != nil && m.kind.Task == Classification && m.labels.form == labelText {
		return nil, &arrowstream.Error{Code: "AS7017", Msg: "the classes of the model are strings: the function returns a number", Hint: "use ML_PREDICT"}
	}
	return &ScalarPredictor{m: m, dense: dense}, nil
}

// Predict returns for every row the class, the value or, for k-means, the
// number of the center counted from 0, owned. A NULL, or a vector with a NULL
// or a number that is not finite, gives NULL; a string that cannot be read or a
// vector of another length is an error.
func (p *ScalarPredictor) Predict(mem memory.Allocator, a arrow.Array) (arrow.Array, error) {
	x := &Matrix{Rows: a.Len(), Bad: make([]bool, a.Len()), Dense: make([][]float64, p.dense)}
	flat := make([]float64, a.Len()*p.dense)
	for j := range x.Dense {
		x.Dense[j] = flat[j*a.Len() : (j+1)*a.Len()]
	}
	var err error
	switch a := a.(type) {
	case array.ListLike:
		err = p.lists(x, a)
	default:
		if kind, _, ok := kindOf(a.DataType()); !ok || kind != kindCategory {
			return nil, &arrowstream.Error{Code: "AS7017", Msg: fmt.Sprintf("a model cannot be called with %s", columnar.TypeName(a.DataType())), Hint: "pass a VECTOR, an array of numbers or a string"}
		}
		err = p.strings(x, a)
	}
	if err != nil {
		return nil, err
	}
	var s Scores
	p.m.learner.Score(x, &Scratch{}, &s)
	out := make([]float64, a.Len())
	if len(s.PerClass) > 0 {
		p.m.labels.pick(&s)
	}
	for i, valid := range s.Valid {
		switch {
		case !valid:
		case p.m.kind.Task == Regression:
			out[i] = s.Value[i]
		case p.m.kind.Task == Clustering:
			out[i] = float64(s.Class[i])
		case p.m.labels.binary:
			out[i] = p.m.labels.value(int(s.Class[i]))
		default:
			out[i] = p.m.labels.numbers[s.Class[i]]
		}
	}
	v := validityOf(mem, s.Valid)
	defer v.release()
	return copied(mem, arrow.PrimitiveTypes.Float64, out, v), nil
}

// lists reads vectors.
func (p *ScalarPredictor) lists(x *Matrix, a array.ListLike) error {
	values := a.ListValues()
	if kind, _, ok := kindOf(values.DataType()); !ok || kind != kindNumber {
		return &arrowstream.Error{Code: "AS7017", Msg: fmt.Sprintf("a model cannot be called with %s", columnar.TypeName(a.DataType())), Hint: "pass a VECTOR, an array of numbers or a string"}
	}
	child := make([]float64, values.Len())
	widen(child, values)
	for i := range x.Rows {
		if a.IsNull(i) {
			x.Bad[i] = true
			continue
		}
		from, to := a.ValueOffsets(i)
		if int(to-from) != p.dense {
			return fmt.Errorf("mlkernels: the model takes %d features, row %d has %d", p.dense, i+1, to-from)
		}
		for j := range p.dense {
			v := child[int(from)+j]
			if values.IsNull(int(from)+j) || !finite(v) {
				x.Bad[i], v = true, 0
			}
			x.Dense[j][i] = v
		}
	}
	return nil
}

// strings reads libsvm lines and lists of numbers.
func (p *ScalarPredictor) strings(x *Matrix, a arrow.Array) error {
	var col valueColumn
	col.open(a)
	row := make([]float64, p.dense)
	for i := range x.Rows {
		at := i
		if col.dict {
			at = int(col.codes[i])
		}
		if !col.valid.Get(i) || col.dict && !col.known.Get(at) {
			x.Bad[i] = true
			continue
		}
		if err := parseFeatures(col.text.String(at), row); err != nil {
			return fmt.Errorf("mlkernels: row %d: %w", i+1, err)
		}
		for j, v := range row {
			if !finite(v) {
				x.Bad[i], v = true, 0
			}
			x.Dense[j][i] = v
		}
	}
	return nil
}

// parseFeatures reads one row of features.
func parseFeatures(line string, row []float64) error {
	clear(row)
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	if strings.Contains(line, ":") {
		if len(fields) > 0 && !strings.Contains(fields[0], ":") {
			fields = fields[1:]
		}
		for _, f := range fields {
			index, value, _ := strings.Cut(f, ":")
			k, err1 := strconv.Atoi(index)
			v, err2 := strconv.ParseFloat(value, 64)
			if err1 != nil || err2 != nil && !math.IsInf(v, 0) {
				return fmt.Errorf("%q is not index:value", f)
			}
			if k < 1 || k > len(row) {
				return fmt.Errorf("index %d: the model takes features 1 to %d", k, len(row))
			}
			row[k-1] = v
		}
		return nil
	}
	if len(fields) == len(row)+1 {
		fields = fields[1:]
	}
	if len(fields) != len(row) {
		return fmt.Errorf("%d numbers, the model takes %d features", len(fields), len(row))
	}
	for j, f := range fields {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil && !math.IsInf(v, 0) {
			return fmt.Errorf("%q is not a number", f)
		}
		row[j] = v
	}
	return nil
}
