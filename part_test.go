package arrowstream_test

import (
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// burst emits at the end of time 64 batches of 1 MiB.
type burst struct{ mem memory.Allocator }

var burstSchema = arrow.NewSchema([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (s *burst) Bind(_ *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	s.mem = env.Allocator
	return burstSchema, nil
}

func (s *burst) Process(context.Context, arrowstream.Batch, arrowstream.Emit) error { return nil }

func (s *burst) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	for k := 0; w.Done() && k < 64; k++ {
		buf := memory.NewResizableBuffer(s.mem)
		buf.Resize(1 << 20)
		arrow.Int64Traits.CastFromBytes(buf.Bytes())[0] = int64(k)
		data := array.NewData(arrow.PrimitiveTypes.Int64, 1<<17, []*memory.Buffer{nil, buf}, nil, 0, 0)
		col := array.NewInt64Data(data)
		b := array.NewRecord(burstSchema, []arrow.Array{col}, 1<<17)
		err := emit(b)
		for _, r := range []interface{ Release() }{buf, data, col, b} {
			r.Release()
		}
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

// same hands on what it gets, in as many instances as there are workers.
type same struct{}

func (same) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in, nil }
func (same) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return emit(b)
}

func (same) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}
func (same) Clone() arrowstream.Stage { return same{} }
func (same) Keys() []string           { return nil }
func (same) Order() []string          { return nil }

// heads keeps the first value of each batch, and how often it was flushed.
type heads struct {
	got     []int64
	flushed int
	fail    error
}

func (s *heads) Bind(*arrow.Schema, arrowstream.Env) error { return nil }

func (s *heads) Write(_ context.Context, b arrowstream.Batch) error {
	s.got = append(s.got, b.Column(0).(*array.Int64).Value(0))
	if len(s.got) > 20 {
		return s.fail
	}
	return nil
}

func (s *heads) Flush(context.Context) error {
	s.flushed++
	return nil
}

func (s *heads) Close() error { return nil }

// TestFlushInParts runs a stage whose result is twice the memory of the job: it
// arrives whole and in order and is flushed once, and an error of the sink is its
// own.
func TestFlushInParts(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		out := &heads{}
		_, err := run(t, arrowstream.Options{Workers: workers, MemoryLimit: 32 << 20}, func(p *arrowstream.Pipeline) {
			p.From("n", &numbers{rows: 100}).Via(&burst{}).Via(same{}).To(out)
		})
		if err != nil {
			t.Fatalf("%d workers: %v", workers, err)
		}
		for i, k := range out.got {
			if int64(i) != k {
				t.Fatalf("%d workers: batch %d at %d", workers, k, i)
			}
		}
		if len(out.got) != 64 || out.flushed != 1 {
			t.Errorf("%d workers: %d batches, flushed %d times", workers, len(out.got), out.flushed)
		}
		out = &heads{fail: errors.New("disk is full")}
		_, err = run(t, arrowstream.Options{Workers: workers, MemoryLimit: 32 << 20}, func(p *arrowstream.Pipeline) {
			p.From("n", &numbers{rows: 100}).Via(&burst{}, "b").Via(same{}).To(out, "out")
		})
		if err == nil || err.Error() != "out: disk is full" || len(out.got) != 21 {
			t.Errorf("%d workers: %v after %d batches", workers, err, len(out.got))
		}
	}
}
