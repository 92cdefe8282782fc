package mlkernels

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

var (
	_ arrowstream.Stateful = (*Prequential)(nil)
	_ arrowstream.Sided    = (*Prequential)(nil)
	_ arrowstream.Counted  = (*Prequential)(nil)
	_ arrowstream.Finisher = (*Prequential)(nil)
)

// Prequential is the stage that scores every row with what was learned from
// the rows before it and then learns the row (test, then train). Its output is
// the input with the columns of [Model.Outputs]. Side output 1, "model", is
// the model at publications: see [WeightsSchema] and [CentroidsSchema].
//
// A publication happens at an Advance by which the model has changed and its
// event time has reached the next multiple of Spec.PublishEvery, and at the end
// of the stream, when an incomplete group of rows is learned, too.
type Prequential struct {
	// Spec describes the model to train.
	Spec Spec
	// Start is a model to go on with; nil starts with Spec, or with the file
	// Spec.WarmStart names.
	Start *Model
	// Version adds the column model_version: the number of updates of the
	// model that scored the row.
	Version bool
	// TrainOnly makes the publications the main output; rows are only learned.
	TrainOnly bool
	// SavePath is the model file that is written when the run ends well, its
	// input at an end or drained; empty writes none.
	SavePath string `state:"-"`
	// Access is what may be reached; nil is what the pipeline says.
	Access *arrowstream.Access `state:"-"`

	model     *Model
	env       arrowstream.Env
	out       *arrow.Schema
	published *arrow.Schema
	timeCol   int
	latest    int64 // latest event time of a row
	next      int64 // event time of the next publication
	sent      int64 // version of the last publication
}

// Model is the model the stage trains; valid after Bind.
func (p *Prequential) Model() *Model { return p.model }

// Bind implements [arrowstream.Stage].
func (p *Prequential) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	p.env = env
	if p.Access != nil {
		p.env.Access = p.Access
	}
	var err error
	switch {
	case p.Start != nil:
		p.model, err = p.Start.Publish()
	case p.Spec.WarmStart != "":
		p.model, err = WarmStart(p.env.Access, p.Spec)
	default:
		p.model, err = NewModel(p.Spec)
	}
	if err != nil {
		return nil, err
	}
	if err := p.model.Bind(in); err != nil {
		return nil, err
	}
	p.timeCol = columnar.EventTime(in)
	p.latest, p.next, p.sent = arrowstream.NoEventTime, arrowstream.NoEventTime, 0
	p.published = p.model.PublishSchema()
	p.out = appendFields(in, p.model.Outputs(in, p.Version))
	if p.TrainOnly {
		return p.published, nil
	}
	return p.out, nil
}

// Sides implements [arrowstream.Sided].
func (p *Prequential) Sides() []arrowstream.Side {
	if p.TrainOnly {
		return nil
	}
	return []arrowstream.Side{{Name: "model", Schema: p.published}}
}

// Process implements [arrowstream.Stage].
func (p *Prequential) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	p.latest = max(p.latest, latest(b, p.timeCol))
	cols, err := p.model.Step(p.env.Allocator, b, p.Version)
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	if p.TrainOnly {
		return nil
	}
	out := appendColumns(p.out, b, cols)
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (p *Prequential) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if w.Done() {
		p.model.Flush()
	}
	version := p.model.Progress().Version
	every := p.model.spec.PublishEvery.Microseconds()
	due := w.Done() || every <= 0 || w.Event != arrowstream.NoEventTime && w.Event >= p.next
	if version > p.sent && due {
		at := w.Event
		if w.Done() {
			at = p.latest
		}
		if err := p.publish(at, emit); err != nil {
			return w, err
		}
		p.sent = version
		if every > 0 && !w.Done() {
			p.next = (columnar.FloorDiv(w.Event, every) + 1) * every
		}
	}
	return w, nil
}

// Finish implements [arrowstream.Finisher]: it saves the model.
func (p *Prequential) Finish(context.Context) error {
	if p.SavePath == "" {
		return nil
	}
	return Save(p.env.Access, p.SavePath, p.model)
}

func (p *Prequential) publish(at int64, emit arrowstream.Emit) error {
	rows := p.model.Published(p.env.Allocator, at)
	defer rows.Release()
	if p.TrainOnly {
		return emit(rows)
	}
	return emit(rows, 1)
}

// Snapshot implements [arrowstream.Stateful].
func (p *Prequential) Snapshot(context.Context) (arrowstream.State, error) {
	model, err := p.model.MarshalBinary()
	if err != nil {
		return nil, err
	}
	w := &stateWriter{}
	w.ints([]int64{p.latest, p.next, p.sent})
	w.bytes(model)
	return arrowstream.State{"model": stateBatch(p.env.Allocator, w.buf)}, nil
}

// Restore implements [arrowstream.Stateful].
func (p *Prequential) Restore(_ context.Context, st arrowstream.State) error {
	data, err := stateBytes(st, "model")
	if err != nil {
		return err
	}
	r := &stateReader{buf: data}
	pos := r.ints()
	body := r.bytes()
	if err := r.close(); err != nil || len(pos) != 3 {
		return fmt.Errorf("mlkernels: restore: %w", errState)
	}
	model, err := UnmarshalModel(body)
	if err != nil {
		return err
	}
	if err := model.adopt(p.model); err != nil {
		return err
	}
	model.spec.Transform = p.model.spec.Transform // that of the script
	p.model = model
	p.latest, p.next, p.sent = pos[0], pos[1], pos[2]
	return nil
}

// adopt takes the columns another model is bound to.
func (m *Model) adopt(bound *Model) error {
	if m.spec.Type != bound.spec.Type || len(m.enc.features) != len(bound.enc.features) {
		return &arrowstream.Error{Code: "AS5001", Msg: "the saved state is that of another model"}
	}
	for k := range m.enc.features {
		f, g := &m.enc.features[k], &bound.enc.features[k]
		if f.name != g.name || f.kind != g.kind {
			return &arrowstream.Error{Code: "AS5001", Msg: fmt.Sprintf("the saved state is that of another model: feature %q instead of %q", f.name, g.name)}
		}
		f.col = g.col
	}
	m.labelCol, m.weightCol = bound.labelCol, bound.weightCol
	return nil
}

// Counts implements [arrowstream.Counted].
func (p *Prequential) Counts() arrowstream.Counts {
	c := p.model.Counters()
	counts := arrowstream.Counts{Skipped: c.Skipped, StateRows: int64(p.model.Progress().Waiting), RowsUpdated: c.Learned}
	counts.StateBytes = p.model.bytes()
	counts.HeapBytes = counts.StateBytes
	if err := p.model.Err(); err != nil {
		counts.Warning = err.Error()
	}
	return counts
}

// bytes is about what the weights take.
func (m *Model) bytes() int64 {
	dense, width := m.enc.shape()
	classes := int64(1)
	if s, ok := m.learner.(*sgd); ok {
		classes = int64(len(s.problems))
	} else if k, ok := m.learner.(*kmeans); ok {
		classes = int64(k.k)
	}
	return 16 * int64(dense+width) * classes
}

// latest is the latest event time of b in microseconds.
func latest(b arrow.Record, col int) int64 {
	out := arrowstream.NoEventTime
	if col < 0 {
		return out
	}
	a := b.Column(col)
	valid := columnar.Validity(a)
	times := eventTimes(nil, a)
	if valid.All() {
		for _, t := range times {
			out = max(out, t)
		}
		return out
	}
	for i, t := range times {
		if valid.Get(i) {
			out = max(out, t)
		}
	}
	return out
}

// eventTimes are the values of a date or timestamp column in microseconds: a
// view of those of a, or in buf, which is made longer as needed.
func eventTimes(buf []int64, a arrow.Array) []int64 {
	mul, div, ok := columnar.Micros(a.DataType())
	if !ok {
		return nil
	}
	if d, ok := a.(*array.Date32); ok {
		buf = grow(buf, a.Len())
		for i, v := range columnar.Values[int32](d) {
			buf[i] = int64(v) * mul
		}
		return buf
	}
	values := columnar.Values[int64](a)
	if mul == 1 && div == 1 {
		return values
	}
	buf = grow(buf, a.Len())
	for i, v := range values {
		buf[i] = columnar.FloorDiv(v*mul, div)
	}
	return buf
}
