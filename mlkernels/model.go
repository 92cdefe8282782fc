package mlkernels

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// leaveOut is how to go on after a row that a model cannot learn from.
const leaveOut = "leave such rows out with WHERE in the query that the model reads"

// Counters are what a model counts while it learns.
type Counters struct {
	Seen     int64 // rows that came
	Scored   int64 // rows that got a prediction
	Unscored int64 // usable rows before the model could score
	Skipped  int64 // rows with a NULL or not finite feature
	Learned  int64 // rows learned
}

// Model is a learner with its features and its label. It learns from batches
// and scores them. One goroutine uses it at a time; any number of [Predictor]
// may score with it while nobody learns.
type Model struct {
	spec    Spec
	kind    *Type
	enc     *encoder
	labels  *labels
	learner Learner
	bound   bool // the learner has been bound to a shape

	labelCol, weightCol int
	count               Counters
	weight              []float64
	scores              Scores
	published           *array.RecordBuilder
	publishedIn         memory.Allocator
}

// NewModel returns a model as described; its columns are fixed by Bind.
func NewModel(spec Spec) (*Model, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	kind, err := findType(spec.Type)
	if err != nil {
		return nil, err
	}
	learner, err := New(spec.Type, spec.learnerOptions())
	if err != nil {
		return nil, err
	}
	if kind.Task != Clustering && spec.Label == "" {
		return nil, &arrowstream.Error{Code: "AS7013", Msg: fmt.Sprintf("model type %s needs a label", kind.Name), Hint: "set input_label_cols"}
	}
	return &Model{spec: spec, kind: kind, learner: learner, labelCol: -1, weightCol: -1}, nil
}

// Spec is the description of the model; Features and Type are filled in.
func (m *Model) Spec() Spec { return m.spec }

// Task is what the model predicts.
func (m *Model) Task() Task { return m.kind.Task }

// Counters are the counts so far.
func (m *Model) Counters() Counters { return m.count }

// Progress tells how far the learner is.
func (m *Model) Progress() Progress { return m.learner.Progress() }

// Err is not nil when training stopped because a weight was no longer finite.
// The model stays in service as it was before that row.
func (m *Model) Err() error {
	if at := m.learner.Progress().Failed; at > 0 {
		return &arrowstream.Error{Code: "AS7020", Msg: fmt.Sprintf("training stopped at learned row %d: a weight would not be finite", at), Hint: "lower learn_rate, or scale the features with standardize_features"}
	}
	return nil
}

// Bind fixes the columns to learn from. A model that was loaded refuses a
// schema that does not fit it.
func (m *Model) Bind(in *arrow.Schema) error {
	if columnar.Changelog(in) {
		return &arrowstream.Error{Code: "AS7014", Msg: "a model cannot learn from a stream that takes rows back", Hint: "learn before the aggregation, or aggregate in windows"}
	}
	m.labelCol, m.weightCol = -1, -1
	if m.kind.Task != Clustering {
		if m.labelCol = columnar.Index(in, m.spec.Label); m.labelCol < 0 {
			return &arrowstream.Error{Code: "AS7010", Msg: fmt.Sprintf("label %q: no such column", m.spec.Label), Hint: arrowstream.Suggest(m.spec.Label, columnar.Names(in), "columns")}
		}
	}
	if m.spec.Weight != "" {
		if m.weightCol = columnar.Index(in, m.spec.Weight); m.weightCol < 0 {
			return &arrowstream.Error{Code: "AS7010", Msg: fmt.Sprintf("weight %q: no such column", m.spec.Weight), Hint: arrowstream.Suggest(m.spec.Weight, columnar.Names(in), "columns")}
		}
		if kind, _, ok := kindOf(in.Field(m.weightCol).Type); !ok || kind != kindNumber {
			return &arrowstream.Error{Code: "AS7011", Msg: fmt.Sprintf("weight %q: type %s is not a number", m.spec.Weight, columnar.TypeName(in.Field(m.weightCol).Type))}
		}
	}
	if err := m.bindLabel(in); err != nil {
		return err
	}
	if m.enc != nil {
		return m.enc.bind(in)
	}
	if len(m.spec.Features) == 0 {
		for i, name := range columnar.Names(in) {
			if i != m.labelCol && i != m.weightCol && i != columnar.EventTime(in) {
				m.spec.Features = append(m.spec.Features, name)
			}
		}
	}
	if m.spec.Label != "" && slices.Contains(m.spec.Features, m.spec.Label) {
		return &arrowstream.Error{Code: "AS7010", Msg: fmt.Sprintf("the label %q is also a feature", m.spec.Label)}
	}
	m.enc = newEncoder(&m.spec)
	if err := m.enc.define(in, m.spec.Features, m.spec.Vocabulary); err != nil {
		return err
	}
	return m.bindLearner()
}

func (m *Model) bindLabel(in *arrow.Schema) error {
	if m.labelCol < 0 {
		return nil
	}
	t := in.Field(m.labelCol).Type
	if m.labels == nil {
		var err error
		m.labels, err = newLabels(&m.spec, m.kind.Task, t)
		return err
	}
	if form, ok := labelForm(t); !ok || form != m.labels.form {
		return &arrowstream.Error{Code: "AS7012", Msg: fmt.Sprintf("the columns do not fit the model: label %q is %s, the model learned %s", m.spec.Label, columnar.TypeName(t), columnar.TypeName(m.labels.arrowType()))}
	}
	return nil
}

// bindLearner binds the learner as soon as the lengths of all vectors are
// known.
func (m *Model) bindLearner() error {
	if m.bound || !m.enc.known() {
		return nil
	}
	dense, width := m.enc.shape()
	m.bound = true
	return m.learner.Bind(Shape{Dense: dense, Width: width, Classes: m.labels.classes()})
}

// Step scores every row of b with what was learned from the rows before it,
// then learns it, and returns the columns of [Model.Outputs], owned.
func (m *Model) Step(mem memory.Allocator, b arrow.Record, version bool) ([]arrow.Array, error) {
	x, err := m.enc.encode(b)
	if err != nil {
		return nil, err
	}
	if err := m.bindLearner(); err != nil {
		return nil, err
	}
	var y []float64
	negativeFrom := 0
	if m.labels != nil {
		if y, negativeFrom, err = m.labels.decode(b.Column(m.labelCol)); err != nil {
			return nil, err
		}
	}
	weight, err := m.weights(b)
	if err != nil {
		return nil, err
	}
	m.count.Seen += int64(x.Rows)
	learned := 0
	if m.bound {
		learned = m.learner.Step(x, y, weight, &m.scores)
	} else {
		m.scores.reset(x.Rows)
		clear(m.scores.Version)
	}
	m.count.Learned += int64(learned)
	for i, valid := range m.scores.Valid {
		switch {
		case valid:
			m.count.Scored++
		case x.Usable(i):
			m.count.Unscored++
		default:
			m.count.Skipped++
		}
	}
	return m.output(mem, &m.scores, negativeFrom, version), nil
}

// weights are the sample weights of b; NaN where a row is not to be learned.
func (m *Model) weights(b arrow.Record) ([]float64, error) {
	if m.weightCol < 0 {
		return nil, nil
	}
	a := b.Column(m.weightCol)
	m.weight = grow(m.weight, a.Len())
	widen(m.weight, a)
	valid := columnar.Validity(a)
	for i, w := range m.weight {
		switch {
		case !valid.Get(i):
			m.weight[i] = nan
		case w < 0 || w > maxFloat:
			return nil, &arrowstream.DataError{Source: "mlkernels", Where: fmt.Sprintf("row %d", m.count.Seen+int64(i)+1), Column: m.spec.Weight, Value: fmt.Sprint(w), Err: fmt.Errorf("a sample weight is negative or infinite"), Hint: leaveOut}
		}
	}
	return m.weight, nil
}

// Flush learns an incomplete group of rows, at the end of a stream.
func (m *Model) Flush() {
	if m.bound && m.learner.Progress().Waiting > 0 {
		m.learner.EndGroup()
	}
}

// Predictor scores batches with a model that no longer learns. Predictors of
// one model may run at the same time.
type Predictor struct {
	m       *Model
	enc     *encoder
	scratch Scratch
	scores  Scores
}

// NewPredictor checks that in has the features of m.
func (m *Model) NewPredictor(in *arrow.Schema) (*Predictor, error) {
	if m.enc == nil {
		return nil, &arrowstream.Error{Code: "AS7015", Msg: "the model has not been trained", Hint: "train it, or load it from a file"}
	}
	enc := m.enc.frozenCopy()
	if err := enc.bind(in); err != nil {
		return nil, err
	}
	return &Predictor{m: m, enc: enc}, nil
}

// Predict returns the columns of [Model.Outputs] for b, owned.
func (p *Predictor) Predict(mem memory.Allocator, b arrow.Record, version bool) ([]arrow.Array, error) {
	if err := p.score(b); err != nil {
		return nil, err
	}
	from := int(b.NumRows())
	if p.m.labels != nil && p.m.labels.negative == -1 {
		from = 0
	}
	return p.m.output(mem, &p.scores, from, version), nil
}

func (p *Predictor) score(b arrow.Record) error {
	x, err := p.enc.encode(b)
	if err != nil {
		return err
	}
	if p.m.bound && len(x.Dense) == len(p.m.enc.x.Dense) {
		p.m.learner.Score(x, &p.scratch, &p.scores)
		return nil
	}
	p.scores.reset(x.Rows)
	clear(p.scores.Version)
	return nil
}

// Publish makes the current state a model of its own that learns no more, by
// way of its saved form.
func (m *Model) Publish() (*Model, error) {
	data, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return UnmarshalModel(data)
}
