package stagetest

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// node is a stage or a join.
type node struct {
	stage arrowstream.Stage
	join  arrowstream.Join
}

type snapshooter interface {
	Snapshot(ctx context.Context) (arrowstream.State, error)
	Restore(ctx context.Context, st arrowstream.State) error
}

func (n node) any() any {
	if n.stage != nil {
		return n.stage
	}
	return n.join
}

func (n node) bind(in []*arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if n.stage != nil {
		return n.stage.Bind(in[0], env)
	}
	return n.join.Bind(in, env)
}

func (n node) process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	if n.stage != nil {
		return n.stage.Process(ctx, b, emit)
	}
	return n.join.Process(ctx, input, b, emit)
}

func (n node) advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if n.stage != nil {
		return n.stage.Advance(ctx, w, emit)
	}
	return n.join.Advance(ctx, w, emit)
}

// sides are the side outputs of the node, if it has any.
func (n node) sides() []arrowstream.Side {
	if s, ok := n.any().(interface{ Sides() []arrowstream.Side }); ok {
		return s.Sides()
	}
	return nil
}

func (n node) counts() arrowstream.Counts {
	if c, ok := n.any().(arrowstream.Counted); ok {
		return c.Counts()
	}
	return arrowstream.Counts{}
}

// close frees the memory of a node that is given up. A node without Close is
// brought to the end of time, where it has to free everything.
func (n node) close(ctx context.Context, ended bool) error {
	if c, ok := n.any().(interface{ Close() error }); ok {
		return c.Close()
	}
	if ended {
		return nil
	}
	_, err := n.advance(ctx, arrowstream.Watermark{Event: arrowstream.EndOfTime}, func(arrowstream.Batch, ...int) error { return nil })
	return err
}
