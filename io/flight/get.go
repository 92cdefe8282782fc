package flight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
)

// mark is where a reader stands: Skip rows behind a position in a stream of
// Job, or, in a stream without positions, behind the first Rows rows.
type mark struct {
	Job string `json:"job,omitempty"`
	position
	Skip int64 `json:"skip,omitempty"`
	Rows int64 `json:"rows,omitempty"`
}

// arrival is a batch as it was received, and its mark.
type arrival struct {
	batch arrow.Record
	at    mark
	end   bool // of an epoch, without rows
}

// behind is the mark of what comes next.
func (a arrival) behind() mark {
	m := a.at
	if m.Seq++; a.end {
		m.position = position{m.Epoch + 1, 0}
	}
	m.Rows += a.batch.NumRows()
	return m
}

// getPartition follows one endpoint. A goroutine receives and decodes ahead,
// started by the first Read and ended by Close.
type getPartition struct {
	client *client
	stream string
	name   string
	ticket *arrowflight.Ticket
	schema *arrow.Schema
	mem    memory.Allocator
	finite bool

	ctx      context.Context
	cancel   context.CancelFunc
	receiver sync.WaitGroup
	batches  chan arrival // closed at the end, after err is set
	err      error
	done     func()

	mu      sync.Mutex // serializes Read with Close
	started bool
	closed  bool
	cut     cutter
	next    mark  // of what is behind the batch in cut
	current mark  // of that batch
	skip    int64 // rows to leave out at first
	replay  bool  // positions were asked for before the first Read: start at next, and take up again
}

// Read implements [arrowstream.Partition].
func (p *getPartition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
	}
	if !p.started {
		p.started = true
		at := p.next
		p.receiver.Go(func() {
			defer close(p.batches)
			p.err = p.receive(at)
		})
	}
	for {
		if b := p.cut.next(); b != nil {
			return b, nil
		}
		select {
		case a, more := <-p.batches:
			switch {
			case more:
				p.take(a)
			case p.ctx.Err() != nil:
				return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
			default:
				return nil, p.err
			}
		case <-p.ctx.Done():
			return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take makes a the batch that is handed out next, but for the rows to skip.
func (p *getPartition) take(a arrival) {
	p.current, p.next = a.at, a.behind()
	p.cut.take(a.batch)
	n := min(p.skip, a.batch.NumRows())
	p.skip -= n
	if p.cut.at = n; n == a.batch.NumRows() {
		p.cut.drop()
	}
}

// endedPoll is how often a stream that has ended is asked for more.
const endedPoll = 200 * time.Millisecond

// receive reads the endpoint to its end; the end itself is io.EOF. When
// positions are asked for, a connection that breaks is taken up behind the last
// batch that came. A stream that is not bounded then has no end either: it ends
// when the job that exports it is stopped, and goes on when that is started
// again. To take its end for that of the input would finish this job for good.
func (p *getPartition) receive(at mark) error {
	for {
		err := p.follow(&at)
		switch {
		case !p.replay || at.Job == "":
			return err
		case errors.Is(err, io.EOF) && !p.finite:
			select {
			case <-time.After(endedPoll):
			case <-p.ctx.Done():
				return p.ctx.Err()
			}
		case status.Code(err) != codes.Unavailable || gaveUp(err):
			return err
		}
	}
}

// follow reads over one connection, moving at.
func (p *getPartition) follow(at *mark) error {
	what := "read " + p.name
	var stream arrowflight.FlightService_DoGetClient
	var first *arrowflight.FlightData
	err := p.client.retry(p.ctx, what, func(ctx context.Context) error {
		ticket := p.ticket
		if p.replay && at.Job != "" {
			t, err := p.client.ticketAt(ctx, p.stream, *at)
			if status.Code(err) == codes.NotFound {
				// A server that was started again has it when an epoch comes.
				return status.Error(codes.Unavailable, status.Convert(err).Message())
			}
			if err != nil {
				return err
			}
			ticket = t
		}
		var err error // the call lives as long as the partition
		if stream, err = p.client.DoGet(p.client.with(p.ctx), ticket); err == nil {
			first, err = stream.Recv()
		}
		return err
	})
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return lost(err)
	}
	r, err := newReceiver(what+" at "+p.client.to.uri, first, stream.Recv, p.mem)
	if err != nil {
		return p.client.bad(what, err)
	}
	defer r.Release()
	fit, err := newFitting(r.Schema(), p.schema)
	if err != nil {
		return p.client.bad(what, err)
	}
	for {
		b, err := r.Read()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return p.client.bad(what, err)
		}
		fitted, err := fit.apply(p.mem, b)
		b.Release()
		if err != nil {
			return p.client.bad(what, err)
		}
		a := arrival{batch: fitted, at: *at}
		if n := readNote(r.frames.note); n.Seq != nil {
			a.at.position, a.end = position{n.Epoch, *n.Seq}, n.End
		}
		*at = a.behind()
		select {
		case p.batches <- a:
		case <-p.ctx.Done():
			fitted.Release()
			return p.ctx.Err()
		}
	}
}

// lost gives an error of a position that is gone its code.
func lost(err error) error {
	var e *arrowstream.Error
	if c := status.Code(err); errors.As(err, &e) && (c == codes.OutOfRange || c == codes.FailedPrecondition) {
		e.Code = "AS3021"
	}
	return err
}

// Close implements [arrowstream.Partition].
func (p *getPartition) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.receiver.Wait()
	if p.started {
		for a := range p.batches {
			a.batch.Release()
		}
	}
	p.cut.drop()
	p.done()
	return nil
}

// replayPartition is a getPartition of a stream that can be read again.
type replayPartition struct{ *getPartition }

// Position implements [arrowstream.Replayer].
func (p *replayPartition) Position() ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		p.replay = true
	}
	m := p.next
	if p.cut.rest != nil {
		m = p.current
		m.Skip, m.Rows = p.cut.at, m.Rows+p.cut.at
	}
	if m.Job == "" {
		m = mark{Rows: m.Rows}
	} else {
		m.Rows = 0
	}
	return json.Marshal(m)
}

// Seek implements [arrowstream.Replayer].
func (p *replayPartition) Seek(_ context.Context, pos []byte) error {
	var m mark
	if err := json.Unmarshal(pos, &m); err != nil || m.Rows < 0 || m.Skip < 0 {
		return &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("flight: %s: position %.100q cannot be read", p.name, pos), Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replay = true
	p.skip = m.Skip
	if m.Job == "" {
		if p.next.Job != "" && m.Rows > 0 {
			return &arrowstream.Error{Code: "AS3021", Msg: fmt.Sprintf("flight: %s was read from another server, without positions", p.name)}
		}
		p.skip = m.Rows
		return nil
	}
	p.next = m
	p.next.Skip = 0
	return nil
}
