package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/arrowstream/arrowstream"
)

const (
	defaultBatchRows  = 16384
	defaultBatchBytes = 16 << 20
)

// Config is what a partition is made from.
type Config struct {
	// Kind and Name are the connector and the place as errors name them.
	Kind, Name string
	Env        arrowstream.SourceEnv
	Decoder    arrowstream.Decoder
	Rejects    *arrowstream.Rejects
	// MaxLine bounds a line in bytes.
	MaxLine int
	// TooLong is the error of a longer one.
	TooLong error
	// Queue is how many chunks may wait when there is no journal.
	Queue int
	// Journal, if not nil, keeps the chunks; Oldest is the offset of its first.
	Journal arrowstream.Journal
	Oldest  int64
}

// Partition turns the chunks of all senders into rows, in the order in which they
// came.
type Partition struct {
	config  Config
	decoder arrowstream.Decoder
	rows    int
	bytes   int64
	rejects *arrowstream.Rejects

	ctx   context.Context // ends when no more chunks follow; the cause says why
	end   context.CancelCauseFunc
	queue queue
	stop  func() // ends the senders and waits for them

	mu      sync.Mutex // serializes Read with Close
	closed  bool
	chunk   Chunk // being decoded
	size    int64
	failure error
}

// New returns a partition to which chunks can be sent.
func New(c Config) *Partition {
	p := &Partition{
		config: c, decoder: c.Decoder, rows: c.Env.BatchRows, bytes: c.Env.BatchBytes, rejects: c.Rejects, stop: func() {},
	}
	if p.rows <= 0 {
		p.rows = defaultBatchRows
	}
	if p.bytes <= 0 {
		p.bytes = defaultBatchBytes
	}
	p.ctx, p.end = context.WithCancelCause(context.Background())
	if c.Journal != nil {
		p.queue = newJournalQueue(p, c.Journal, c.Oldest)
	} else {
		p.queue = &memoryQueue{p: p, chunks: make(chan Chunk, c.Queue)}
	}
	return p
}

// Context ends when the partition takes no more: senders stop then.
func (p *Partition) Context() context.Context { return p.ctx }

// OnClose says how the senders are ended; f waits until none sends any more.
func (p *Partition) OnClose(f func()) { p.stop = f }

// Source is the partition for the runtime: with a journal it can be read again.
func (p *Partition) Source() arrowstream.Partition {
	if q, ok := p.queue.(*journalQueue); ok {
		return &journaled{p, q}
	}
	return p
}

// Send hands over a chunk, whose data it keeps. It waits for room and reports
// whether the partition takes more.
func (p *Partition) Send(c Chunk) bool {
	_, err := p.queue.put(p.ctx, "", c)
	if err != nil {
		p.end(err)
	}
	return err == nil
}

// Put hands over a chunk that a key identifies, if it is not empty, and returns
// when it is as safe as it can be: with a journal it is on the disk. It waits for
// room until ctx is done, and has taken nothing then.
func (p *Partition) Put(ctx context.Context, key string, c Chunk) error {
	end, err := p.queue.put(ctx, key, c)
	if err == nil {
		err = p.queue.settle(context.WithoutCancel(ctx), end)
	}
	return err
}

// Finish says that no more chunks follow.
func (p *Partition) Finish() { p.end(io.EOF) }

// Fail ends the partition with an error, behind what was sent.
func (p *Partition) Fail(err error) { p.end(err) }

// Read implements [arrowstream.Partition].
func (p *Partition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, p.wrap(errClosed)
	}
	for {
		if p.failure == nil {
			if err := p.fill(ctx); err != nil {
				return nil, err
			}
		}
		p.size = 0
		b, err := p.decoder.Flush()
		if err != nil {
			return nil, p.wrap(err)
		}
		if b != nil {
			return b, nil
		}
		if p.rejects.Pending() {
			return nil, nil
		}
		if p.failure != nil {
			return nil, p.failure
		}
	}
}

func (p *Partition) wrap(err error) error {
	return fmt.Errorf("%s: read %s: %w", p.config.Kind, p.config.Name, err)
}

// fill decodes lines until a batch is full or no more are at hand.
func (p *Partition) fill(ctx context.Context) error {
	for p.failure == nil {
		for len(p.chunk.Data) > 0 || p.chunk.Err != nil {
			p.decode()
			if p.failure != nil || p.decoder.Rows() >= p.rows || p.size >= p.bytes || p.rejects.Full() {
				return nil
			}
		}
		c, ok, err := p.queue.next(ctx, p.decoder.Rows() == 0 && !p.rejects.Pending())
		switch {
		case err == nil && !ok: // there is none now
			return nil
		case err == nil:
			p.chunk = c
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return err
		case errors.Is(err, errClosed):
			return p.wrap(err)
		default:
			p.failure = err
		}
	}
	return nil
}

// decode takes the next line off the chunk. Blank lines are no values.
func (p *Partition) decode() {
	c := &p.chunk
	if err := c.Err; err != nil {
		c.Err = nil
		p.bad(c.From, c.Line, nil, err)
		return
	}
	line, rest, _ := bytes.Cut(c.Data, []byte{'\n'})
	number := c.Line
	c.Data = rest
	c.Line++
	line = bytes.TrimSuffix(line, []byte{'\r'})
	p.size += int64(len(line)) + 1
	switch {
	case len(line) == 0:
	case len(line) > p.config.MaxLine:
		p.bad(c.From, number, line, p.config.TooLong)
	default:
		if err := p.decoder.Append(line); err != nil {
			p.bad(c.From, number, line, err)
		}
	}
}

// bad leaves out a line that cannot be decoded, or makes it the end of the run.
func (p *Partition) bad(from string, number int64, line []byte, err error) {
	out := BadLine(p.config.Kind+": "+p.config.Name, from, number, line, err)
	if !p.rejects.Add(p.decoder.Rows(), line, out) {
		p.failure = out
	}
}

// BadLine is the error of a line that cannot be decoded.
func BadLine(source, from string, number int64, line []byte, err error) *arrowstream.DataError {
	out := &arrowstream.DataError{Err: err}
	var d *arrowstream.DataError
	if errors.As(err, &d) {
		*out = *d
	}
	out.Source, out.Where = source, fmt.Sprintf("%s: line %d", from, number)
	if out.Value == "" {
		out.Value = arrowstream.CutValue(line)
	}
	return out
}

// Rejects implements [arrowstream.Rejecting].
func (p *Partition) Rejects() *arrowstream.Rejects { return p.rejects }

// Close implements [arrowstream.Partition].
func (p *Partition) Close() error {
	p.end(errClosed)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.stop()
	p.decoder.Release()
	return nil
}
