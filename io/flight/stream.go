package flight

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Retention bounds what a stream keeps for subscribers that come late or read
// slowly. The oldest batches go first; the newest always stays.
type Retention struct {
	Bytes int64 // 0 means 64 MiB
	Rows  int64 // 0 means no bound
}

const defaultRetainBytes = 64 << 20

// Stream is an exported sequence of batches, numbered from 0. Append and Close
// are called by one goroutine, subscribers come and go.
type Stream struct {
	name       string
	schema     *arrow.Schema
	encoder    *encoder
	schemaData *arrowflight.FlightData
	retention  Retention

	mu      sync.Mutex
	first   int64 // sequence number of entries[0]
	entries []entry
	bytes   int64
	rows    int64
	total   int64 // rows ever appended
	ended   bool
	failure error         // why it ended, nil for a regular end
	changed chan struct{} // closed when anything above changes
	subs    map[*subscriber]struct{}
}

type entry struct {
	data *arrowflight.FlightData
	rows int64
}

func (e entry) bytes() int64 { return int64(len(e.data.DataHeader) + len(e.data.DataBody)) }

type subscriber struct {
	next    int64 // number of the batch to send, or being sent
	sending bool
	cut     chan struct{} // closed when the batch to send is gone
	isCut   bool
}

func newStream(name string, schema *arrow.Schema, r Retention, mem memory.Allocator) (*Stream, error) {
	e, schemaData, err := newEncoder(schema, mem)
	if err != nil {
		return nil, err
	}
	if r.Bytes <= 0 {
		r.Bytes = defaultRetainBytes
	}
	return &Stream{
		name: name, schema: e.schema, encoder: e, schemaData: schemaData, retention: r,
		changed: make(chan struct{}), subs: map[*subscriber]struct{}{},
	}, nil
}

// Append adds b, which is borrowed, as one or more messages. It never waits
// for a subscriber.
func (s *Stream) Append(b arrow.Record) error {
	return s.encoder.encode(b, func(m *arrowflight.FlightData, rows int64) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended {
			return fmt.Errorf("flight: stream %q is closed", s.name)
		}
		seq := s.first + int64(len(s.entries))
		m.AppMetadata = note{Seq: &seq, Rows: rows}.encode()
		e := entry{m, rows}
		s.entries = append(s.entries, e)
		s.bytes += e.bytes()
		s.rows += rows
		s.total += rows
		s.trim()
		s.wake()
		return nil
	})
}

// trim drops the oldest batches beyond the retention and cuts off subscribers
// that still needed them.
func (s *Stream) trim() {
	n := 0
	for n < len(s.entries)-1 && (s.bytes > s.retention.Bytes || s.retention.Rows > 0 && s.rows > s.retention.Rows) {
		s.bytes -= s.entries[n].bytes()
		s.rows -= s.entries[n].rows
		s.entries[n] = entry{}
		n++
	}
	if n == 0 {
		return
	}
	s.entries = s.entries[n:]
	s.first += int64(n)
	for sub := range s.subs {
		needs := sub.next
		if sub.sending {
			needs++
		}
		if needs < s.first && !sub.isCut {
			sub.isCut = true
			close(sub.cut)
		}
	}
}

func (s *Stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Close ends the stream: subscribers get the rest and then the end.
func (s *Stream) Close() { s.end(nil) }

func (s *Stream) end(failure error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.failure = true, failure
		s.wake()
	}
}

// Subscribers is the number of clients that follow the stream now.
func (s *Stream) Subscribers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subs)
}

// drained waits until no client follows the stream, or ctx is done.
func (s *Stream) drained(ctx context.Context) {
	for {
		s.mu.Lock()
		n, changed := len(s.subs), s.changed
		s.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stream) subscribe(from int64) (*subscriber, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.first + int64(len(s.entries))
	switch {
	case from == fromRetained:
		from = s.first
	case from == fromLive:
		from = end
	case from < s.first:
		return nil, status.Errorf(codes.OutOfRange, "stream %q: batch %d is no longer retained, the first is %d", s.name, from, s.first)
	case from > end:
		return nil, status.Errorf(codes.OutOfRange, "stream %q: there is no batch %d yet, the next is %d", s.name, from, end)
	}
	sub := &subscriber{next: from, cut: make(chan struct{})}
	s.subs[sub] = struct{}{}
	return sub, nil
}

func (s *Stream) unsubscribe(sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, sub)
	s.wake()
}

// serve sends the stream to one client until it ends, the client goes or is
// too slow. The sending runs in a goroutine of its own: one that is blocked by
// the client's flow control ends only when serve has returned.
func (s *Stream) serve(ctx context.Context, from int64, send func(*arrowflight.FlightData) error) error {
	sub, err := s.subscribe(from)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer s.unsubscribe(sub)
		done <- s.pump(ctx, sub, send)
	}()
	select {
	case err := <-done:
		return err
	case <-sub.cut:
		return s.tooSlow(sub)
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func (s *Stream) tooSlow(sub *subscriber) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return status.Errorf(codes.ResourceExhausted,
		`stream %q: too slow: batch %d was dropped before it could be sent; the ticket {"stream":%q,"from":"start"} goes on with the oldest batch retained, now %d`,
		s.name, sub.next, s.name, s.first)
}

func (s *Stream) pump(ctx context.Context, sub *subscriber, send func(*arrowflight.FlightData) error) error {
	first := sub.next
	err := send(&arrowflight.FlightData{DataHeader: s.schemaData.DataHeader, DataBody: s.schemaData.DataBody, AppMetadata: note{First: &first}.encode()})
	for err == nil {
		s.mu.Lock()
		at := sub.next - s.first
		ended, failure, changed := s.ended, s.failure, s.changed
		switch {
		case at < 0:
			s.mu.Unlock()
			return s.tooSlow(sub)
		case at < int64(len(s.entries)):
			m := s.entries[at].data
			sub.sending = true
			s.mu.Unlock()
			err = send(m)
			s.mu.Lock()
			sub.sending = false
			sub.next++
			s.mu.Unlock()
		case ended:
			s.mu.Unlock()
			return failure
		default:
			s.mu.Unlock()
			select {
			case <-changed:
			case <-sub.cut:
				return s.tooSlow(sub)
			case <-ctx.Done():
				return status.FromContextError(ctx.Err()).Err()
			}
		}
	}
	return err
}
