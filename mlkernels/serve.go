package mlkernels

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

var _ arrowstream.Join = (*Serve)(nil)

// Serve is the join that learns from input 0 and scores input 1 with what it
// has learned: a model trained by one query and asked by another. In every
// tick it learns first and then scores, so that a label that is there when a
// question is asked counts. Its output is input 1 with the columns of
// [Model.Outputs].
type Serve struct {
	// Spec, Start and Version are those of [Prequential].
	Spec    Spec
	Start   *Model
	Version bool

	train     Prequential
	predictor *Predictor
	in, out   *arrow.Schema
	env       arrowstream.Env
}

// Model is the model the join trains; valid after Bind.
func (s *Serve) Model() *Model { return s.train.model }

// Bind implements [arrowstream.Join].
func (s *Serve) Bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if len(in) != 2 {
		return nil, fmt.Errorf("mlkernels: serve: %d inputs, want the rows to learn and the rows to score", len(in))
	}
	s.env, s.in = env, in[1]
	s.train = Prequential{Spec: s.Spec, Start: s.Start, TrainOnly: true}
	if _, err := s.train.Bind(in[0], env); err != nil {
		return nil, err
	}
	if _, err := s.train.model.NewPredictor(in[1]); err != nil {
		return nil, err
	}
	s.out = appendFields(in[1], s.train.model.Outputs(in[1], s.Version))
	return s.out, nil
}

// Process implements [arrowstream.Join].
func (s *Serve) Process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if input == 0 {
		s.predictor = nil
		return s.train.Process(ctx, b, emit)
	}
	if s.predictor == nil {
		var err error
		if s.predictor, err = s.train.model.NewPredictor(s.in); err != nil {
			return err
		}
	}
	cols, err := s.predictor.Predict(s.env.Allocator, b, s.Version)
	if err != nil {
		return err
	}
	defer releaseAll(cols)
	out := appendColumns(s.out, b, cols)
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Join].
func (s *Serve) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Snapshot returns what the join remembers, as [arrowstream.Stateful] has it.
func (s *Serve) Snapshot(ctx context.Context) (arrowstream.State, error) {
	return s.train.Snapshot(ctx)
}

// Restore is the inverse of Snapshot.
func (s *Serve) Restore(ctx context.Context, st arrowstream.State) error {
	s.predictor = nil
	return s.train.Restore(ctx, st)
}

// Counts implements [arrowstream.Counted].
func (s *Serve) Counts() arrowstream.Counts { return s.train.Counts() }
