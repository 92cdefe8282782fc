package stage

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Through is src with stages applied inside the reader of each partition, so
// that what they compute is there before watermarks are made: a computed event
// time, a projection. The stages must be Parallel without keys, that is look
// at one row at a time, and emit on their main output only.
func Through(src arrowstream.Source, stages ...arrowstream.Stage) arrowstream.Source {
	return &through{src: src, stages: stages}
}

type through struct {
	src    arrowstream.Source
	stages []arrowstream.Stage
}

// Schema implements [arrowstream.Source].
func (t *through) Schema() (*arrow.Schema, error) {
	in, err := t.src.Schema()
	if err != nil {
		return nil, err
	}
	_, out, err := t.chain(in, arrowstream.Env{Allocator: columnar.Pool, Name: "schema"})
	return out, err
}

// chain binds new instances of the stages one after the other.
func (t *through) chain(in *arrow.Schema, env arrowstream.Env) (chain []arrowstream.Stage, out *arrow.Schema, err error) {
	out = in
	for _, s := range t.stages {
		p, ok := s.(arrowstream.Parallel)
		_, stateful := s.(arrowstream.Stateful)
		if !ok || stateful || len(p.Keys()) > 0 {
			return nil, nil, fmt.Errorf("stage: through: %T remembers rows and cannot be part of a source", s)
		}
		c := p.Clone()
		if out, err = c.Bind(out, env); err != nil {
			return nil, nil, err
		}
		chain = append(chain, c)
	}
	return chain, out, nil
}

// Open implements [arrowstream.Source].
func (t *through) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	in, err := t.src.Schema()
	if err != nil {
		return nil, err
	}
	if _, _, err := t.chain(in, env.Env); err != nil {
		return nil, err
	}
	inner, err := t.src.Open(ctx, env)
	parts := make([]arrowstream.Partition, len(inner))
	for i, p := range inner {
		chain, out, cerr := t.chain(in, env.Env)
		if err == nil {
			err = cerr
		}
		part := &throughPartition{Partition: p, chain: chain, out: out, env: env.Env}
		if r, ok := p.(arrowstream.Rejecting); ok {
			part.rejects = r.Rejects()
		} else if env.OnBadRow != arrowstream.FailOnBadRow {
			part.rejects = env.Rejects(arrowstream.FailOnBadRow)
		}
		parts[i] = part
		if r, ok := p.(arrowstream.Replayer); ok {
			parts[i] = &throughReplayer{throughPartition: part, inner: r}
		}
	}
	return slices.Clip(parts), err
}

// Bounded implements [arrowstream.Source].
func (t *through) Bounded() bool { return t.src.Bounded() }

// Delivers implements [arrowstream.Guaranteed].
func (t *through) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.SourceGuarantee(t.src)
}

// throughPartition applies the stages to every batch of a partition.
type throughPartition struct {
	arrowstream.Partition
	chain   []arrowstream.Stage
	out     *arrow.Schema
	env     arrowstream.Env
	rejects *arrowstream.Rejects // nil if a row that fails ends the run
}

// Read implements [arrowstream.Partition]: it goes on until rows are left, of
// which a batch may have fewer than that inside.
func (p *throughPartition) Read(ctx context.Context) (arrowstream.Batch, error) {
	for {
		b, err := p.Partition.Read(ctx)
		if err != nil || b == nil {
			return nil, err
		}
		out, err := p.apply(ctx, b)
		if err != nil {
			b, out, err = p.without(ctx, b, err)
		}
		left := int64(0)
		if out != nil {
			left = out.NumRows()
		}
		bad := p.rejects
		if bad != nil && left != b.NumRows() {
			bad.Fit(int(b.NumRows()), int(left))
		}
		b.Release()
		if err != nil || out != nil || bad != nil && bad.Pending() {
			return out, err
		}
	}
}

// without is b, for which the stages have failed with cause, without the rows
// they fail for, and what they make of it. It takes over b.
func (p *throughPartition) without(ctx context.Context, b arrowstream.Batch, cause error) (rest, out arrowstream.Batch, err error) {
	try := func(part arrowstream.Batch) error {
		out, err := p.apply(ctx, part)
		if out != nil {
			out.Release()
		}
		return err
	}
	if p.rejects == nil {
		return b, nil, arrowstream.NameRow(b, cause, try)
	}
	bad, err := arrowstream.BadRows(b, cause, try)
	if err != nil {
		return b, nil, err
	}
	keep := columnar.NewBitmap(int(b.NumRows()))
	for i := range bad {
		bad[i].Err.Source, bad[i].Err.Where = "table "+p.env.Name, "computed columns"
		keep.Set(bad[i].Before)
	}
	keep.Invert()
	if !p.rejects.Remove(bad) {
		return b, nil, bad[0].Err
	}
	if rest, err = kernels.Filter(p.env.Allocator, b, keep); err != nil {
		return b, nil, err
	}
	b.Release()
	if rest.NumRows() > 0 {
		out, err = p.apply(ctx, rest)
	}
	return rest, out, err
}

// apply is what the stages make of b, owned, or nil when nothing is left.
func (p *throughPartition) apply(ctx context.Context, b arrowstream.Batch) (arrowstream.Batch, error) {
	var got []arrow.Record
	defer func() {
		for _, g := range got {
			g.Release()
		}
	}()
	if err := p.pass(ctx, 0, b, &got); err != nil || len(got) == 0 {
		return nil, err
	}
	return kernels.Concat(p.env.Allocator, got)
}

// pass sends b through the stages from the i-th on.
func (p *throughPartition) pass(ctx context.Context, i int, b arrowstream.Batch, got *[]arrow.Record) error {
	if b.NumRows() == 0 {
		return nil
	}
	if i == len(p.chain) {
		b.Retain()
		*got = append(*got, b)
		return nil
	}
	return p.chain[i].Process(ctx, b, func(out arrowstream.Batch, port ...int) error {
		if len(port) > 0 && port[0] > 0 {
			return nil
		}
		return p.pass(ctx, i+1, out, got)
	})
}

// Rejects implements [arrowstream.Rejecting].
func (p *throughPartition) Rejects() *arrowstream.Rejects {
	return p.rejects
}

// Lag implements [arrowstream.Lagging].
func (p *throughPartition) Lag() int64 {
	if l, ok := p.Partition.(arrowstream.Lagging); ok {
		return l.Lag()
	}
	return -1
}

// throughReplayer is a throughPartition that can be read again: its positions
// are those of the partition inside.
type throughReplayer struct {
	*throughPartition
	inner arrowstream.Replayer
}

var _ arrowstream.Replayer = (*throughReplayer)(nil)

// Position implements [arrowstream.Replayer].
func (p *throughReplayer) Position() ([]byte, error) { return p.inner.Position() }

// Seek implements [arrowstream.Replayer].
func (p *throughReplayer) Seek(ctx context.Context, pos []byte) error { return p.inner.Seek(ctx, pos) }
