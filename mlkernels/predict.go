package mlkernels

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

var (
	_ arrowstream.Parallel = (*Predict)(nil)
	_ arrowstream.Counted  = (*Predict)(nil)
)

// Predict is the stage that scores rows with a model that does not change. Its
// output is the input with the columns of [Model.Outputs]. Rows are independent
// of each other: it runs on all workers, which share the model.
type Predict struct {
	// Model scores; nil loads it from Path.
	Model *Model
	// Path is a model file.
	Path string
	// Version adds the column model_version.
	Version bool

	predictor *Predictor
	env       arrowstream.Env
	out       *arrow.Schema
	skipped   int64
}

// Bind implements [arrowstream.Stage].
func (p *Predict) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	p.env = env
	if p.Model == nil {
		m, err := Load(env.Access, p.Path)
		if err != nil {
			return nil, err
		}
		p.Model = m
	}
	predictor, err := p.Model.NewPredictor(in)
	if err != nil {
		return nil, err
	}
	p.predictor = predictor
	p.out = appendFields(in, p.Model.Outputs(in, p.Version))
	return p.out, nil
}

// Process implements [arrowstream.Stage].
func (p *Predict) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	cols, err := p.predictor.Predict(p.env.Allocator, b, p.Version)
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	for i := range int(b.NumRows()) {
		if !p.predictor.enc.x.Usable(i) {
			p.skipped++
		}
	}
	out := appendColumns(p.out, b, cols)
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (p *Predict) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Clone implements [arrowstream.Parallel]; the copy shares the model.
func (p *Predict) Clone() arrowstream.Stage {
	return &Predict{Model: p.Model, Path: p.Path, Version: p.Version}
}

// Keys implements [arrowstream.Parallel]: none, rows are independent.
func (p *Predict) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (p *Predict) Order() []string { return nil }

// Counts implements [arrowstream.Counted].
func (p *Predict) Counts() arrowstream.Counts { return arrowstream.Counts{Skipped: p.skipped} }
