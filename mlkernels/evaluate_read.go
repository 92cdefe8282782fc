package mlkernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// judgeColumns are the columns Evaluate reads.
type judgeColumns struct{ label, pred, prob int }

// findColumns looks the columns up and settles the task.
func (e *Evaluate) findColumns(in *arrow.Schema) error {
	find := func(what, name string) (int, error) {
		i := columnar.Index(in, name)
		if i < 0 {
			return -1, &arrowstream.Error{Code: "AS7010", Msg: fmt.Sprintf("%s %q: no such column", what, name), Hint: arrowstream.Suggest(name, columnar.Names(in), "columns")}
		}
		return i, nil
	}
	var err error
	if e.cols.label, err = find("label", e.Label); err != nil {
		return err
	}
	if e.cols.pred, err = find("prediction", cmpOr(e.Prediction, "predicted_"+e.Label)); err != nil {
		return err
	}
	if e.cols.prob = columnar.Index(in, "predicted_"+e.Label+"_probs"); e.Probability != "" {
		if e.cols.prob, err = find("probability", e.Probability); err != nil {
			return err
		}
	}
	label, ok1 := labelForm(in.Field(e.cols.label).Type)
	pred, ok2 := labelForm(in.Field(e.cols.pred).Type)
	if !ok1 || !ok2 || (label == labelText) != (pred == labelText) {
		return &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("label %q is %s, the prediction %s", e.Label, columnar.TypeName(in.Field(e.cols.label).Type), columnar.TypeName(in.Field(e.cols.pred).Type)), Hint: "both must be numbers, booleans or strings"}
	}
	e.classify = e.Task == "classification" || e.Task == "" && (e.cols.prob >= 0 || label != labelFloat && pred != labelFloat)
	if !e.classify && label == labelText {
		return &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("label %q is a string: no regression", e.Label)}
	}
	if e.cols.prob >= 0 {
		t := in.Field(e.cols.prob).Type
		if kind, _, ok := kindOf(t); !(ok && kind == kindNumber) && !isProbs(t) {
			return &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("probability %q: type %s is neither a number nor a list of {label, prob}", in.Field(e.cols.prob).Name, columnar.TypeName(t))}
		}
	}
	return nil
}

func isProbs(t arrow.DataType) bool {
	list, ok := t.(*arrow.ListType)
	if !ok {
		return false
	}
	s, ok := list.Elem().(*arrow.StructType)
	if !ok || s.NumFields() != 2 || s.Field(1).Type.ID() != arrow.FLOAT64 {
		return false
	}
	_, ok = labelForm(s.Field(0).Type)
	return ok
}

// judgeRows are the columns of one batch, opened. It is used again for the
// next batch.
type judgeRows struct {
	label, pred valueColumn

	probValid columnar.Bitmap
	prob      []float64 // probability as a number; nil without
	probBuf   []float64
	starts    []int32 // probability as lists: where they start; nil without
	listLabel valueColumn
	listProb  []float64
}

// valueColumn reads the classes or numbers of a column.
type valueColumn struct {
	valid   columnar.Bitmap
	numbers []float64 // of a column that is not text
	isBool  bool
	text    columnar.Strings
	codes   []int32
	dict    bool
	known   columnar.Bitmap // validity of the dictionary

	class      []int32 // per row: its class, noClass or unseenClass
	memo       []int32 // classes of the dictionary
	buf        []float64
	classified []int32
}

func (v *valueColumn) open(a arrow.Array) {
	*v = valueColumn{valid: columnar.Validity(a), isBool: a.DataType().ID() == arrow.BOOL, memo: v.memo, buf: v.buf, classified: v.classified}
	if form, _ := labelForm(a.DataType()); form != labelText {
		v.numbers, v.buf = column(v.buf, a)
		return
	}
	codes, values, dict := columnar.Dictionary(a)
	if v.dict = dict; !dict {
		values = a
	}
	v.codes, v.text, v.known = codes, columnar.StringsOf(values), columnar.Validity(values)
	if dict {
		v.memo = grow(v.memo, values.Len())
		for k := range v.memo {
			v.memo[k] = unseenClass
		}
	}
}

// find looks up the classes of all n rows that have one by now; new ones are
// left to see, row by row, because the order of rows over all columns gives
// classes their numbers. About 1 ns per row for small integers.
func (v *valueColumn) find(n int, ids *classIDs) {
	v.classified = grow(v.classified, n)
	v.class = v.classified
	switch {
	case v.isBool:
		both := [2]int32{ids.findNumber(0), ids.findNumber(1)}
		for i, x := range v.numbers {
			v.class[i] = both[int(x)&1]
		}
	case v.numbers != nil:
		for i, x := range v.numbers {
			v.class[i] = ids.findNumber(x)
		}
	case v.dict:
		for i, code := range v.codes {
			id := int32(unseenClass)
			if int(code) < len(v.memo) {
				if id = v.memo[code]; id == unseenClass && v.known.Get(int(code)) {
					id = ids.findText(v.text.Bytes(int(code)))
					v.memo[code] = id
				}
			}
			v.class[i] = id
		}
	default:
		for i := range v.class {
			v.class[i] = ids.findText(v.text.Bytes(i))
		}
	}
	for i := range clearBits(v.valid) {
		v.class[i] = noClass
	}
}

// see is the class of row i.
func (v *valueColumn) see(i int, ids *classIDs) int32 {
	id := v.class[i]
	if id == unseenClass {
		id = v.meet(i, ids)
	}
	return id
}

// meet is see for a row whose class find did not know.
func (v *valueColumn) meet(i int, ids *classIDs) int32 {
	if v.numbers != nil {
		return ids.number(v.numbers[i], v.isBool)
	}
	if v.dict {
		if i = int(v.codes[i]); !v.known.Get(i) {
			return noClass
		}
	}
	return ids.text(v.text.Bytes(i))
}

// value is the number in row i, in regression.
func (v *valueColumn) value(i int) (float64, bool) {
	x := v.numbers[i]
	return x, finite(x) && v.valid.Get(i)
}

// read opens the columns of a batch.
func (e *Evaluate) read(b arrow.Record) error {
	r, n := &e.rows, int(b.NumRows())
	r.label.open(b.Column(e.cols.label))
	r.pred.open(b.Column(e.cols.pred))
	r.prob, r.starts = nil, nil
	if !e.classify {
		return nil
	}
	r.label.find(n, &e.ids)
	r.pred.find(n, &e.ids)
	if e.cols.prob < 0 || n == 0 {
		return nil
	}
	a := b.Column(e.cols.prob)
	r.probValid = columnar.Validity(a)
	list, ok := a.(*array.List)
	if !ok {
		r.prob, r.probBuf = column(r.probBuf, a)
		return nil
	}
	values, first := entries(list)
	defer values.Release()
	pairs, ok := values.(*array.Struct)
	if !ok {
		return fmt.Errorf("mlkernels: evaluate: probabilities are not lists of {label, prob}")
	}
	r.listLabel.open(pairs.Field(0))
	r.listLabel.find(values.Len(), &e.ids)
	r.listProb = columnar.Values[float64](pairs.Field(1))
	r.starts = list.Offsets()[list.Data().Offset():][:n+1]
	if first > 0 {
		e.starts = grow(e.starts, n+1)
		for i, at := range r.starts {
			e.starts[i] = at - int32(first)
		}
		r.starts = e.starts
	}
	return nil
}

// probabilities is probability for rows from the given one on.
func (e *Evaluate) probabilities(from int, rows []Judged) {
	r := &e.rows
	if r.starts == nil {
		for k := range rows {
			e.probability(from+k, int32(rows[k].Truth), &rows[k])
		}
		return
	}
	class, prob, all := r.listLabel.class, r.listProb, r.probValid.All()
	starts := r.starts[from : from+len(rows)+1]
	for k := range rows {
		j, truth, at := &rows[k], int32(rows[k].Truth), int(starts[k])
		if !all || int(starts[k+1]) != at+2 || class[at] == unseenClass || class[at+1] == unseenClass {
			e.probability(from+k, truth, j)
			continue
		}
		j.Score, j.Positive = prob[at+1], class[at+1] == truth
		j.Prob = pick(j.Positive, j.Score, pick(class[at] == truth, prob[at], 0))
	}
}

// probability fills in what the model thought of the true class.
func (e *Evaluate) probability(i int, truth int32, j *Judged) {
	r := &e.rows
	if r.prob == nil && r.starts == nil || !r.probValid.Get(i) {
		return
	}
	if r.prob != nil {
		if n := len(e.ids.names); e.positiveOf != n {
			e.positiveOf, e.positive = n, e.ids.positive(e.Positive)
		}
		j.Score = r.prob[i]
		j.Positive = int(truth) == e.positive
		j.Prob = pick(j.Positive, j.Score, 1-j.Score)
		return
	}
	from, to := int(r.starts[i]), int(r.starts[i+1])
	prob, positive := 0.0, false
	for k := from; k < to; k++ {
		positive = r.listLabel.see(k, &e.ids) == truth
		prob = pick(positive, r.listProb[k], prob)
	}
	if j.Prob = prob; to-from == 2 {
		j.Score, j.Positive = r.listProb[to-1], positive
	}
}
