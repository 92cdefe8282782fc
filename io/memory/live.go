package memory

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Live is a source without an end, fed by [Live.Send] while a pipeline runs.
// It can be opened once.
type Live struct {
	schema *arrow.Schema
	parts  []*feed
}

var _ arrowstream.Source = (*Live)(nil)

// NewLive returns a live source with the given number of partitions. At most
// buffer batches wait in each before Send blocks.
func NewLive(schema *arrow.Schema, partitions, buffer int) *Live {
	l := &Live{schema: schema, parts: make([]*feed, max(1, partitions))}
	for i := range l.parts {
		l.parts[i] = &feed{batches: make(chan arrowstream.Batch, buffer), ended: make(chan struct{}), closed: make(chan struct{})}
	}
	return l
}

// errClosed is what Send returns when nobody reads any more.
var errClosed = errors.New("memory: send on a live source that is closed")

// Send hands b, which is borrowed, to a partition. It blocks while the buffer
// is full.
func (l *Live) Send(ctx context.Context, partition int, b arrowstream.Batch) error {
	f := l.parts[partition]
	b.Retain()
	select {
	case <-f.ended:
	case <-f.closed:
	default:
		select {
		case f.batches <- b:
			return nil
		case <-ctx.Done():
			b.Release()
			return ctx.Err()
		case <-f.ended:
		case <-f.closed:
		}
	}
	b.Release()
	return errClosed
}

// End ends every partition: what was sent is still read, then comes io.EOF. It
// must not run at the same time as Send.
func (l *Live) End() {
	for _, f := range l.parts {
		f.endOnce.Do(func() { close(f.ended) })
	}
}

// Schema implements [arrowstream.Source].
func (l *Live) Schema() (*arrow.Schema, error) { return l.schema, nil }

// Bounded implements [arrowstream.Source].
func (l *Live) Bounded() bool { return false }

// Open implements [arrowstream.Source].
func (l *Live) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	parts := make([]arrowstream.Partition, len(l.parts))
	for i, f := range l.parts {
		f.limit = int64(env.BatchRows)
		parts[i] = f
	}
	return parts, nil
}

type feed struct {
	batches   chan arrowstream.Batch
	ended     chan struct{} // no more is sent
	closed    chan struct{} // no more is read
	endOnce   sync.Once
	closeOnce sync.Once
	limit     int64
	rest      arrowstream.Batch // what did not fit the last Read
}

// Read implements [arrowstream.Partition].
func (f *feed) Read(ctx context.Context) (arrowstream.Batch, error) {
	for {
		b := f.rest
		f.rest = nil
		if b == nil {
			var err error
			if b, err = f.receive(ctx); err != nil {
				return nil, err
			}
		}
		if b.NumRows() == 0 {
			b.Release()
			continue
		}
		if f.limit > 0 && b.NumRows() > f.limit {
			f.rest = b.NewSlice(f.limit, b.NumRows())
			head := b.NewSlice(0, f.limit)
			b.Release()
			return head, nil
		}
		return b, nil
	}
}

func (f *feed) receive(ctx context.Context) (arrowstream.Batch, error) {
	select {
	case b := <-f.batches:
		return b, nil
	default:
	}
	select {
	case b := <-f.batches:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.closed:
		return nil, io.EOF
	case <-f.ended:
		select {
		case b := <-f.batches:
			return b, nil
		default:
			return nil, io.EOF
		}
	}
}

// Close implements [arrowstream.Partition].
func (f *feed) Close() error {
	f.closeOnce.Do(func() { close(f.closed) })
	return nil
}

// Release frees batches that were sent and never read; call it after the run.
func (l *Live) Release() {
	for _, f := range l.parts {
		if f.rest != nil {
			f.rest.Release()
			f.rest = nil
		}
		for {
			select {
			case b := <-f.batches:
				b.Release()
				continue
			default:
			}
			break
		}
	}
}
