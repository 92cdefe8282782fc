package flight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream/internal/remote"
)

// service answers the calls of Arrow Flight; calls not listed here are
// Unimplemented.
type service struct {
	arrowflight.BaseFlightServer
	server *Server
}

// Handshake answers a login: the interceptor has checked it, and the token for
// the calls that follow stands in the header.
func (s *service) Handshake(arrowflight.FlightService_HandshakeServer) error { return nil }

// ListFlights lists what the caller can read.
func (s *service) ListFlights(_ *arrowflight.Criteria, out arrowflight.FlightService_ListFlightsServer) error {
	who := callerOf(out.Context())
	for _, name := range s.server.names() {
		if !who.MayRead(name) {
			continue
		}
		info, err := s.info(who, ticket{stream: name})
		if err != nil {
			continue // ended between the two calls
		}
		if err := out.Send(info); err != nil {
			return err
		}
	}
	return nil
}

// GetFlightInfo describes one stream, with a ticket for what was asked.
func (s *service) GetFlightInfo(ctx context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	t, err := wish(d)
	if err != nil {
		return nil, err
	}
	return s.info(callerOf(ctx), t)
}

// GetSchema returns the schema of one stream.
func (s *service) GetSchema(ctx context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.SchemaResult, error) {
	info, err := s.GetFlightInfo(ctx, d)
	if err != nil {
		return nil, err
	}
	return &arrowflight.SchemaResult{Schema: info.Schema}, nil
}

func notGranted(what, stream string) error {
	return status.Errorf(codes.PermissionDenied, "stream %q: %s is not granted", stream, what)
}

// info describes a stream. Whether it is there is nobody's business who may not
// read it.
func (s *service) info(who *remote.Principal, t ticket) (*arrowflight.FlightInfo, error) {
	if !who.MayRead(t.stream) {
		return nil, notGranted("read", t.stream)
	}
	st, tab, err := s.server.lookup(who, t.stream)
	if err != nil {
		return nil, err
	}
	info := &arrowflight.FlightInfo{
		FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{t.stream}},
		Endpoint:         []*arrowflight.FlightEndpoint{{Ticket: &arrowflight.Ticket{Ticket: s.server.tickets.sign(t, who.Name, time.Now())}}},
		TotalRecords:     -1, TotalBytes: -1, Ordered: true,
	}
	schema := (*arrow.Schema)(nil)
	if st != nil {
		schema = st.schema
		st.mu.Lock()
		oldest := st.oldest
		info.AppMetadata = note{First: &oldest, Job: st.job}.encode()
		if st.ended && st.first == 0 {
			info.TotalRecords, info.TotalBytes = st.total, st.bytes
		}
		_, _, err = st.find(t)
		st.mu.Unlock()
		if err != nil {
			return nil, err
		}
	} else {
		schema = tab.schema
	}
	info.Schema = arrowflight.SerializeSchema(schema, memory.NewGoAllocator())
	return info, nil
}

// DoGet sends a stream from where the ticket says, or a table.
func (s *service) DoGet(raw *arrowflight.Ticket, out arrowflight.FlightService_DoGetServer) error {
	who := callerOf(out.Context())
	t, err := s.server.tickets.open(raw.GetTicket(), who.Name, !s.server.auth.guarded, time.Now())
	if err != nil {
		return err
	}
	if !who.MayRead(t.stream) {
		return notGranted("read", t.stream)
	}
	st, tab, err := s.server.lookup(who, t.stream)
	if err != nil {
		return err
	}
	if st != nil {
		resume := func(t ticket) []byte { return s.server.tickets.sign(t, who.Name, time.Now()) }
		return st.serve(out.Context(), t, resume, out.Send)
	}
	e, schema, err := newEncoder(tab.schema, memory.NewGoAllocator())
	if err != nil {
		return err
	}
	if err := out.Send(schema); err != nil {
		return err
	}
	return tab.read(out.Context(), func(b arrow.Record) error {
		return e.encode(b, func(m *arrowflight.FlightData, _ int64) error { return out.Send(m) })
	})
}

// DoPut hands batches to the source of that name. The answer comes at the end:
// how many batches and rows were taken.
func (s *service) DoPut(in arrowflight.FlightService_DoPutServer) error {
	first, err := in.Recv()
	if errors.Is(err, io.EOF) {
		return status.Error(codes.InvalidArgument, "the call ended before its first message")
	}
	if err != nil {
		return err
	}
	t, err := wish(first.GetFlightDescriptor())
	if err != nil {
		return err
	}
	name := t.stream
	if !callerOf(in.Context()).MayWrite(name) {
		return notGranted("write", name)
	}
	s.server.mu.Lock()
	box := s.server.inboxes[name]
	s.server.mu.Unlock()
	if box == nil {
		return status.Errorf(codes.NotFound, "nothing reads a stream %q here", name)
	}
	if !box.enter() {
		return status.Errorf(codes.Unavailable, "stream %q is closing", name)
	}
	// The receiving runs in a goroutine of its own: while it waits for the
	// client, only the end of this call can end it.
	done := make(chan error, 1)
	var taken struct{ batches, rows int64 }
	go func() {
		var err error
		defer func() { box.leave(err == nil); done <- err }()
		defer recovered("DoPut", &err)
		err = box.receive(in, first, func(rows int64) { taken.batches++; taken.rows += rows })
	}()
	select {
	case err = <-done:
	case <-box.closed:
		return status.Errorf(codes.Unavailable, "stream %q is closing", name)
	}
	if err != nil {
		return err
	}
	return in.Send(&arrowflight.PutResult{AppMetadata: fmt.Appendf(nil, `{"batches":%d,"rows":%d}`, taken.batches, taken.rows)})
}

// receive puts every batch of one client into the queue.
func (in *inbox) receive(client arrowflight.FlightService_DoPutServer, first *arrowflight.FlightData, taken func(rows int64)) error {
	r, err := newReceiver("put "+in.name, first, client.Recv, in.mem)
	if err != nil {
		return invalid(err)
	}
	defer r.Release()
	fit, err := newFitting(r.Schema(), in.schema)
	if err != nil {
		return invalid(err)
	}
	for {
		b, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalid(err)
		}
		fitted, err := fit.apply(in.mem, b)
		b.Release()
		if err != nil {
			return invalid(err)
		}
		rows := fitted.NumRows()
		if in.journal != nil {
			err = in.keepAndTell(client, readPutNote(r.frames.note), fitted)
		} else {
			err = in.put(client.Context(), fitted)
		}
		if err != nil {
			return err
		}
		taken(rows)
	}
}

// keepAndTell keeps a batch in the journal and, if it has a note, tells its sender
// that it is there: others need not read answers.
func (in *inbox) keepAndTell(client arrowflight.FlightService_DoPutServer, n *putNote, b arrow.Record) error {
	err := in.keep(client.Context(), callerOf(client.Context()).Name, n, b)
	if err != nil || n == nil {
		return err
	}
	text, err := json.Marshal(putNote{Epoch: n.Epoch, Seq: n.Seq})
	if err != nil {
		return err
	}
	return client.Send(&arrowflight.PutResult{AppMetadata: text})
}

// invalid is err as a status: what a client sent wrong, unless it is a status
// already.
func invalid(err error) error {
	if s, ok := status.FromError(err); ok {
		return s.Err()
	}
	return status.Error(codes.InvalidArgument, err.Error())
}
