package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/arrowstream/arrowstream"
)

var errClosed = errors.New("partition is closed")

// partition reads one Kafka partition. One goroutine fetches ahead, started by
// the first Read and ended by Close.
type partition struct {
	client     *client
	place      place
	layout     *layout
	decoder    arrowstream.Decoder
	mem        memory.Allocator
	rows       int
	bytes      int64
	fetchBytes int32
	maxWait    time.Duration
	rejects    *arrowstream.Rejects
	onLost     string
	group      string
	bounded    bool
	end        int64 // first offset not to read, if bounded

	ctx     context.Context // ends when the partition is closed
	cancel  context.CancelFunc
	fetcher sync.WaitGroup
	chunks  chan *chunk // from the fetcher; closed at the end of a bounded partition
	free    chan *chunk
	known   atomic.Int64 // offset after the last row known to exist
	at      atomic.Int64 // offset of the next row to be returned

	mu      sync.Mutex // serializes Read, Position and Seek with Close
	started bool
	closed  bool
	offset  int64 // of the next message to decode
	skip    int   // rows of that message that were returned before Seek
	chunk   *chunk
	index   int // of the next record of chunk
	size    int64
	origins origins // messages of the rows in the decoder, or of pending
	pending arrow.Record
	given   int // rows of pending that were returned, or skipped
	failure error
}

// Read implements [arrowstream.Partition].
func (p *partition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, p.wrap(errClosed)
	}
	p.start()
	for {
		if p.pending != nil {
			return p.give(), nil
		}
		if p.rejects.Pending() {
			return nil, nil
		}
		if p.failure != nil {
			return nil, p.failure
		}
		if err := p.fill(ctx); err != nil {
			return nil, err
		}
		if err := p.flush(); err != nil {
			return nil, err
		}
	}
}

func (p *partition) wrap(err error) error { return fmt.Errorf("kafka: read %s: %w", p.place, err) }

// start launches the fetcher.
func (p *partition) start() {
	if p.started {
		return
	}
	p.started = true
	p.fetcher.Add(1)
	go func() {
		defer p.fetcher.Done()
		defer close(p.chunks)
		p.fetchAll(p.offset)
	}()
}

// fill decodes messages until a batch is full or no more are at hand.
func (p *partition) fill(ctx context.Context) error {
	for p.failure == nil {
		if p.chunk == nil {
			c, err := p.next(ctx, p.decoder.Rows() > 0 || p.rejects.Pending())
			if err != nil || c == nil {
				return err
			}
			p.chunk, p.index = c, 0
		}
		for p.index < len(p.chunk.records) {
			r := &p.chunk.records[p.index]
			if p.bounded && r.offset >= p.end {
				p.index = len(p.chunk.records)
				break
			}
			p.index++
			p.decode(r)
			if p.failure != nil || p.decoder.Rows() >= p.rows || p.size >= p.bytes || p.rejects.Full() {
				return nil
			}
		}
		p.offset = max(p.offset, p.chunk.next)
		if p.decoder.Rows() == 0 {
			p.at.Store(p.offset)
		}
		p.failure = p.chunk.err
		p.free <- p.chunk
		p.chunk = nil
	}
	return nil
}

// next returns the next chunk. With rows at hand it does not wait: nil says
// that there is none yet, or that there will be none.
func (p *partition) next(ctx context.Context, rows bool) (*chunk, error) {
	if rows {
		select {
		case c := <-p.chunks:
			return c, nil
		default:
			return nil, nil
		}
	}
	select {
	case c, more := <-p.chunks:
		if !more {
			if p.ctx.Err() != nil {
				return nil, p.wrap(errClosed)
			}
			return nil, io.EOF
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, p.wrap(errClosed)
	}
}

// decode appends one message. A message without a value is a deletion of its
// key, which a stream of rows cannot say: it is counted as skipped.
func (p *partition) decode(r *record) {
	value := p.chunk.value(r)
	before := p.decoder.Rows()
	if value == nil {
		p.rejects.Skip()
	} else if err := p.decoder.Append(value); err != nil {
		if bad := p.bad(r, value, err); !p.rejects.Add(before, value, bad) {
			p.failure = bad
			return
		}
	}
	if n := p.decoder.Rows() - before; n > 0 {
		p.origins.add(r, p.chunk.key(r), n)
	}
	p.size += int64(len(value))
	p.offset = r.offset + 1
}

// bad names the place of a message that cannot be decoded.
func (p *partition) bad(r *record, value []byte, err error) *arrowstream.DataError {
	var d *arrowstream.DataError
	if errors.As(err, &d) {
		d = &arrowstream.DataError{Column: d.Column, Value: d.Value, Err: d.Err}
	} else {
		d = &arrowstream.DataError{Err: err}
	}
	d.Source, d.Where = "kafka: "+p.place.String(), fmt.Sprintf("offset %d", r.offset)
	if d.Value == "" {
		d.Value = arrowstream.CutValue(value)
	}
	return d
}

// flush turns the decoded rows into p.pending.
func (p *partition) flush() error {
	p.size = 0
	b, err := p.decoder.Flush()
	if err != nil {
		return p.wrap(err)
	}
	if b == nil {
		p.origins.reset()
		return nil
	}
	p.pending, p.given = p.layout.build(p.mem, b, p.place, &p.origins), 0
	if p.skip > 0 {
		if first := p.origins.list[0]; first.rows < p.skip {
			return p.wrap(fmt.Errorf("position is at row %d of the message at offset %d, which has %d", p.skip, first.offset, first.rows))
		}
		p.rejects.Fit(p.skip, 0)
		p.given, p.skip = p.skip, 0
		if p.given == int(p.pending.NumRows()) {
			p.drop()
		}
	}
	return nil
}

// give returns the next rows of pending.
func (p *partition) give() arrow.Record {
	n := min(p.rows, int(p.pending.NumRows())-p.given)
	b := p.pending.NewSlice(int64(p.given), int64(p.given+n))
	p.given += n
	if p.given == int(p.pending.NumRows()) {
		p.drop()
	}
	offset, _ := p.position()
	p.at.Store(offset)
	return b
}

func (p *partition) drop() {
	p.pending.Release()
	p.pending = nil
	p.origins.reset()
}

// position is the message of the next row to be returned, and how many of its
// rows were returned.
func (p *partition) position() (offset int64, row int) {
	if p.pending == nil {
		return p.offset, p.skip
	}
	row = p.given
	for _, m := range p.origins.list {
		if row < m.rows {
			return m.offset, row
		}
		row -= m.rows
	}
	return p.offset, 0
}

// mark is a position as it is stored.
type mark struct {
	Version   int    `json:"v"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Row       int    `json:"row,omitempty"`
}

// Position implements [arrowstream.Replayer]: JSON with the next offset.
func (p *partition) Position() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	offset, row := p.position()
	return json.Marshal(mark{Version: 1, Topic: p.place.topic, Partition: p.place.partition, Offset: offset, Row: row})
}

// Seek implements [arrowstream.Replayer].
func (p *partition) Seek(ctx context.Context, pos []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var m mark
	if err := json.Unmarshal(pos, &m); err != nil {
		return p.wrap(fmt.Errorf("position: %w", err))
	}
	if m.Version != 1 || m.Offset < 0 || m.Row < 0 {
		return p.wrap(fmt.Errorf("position %q is not of this version", pos))
	}
	if (place{m.Topic, m.Partition}) != p.place {
		return p.wrap(fmt.Errorf("position is one of %s/%d", m.Topic, m.Partition))
	}
	if p.started {
		return p.wrap(errors.New("seek after the first read"))
	}
	first, last, err := p.ends(ctx)
	if err != nil {
		return err
	}
	if m.Offset < first || m.Offset > last {
		if m.Offset, err = p.lost(m.Offset, first, last, "AS5005"); err != nil {
			return err
		}
		m.Row = 0
	}
	p.offset, p.skip = m.Offset, m.Row
	p.at.Store(p.offset)
	return nil
}

// Lag implements [arrowstream.Lagging].
func (p *partition) Lag() int64 {
	end := p.known.Load()
	if p.bounded {
		end = p.end
	}
	if end < 0 {
		return -1
	}
	return max(0, end-p.at.Load())
}

// Rejects implements [arrowstream.Rejecting]. Deletions are among those skipped.
func (p *partition) Rejects() *arrowstream.Rejects { return p.rejects }

// Close implements [arrowstream.Partition].
func (p *partition) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.fetcher.Wait()
	p.decoder.Release()
	if p.pending != nil {
		p.drop()
	}
	p.client.release()
	return nil
}

// fetchAll fetches from offset on until the end of a bounded partition, an
// error or Close.
func (p *partition) fetchAll(offset int64) {
	for !p.bounded || offset < p.end {
		var c *chunk
		select {
		case c = <-p.free:
		case <-p.ctx.Done():
			return
		}
		err := p.client.retry(p.ctx, "read "+p.place.String(), func(ctx context.Context) error {
			return p.client.fetch(ctx, p.place, offset, p.fetchBytes, p.maxWait, c)
		})
		if errors.Is(err, kafkago.OffsetOutOfRange) {
			c.reset()
			var first, last int64
			if first, last, err = p.ends(p.ctx); err == nil {
				c.next, err = p.lost(offset, first, last, "AS4101")
			}
		} else if err == nil {
			p.known.Store(c.end)
		}
		if p.ctx.Err() != nil {
			return
		}
		if c.err = err; err != nil {
			c.records, c.next = c.records[:0], offset
		} else if c.next == offset {
			p.free <- c
			continue
		}
		offset = c.next
		select {
		case p.chunks <- c:
		case <-p.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// ends are the offset of the oldest row and the one after the last that the
// isolation shows.
func (p *partition) ends(ctx context.Context) (first, last int64, err error) {
	at := []place{p.place}
	a, err := p.client.listOffsets(ctx, earliestTime, at)
	if err != nil {
		return 0, 0, err
	}
	b, err := p.client.listOffsets(ctx, latestTime, at)
	return a[p.place], b[p.place], err
}

// lost decides where to go on when offset is not between first and last. code is
// that of the error: AS5005 for a position of the state, AS4101 for rows that
// are gone before they were read.
func (p *partition) lost(offset, first, last int64, code string) (int64, error) {
	switch p.onLost {
	case "earliest":
		return first, nil
	case "latest":
		return last, nil
	}
	return 0, &arrowstream.Error{
		Code: code, Msg: fmt.Sprintf("kafka: read %s: offset %d is gone: there are offsets %d to %d", p.place, offset, first, last),
		Hint: "option on.lost.offset = earliest or latest goes on there",
	}
}
