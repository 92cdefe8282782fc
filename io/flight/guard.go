package flight

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream/internal/remote"
)

// limits bound what a client can make the server hold. A connection that is
// older than its age takes no new calls; calls that are running go on. Pings
// may come every 5 s, half the shortest pause of our own clients: of pings that
// come as often as they may, some come a little early.
func (s *Server) limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(16 << 20), grpc.MaxConcurrentStreams(128), grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(20 * time.Second), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: time.Minute, Timeout: 20 * time.Second, MaxConnectionIdle: time.Hour, MaxConnectionAge: 24 * time.Hour,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minKeepalive / 2, PermitWithoutStream: true}),
	}
}

// methods are the calls that are answered.
var methods = map[string]bool{
	"/arrow.flight.protocol.FlightService/Handshake":     true,
	"/arrow.flight.protocol.FlightService/ListFlights":   true,
	"/arrow.flight.protocol.FlightService/GetFlightInfo": true,
	"/arrow.flight.protocol.FlightService/GetSchema":     true,
	"/arrow.flight.protocol.FlightService/DoGet":         true,
	"/arrow.flight.protocol.FlightService/DoPut":         true,
}

// unary and stream run before every call: recover, authentication, the list of
// methods. What a caller may do with which stream is decided where the call
// has named it.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (resp any, err error) {
	defer recovered(info.FullMethod, &err)
	ctx, err = s.enter(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return h(ctx, req)
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	defer recovered(info.FullMethod, &err)
	ctx, err := s.enter(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return h(srv, &calledStream{ss, ctx})
}

// enter lets a call in, with its caller in the context.
func (s *Server) enter(ctx context.Context, method string) (context.Context, error) {
	who, err := s.auth.authenticate(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	if !methods[method] {
		return nil, status.Errorf(codes.Unimplemented, "%s is not offered here", method)
	}
	return context.WithValue(ctx, callerKey{}, who), nil
}

// calledStream is a call with its caller in the context.
type calledStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *calledStream) Context() context.Context { return s.ctx }

type callerKey struct{}

// callerOf is who makes a call; one that came past the interceptors may nothing.
func callerOf(ctx context.Context) *remote.Principal {
	if p, ok := ctx.Value(callerKey{}).(*remote.Principal); ok {
		return p
	}
	return &remote.Principal{}
}

func recovered(method string, err *error) {
	if p := recover(); p != nil {
		*err = status.Errorf(codes.Internal, "%s: internal error: %v", method, p)
	}
}
