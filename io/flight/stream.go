package flight

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	Bytes  int64 // 0 means 64 MiB, with a Path 1 GiB
	Rows   int64 // 0 means no bound; without a Path only
	Epochs int   // of a stream with epochs; 0 means 100
	// Path is a folder in which the epochs of a stream are kept, so that they
	// outlive the process; "" keeps them in memory.
	Path string
}

const (
	defaultRetainBytes  = 64 << 20
	defaultRetainStored = 1 << 30
	defaultRetainEpochs = 100
)

// Stream is an exported sequence of batches, each of which has a position.
// Append, publish and Close are called by one goroutine, subscribers come and go.
type Stream struct {
	name       string
	job        string // whose positions these are
	schema     *arrow.Schema
	encoder    *encoder
	schemaData *arrowflight.FlightData
	retention  Retention
	shelf      *shelf // nil if nothing is kept on disk
	whole      bool   // nothing was ever published elsewhere, by an earlier process

	mu      sync.Mutex
	first   int64 // index of entries[0], counted over the stream
	oldest  position
	next    position // of what comes next
	entries []entry
	bytes   int64
	rows    int64
	epochs  int   // that are complete and retained, in whole or in part
	total   int64 // rows ever appended
	ended   bool
	failure error         // why it ended, nil for a regular end
	changed chan struct{} // closed when anything above changes
	subs    map[*subscriber]struct{}
}

// entry is a retained message: in memory, or in a file.
type entry struct {
	at    position
	end   bool // of its epoch
	rows  int64
	bytes int64
	data  *arrowflight.FlightData // nil if it is stored
	where stored
}

type subscriber struct {
	next    int64 // index of the entry to send, or being sent
	at      position
	sending bool
	cut     chan struct{} // closed when the entry to send is gone
	isCut   bool
}

// newStream returns a stream of a job; without one it is its own, and positions
// in it mean nothing to any other.
func newStream(name, job string, schema *arrow.Schema, r Retention, mem memory.Allocator) (*Stream, error) {
	e, schemaData, err := newEncoder(schema, mem)
	if err != nil {
		return nil, err
	}
	if r.Bytes <= 0 {
		r.Bytes = defaultRetainBytes
		if r.Path != "" {
			r.Bytes = defaultRetainStored
		}
	}
	if r.Epochs <= 0 {
		r.Epochs = defaultRetainEpochs
	}
	if job == "" {
		var id [16]byte
		rand.Read(id[:]) // never fails
		job = hex.EncodeToString(id[:])
	}
	return &Stream{
		name: name, job: job, schema: e.schema, encoder: e, schemaData: schemaData, retention: r,
		changed: make(chan struct{}), subs: map[*subscriber]struct{}{},
	}, nil
}

// Append adds b, which is borrowed, as one or more messages of the epoch at
// hand. It never waits for a subscriber.
func (s *Stream) Append(b arrow.Record) error {
	return s.encoder.encode(b, func(m *arrowflight.FlightData, rows int64) error { return s.add(m, rows, false) })
}

// add appends a message.
func (s *Stream) add(m *arrowflight.FlightData, rows int64, end bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return fmt.Errorf("flight: stream %q is closed", s.name)
	}
	e := entry{at: s.next, end: end, rows: rows, data: m}
	m.AppMetadata = note{Epoch: e.at.Epoch, Seq: &e.at.Seq, Rows: rows, End: end}.encode()
	e.bytes = int64(len(m.DataHeader) + len(m.DataBody))
	s.push(e)
	return nil
}

// push takes entries in, with mu held.
func (s *Stream) push(entries ...entry) {
	s.entries = append(s.entries, entries...)
	for _, e := range entries {
		s.bytes += e.bytes
		s.rows += e.rows
		s.total += e.rows
		s.next = position{e.at.Epoch, e.at.Seq + 1}
		if e.end {
			s.epochs++
			s.next = position{e.at.Epoch + 1, 0}
		}
	}
	s.trim()
	s.wake()
}

// crowded reports whether more is retained than should be.
func (s *Stream) crowded() bool {
	return s.bytes > s.retention.Bytes || s.epochs > s.retention.Epochs || s.retention.Rows > 0 && s.rows > s.retention.Rows
}

// trim drops the oldest batches beyond the retention, from a shelf in whole
// epochs, and cuts off subscribers that still needed them.
func (s *Stream) trim() {
	n := 0
	for s.crowded() {
		take := 1
		if s.shelf != nil {
			take = slices.IndexFunc(s.entries[n:], func(e entry) bool { return e.end }) + 1
		}
		if take == 0 || n+take >= len(s.entries) {
			break
		}
		for _, e := range s.entries[n : n+take] {
			s.bytes -= e.bytes
			s.rows -= e.rows
			if e.end {
				s.epochs--
			}
		}
		if s.shelf != nil {
			s.shelf.drop(s.entries[n].where)
		}
		clear(s.entries[n : n+take])
		n += take
	}
	if n == 0 {
		return
	}
	s.entries = s.entries[n:]
	s.first += int64(n)
	s.oldest = s.entries[0].at
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

// find is the index of the entry at which a ticket starts. A place that is not
// retained, that is not of this job or that cannot be is an error: rows are
// never left out silently.
func (s *Stream) find(t ticket) (int64, position, error) {
	end := s.first + int64(len(s.entries))
	switch {
	case t.job != "" && t.job != s.job:
		return 0, position{}, status.Errorf(codes.FailedPrecondition,
			"stream %q: %s is of another run: this one is %s, and its oldest batch retained is %s", s.name, t.at, s.job, s.oldest)
	case t.start == fromRetained:
		return s.first, s.oldest, nil
	case t.start == fromLive:
		return end, s.next, nil
	case t.at.Epoch > 0 && s.next == (position{}):
		// Whether the next follows on what the client has is seen when it comes.
		return 0, position{}, status.Errorf(codes.Unavailable, "stream %q: nothing is published yet", s.name)
	case t.at.compare(s.oldest) < 0:
		return 0, position{}, status.Errorf(codes.OutOfRange, "stream %q: %s is no longer retained, the oldest is %s", s.name, t.at, s.oldest)
	}
	i, exact := slices.BinarySearchFunc(s.entries, t.at, func(e entry, at position) int { return e.at.compare(at) })
	// The first batch of an epoch may be of a later one, because not every
	// epoch has rows; any other must be there, or be the next. Who is ahead of
	// the stream has read another history of the job.
	if c := t.at.compare(s.next); c > 0 || c < 0 && !exact && t.at.Seq > 0 {
		return 0, position{}, status.Errorf(codes.OutOfRange, "stream %q: there is no %s, the next is %s", s.name, t.at, s.next)
	}
	return s.first + int64(i), t.at, nil
}

func (s *Stream) subscribe(t ticket) (*subscriber, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, at, err := s.find(t)
	if err != nil {
		return nil, err
	}
	sub := &subscriber{next: next, at: at, cut: make(chan struct{})}
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
// the client's flow control ends only when serve has returned. resume makes the
// ticket that a client which is cut off may go on with.
func (s *Stream) serve(ctx context.Context, t ticket, resume func(ticket) []byte, send func(*arrowflight.FlightData) error) error {
	sub, err := s.subscribe(t)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer s.unsubscribe(sub)
		done <- s.pump(ctx, sub, resume, send)
	}()
	select {
	case err := <-done:
		return err
	case <-sub.cut:
		return s.tooSlow(sub, resume)
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// tooSlow says what a subscriber has missed, and how it can go on behind that.
func (s *Stream) tooSlow(sub *subscriber, resume func(ticket) []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := ticket{stream: s.name, job: s.job, start: fromRetained}
	return status.Errorf(codes.ResourceExhausted,
		"stream %q: too slow: %s was dropped before it could be sent; go on with the oldest that is retained, now %s, by the ticket %s",
		s.name, sub.at, s.oldest, resume(t))
}

func (s *Stream) pump(ctx context.Context, sub *subscriber, resume func(ticket) []byte, send func(*arrowflight.FlightData) error) error {
	first := sub.at
	err := send(&arrowflight.FlightData{DataHeader: s.schemaData.DataHeader, DataBody: s.schemaData.DataBody, AppMetadata: note{First: &first, Job: s.job}.encode()})
	for err == nil {
		s.mu.Lock()
		at := sub.next - s.first
		ended, failure, changed := s.ended, s.failure, s.changed
		switch {
		case at < 0:
			s.mu.Unlock()
			return s.tooSlow(sub, resume)
		case at < int64(len(s.entries)):
			e := s.entries[at]
			sub.sending, sub.at = true, e.at
			s.mu.Unlock()
			m := e.data
			if m == nil {
				if m, err = s.shelf.load(e.where); errors.Is(err, errDropped) {
					return s.tooSlow(sub, resume)
				}
			}
			if err == nil {
				err = send(m)
			}
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
				return s.tooSlow(sub, resume)
			case <-ctx.Done():
				return status.FromContextError(ctx.Err()).Err()
			}
		}
	}
	return err
}
