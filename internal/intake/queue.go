package intake

import "context"

// queue is where chunks wait. put and settle may be called from several
// goroutines, next from one.
type queue interface {
	// put adds a chunk when there is room, and settle makes it safe.
	put(ctx context.Context, key string, c Chunk) (end int64, err error)
	settle(ctx context.Context, end int64) error
	// next takes the next chunk; ok is false if there is none and wait is
	// false. io.EOF is the end.
	next(ctx context.Context, wait bool) (c Chunk, ok bool, err error)
}

// memoryQueue is a queue without a journal. It knows no keys.
type memoryQueue struct {
	p      *Partition
	chunks chan Chunk
}

func (q *memoryQueue) put(ctx context.Context, _ string, c Chunk) (int64, error) {
	select {
	case q.chunks <- c:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-q.p.ctx.Done():
		return 0, context.Cause(q.p.ctx)
	}
}

func (q *memoryQueue) settle(context.Context, int64) error { return nil }

func (q *memoryQueue) next(ctx context.Context, wait bool) (Chunk, bool, error) {
	select {
	case c := <-q.chunks:
		return c, true, nil
	default:
	}
	if !wait {
		return Chunk{}, false, nil
	}
	select {
	case c := <-q.chunks:
		return c, true, nil
	case <-ctx.Done():
		return Chunk{}, false, ctx.Err()
	case <-q.p.ctx.Done():
	}
	select { // what was sent before the end
	case c := <-q.chunks:
		return c, true, nil
	default:
		return Chunk{}, false, context.Cause(q.p.ctx)
	}
}
