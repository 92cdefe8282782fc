package flight

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestPut(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := hub(t)
	src := &PutSource{Stream: "in", Hub: h, Listen: "127.0.0.1:0", Puts: 4, Columns: iotest.Schema(t, "x:int64 k:utf8")}
	p := open(t, src, mem, 7)
	server := p.(*inbox).server
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s := &PutSink{URI: server.URI(), Stream: "in"}
			b := numbers(t, mem, 100*i, 10)
			if err := s.Bind(b.Schema(), env(mem).Env); err != nil {
				t.Error(err)
			}
			for range 20 {
				write(t, s, b)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	got, err := iotest.Rows(context.Background(), p, 0)
	if err != nil || len(got) != 4*20*10 {
		t.Fatal(len(got), err)
	}
	wg.Wait()
	seen := map[string]int{}
	for _, row := range got {
		seen[row]++
	}
	if len(seen) != 40 || seen["205 k0"] != 20 {
		t.Error(len(seen), seen["205 k0"])
	}
	// A fifth is refused, and so is one that nobody reads or that does not fit.
	late := func(stream string, b arrow.Record) error {
		s := &PutSink{URI: server.URI(), Stream: stream}
		return errors.Join(s.Bind(b.Schema(), env(mem).Env), s.Write(t.Context(), b), s.Close())
	}
	if err := late("in", numbers(t, mem, 0, 1)); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if err := late("out", numbers(t, mem, 0, 1)); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
	other := open(t, &PutSource{Stream: "in2", Hub: h, Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "x:int64! k:utf8")}, mem, 0)
	for text, want := range map[string]string{
		"x:float64 k:utf8\n1 a\n": `column "x" is float64`, "x:int64\n1\n": `column "k" is missing`, "x:int64 k:utf8\nnull a\n": "NOT NULL",
	} {
		if err := late("in2", columnartest.Batch(t, mem, text)); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	other.Close()
}

func TestPutBackPressureAndClose(t *testing.T) {
	mem := columnartest.Allocator(t)
	p := open(t, &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "k:utf8 x:int64")}, mem, 0)
	s := &PutSink{URI: p.(*inbox).server.URI(), Stream: "in"}
	b := numbers(t, mem, 0, 4096)
	if err := s.Bind(b.Schema(), env(mem).Env); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var err error
	for n := 0; err == nil; n++ {
		if n > 10_000 {
			t.Fatal("a source that nobody reads takes everything")
		}
		err = s.Write(ctx, b)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	done := make(chan error, 1)
	go func() {
		for {
			b, err := p.Read(context.Background())
			if err != nil {
				done <- err
				return
			}
			b.Release()
		}
	}()
	idle := &PutSink{URI: p.(*inbox).server.URI(), Stream: "in"} // connected, sends nothing more
	if err := errors.Join(idle.Bind(b.Schema(), env(mem).Env), idle.Write(t.Context(), b)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := <-done; !errors.Is(err, errClosed) {
		t.Error(err)
	}
	s.Abort(nil)
	s.Close()
	// NotFound when the call arrived after the source had gone.
	if err := idle.Close(); status.Code(err) != codes.Unavailable && status.Code(err) != codes.NotFound {
		t.Error(err)
	}
}

func TestHostilePut(t *testing.T) {
	mem := columnartest.Allocator(t)
	p := open(t, &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Puts: 1, Columns: iotest.Schema(t, "k:utf8 x:int64")}, mem, 0)
	c := dial(t, p.(*inbox).server.URI())
	b := numbers(t, mem, 0, 50)
	e, head, err := newEncoder(b.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	var body *arrowflight.FlightData
	if err := e.encode(b, func(m *arrowflight.FlightData, _ int64) error { body = m; return nil }); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	name := &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"in"}}
	mutate := func(data []byte) []byte {
		data = bytes.Clone(data)
		for range 1 + rnd.IntN(4) {
			if len(data) > 0 {
				data[rnd.IntN(len(data))] = byte(rnd.Uint32())
			}
		}
		if rnd.IntN(4) == 0 && len(data) > 0 {
			data = data[:rnd.IntN(len(data))]
		}
		return data
	}
	drained := make(chan struct{})
	go func() { _, _ = iotest.Rows(context.Background(), p, 0); close(drained) }()
	failures := 0
	for i := range 300 {
		stream, err := c.DoPut(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := &arrowflight.FlightData{FlightDescriptor: name, DataHeader: head.DataHeader}
		second := &arrowflight.FlightData{DataHeader: body.DataHeader, DataBody: body.DataBody}
		switch i % 4 {
		case 0:
			first.DataHeader = mutate(first.DataHeader)
		case 1:
			second.DataHeader = mutate(second.DataHeader)
		case 2:
			second.DataBody = mutate(second.DataBody)
			second.DataHeader = mutate(second.DataHeader)
		case 3:
			first.DataHeader = make([]byte, rnd.IntN(64))
			for j := range first.DataHeader {
				first.DataHeader[j] = byte(rnd.Uint32())
			}
		}
		_ = stream.Send(first)
		_ = stream.Send(second)
		// The broken end of a client, so that the put never counts as complete.
		if i%7 == 0 {
			first.FlightDescriptor = nil
			_ = stream.Send(first)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if _, err := stream.Recv(); err != nil && !errors.Is(err, io.EOF) {
				failures++
			}
		}()
		_ = stream.CloseSend()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the server does not answer")
		}
	}
	if failures < 100 {
		t.Errorf("only %d of 300 hostile puts were refused", failures)
	}
	p.Close()
	<-drained
}

func TestTLSAndToken(t *testing.T) {
	web := httptest.NewUnstartedServer(nil) // brings a certificate for 127.0.0.1
	web.StartTLS()
	defer web.Close()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pair := web.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mem := columnartest.Allocator(t)
	b := numbers(t, mem, 0, 3)
	t.Setenv("FLIGHT_TEST_TOKEN", "s3cret")
	s := sink(t, hub(t), mem, Sink{Stream: "n", CertFile: cert, KeyFile: key, Token: "env:FLIGHT_TEST_TOKEN"}, b.Schema())
	write(t, s, b)
	s.Close()
	src := Source{URI: s.server.URI(), Stream: "n", CAFile: cert, Token: "s3cret"}
	if !strings.HasPrefix(src.URI, "grpc+tls://") {
		t.Error(src.URI)
	}
	got, err := iotest.Rows(context.Background(), open(t, &src, mem, 0), 0)
	if err != nil || len(got) != 3 {
		t.Error(got, err)
	}
	for _, token := range []string{"", "wrong"} {
		bad := Source{URI: s.server.URI(), Stream: "n", CAFile: cert, Token: arrowstream.Secret(token)}
		if _, err := bad.Schema(); status.Code(err) != codes.Unauthenticated {
			t.Error(err)
		}
	}
	c, err := connection{uri: s.server.URI(), caFile: cert}.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, value := range []string{"Bearer", "", "Basic", "Bearer ", "bearer\x20\x20", "Basic !!!"} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", value)
		if _, err := c.GetSchema(ctx, src.descriptor()); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	columns := iotest.Schema(t, "x:int64")
	bind := func(s arrowstream.Sink) error { return s.Bind(columns, arrowstream.Env{}) }
	source := func(s arrowstream.Source) error { _, err := s.Schema(); return err }
	cases := []struct {
		err  error
		want string
	}{
		{bind(&Sink{}), "stream is missing"},
		{bind(&Sink{Stream: "s", Listen: "0.0.0.0:1"}), "not a loopback address"},
		{bind(&Sink{Stream: "s", Listen: ":1", Token: "t"}), "not a loopback address"},
		{bind(&Sink{Stream: "s", Listen: "x"}), "not host:port"},
		{bind(&Sink{Stream: "s", CertFile: "c"}), "belong together"},
		{bind(&PutSink{Stream: "s"}), "uri is missing"},
		{bind(&PutSink{Stream: "s", URI: "h:1", Keepalive: minKeepalive - 1}), "give at least 10s"},
		{bind(&PutSink{Stream: "s", URI: "http://x:1"}), `scheme "http"`},
		{bind(&PutSink{Stream: "s", URI: "grpc://x"}), "no host:port"},
		{source(&PutSource{Stream: "s"}), "columns are not declared"},
		{source(&PutSource{Columns: columns}), "stream is missing"},
		{source(&Source{URI: "h:1"}), "stream is missing"},
		{source(&Source{URI: "h:1", Ticket: "t"}), "a ticket tells no columns"},
	}
	for _, tc := range cases {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%v, want %q", tc.err, tc.want)
		}
	}
	if err := bind(&Sink{Stream: "s", Listen: "0.0.0.0:1", Insecure: true}); err != nil {
		t.Error(err)
	}
	down := &Source{URI: "grpc://127.0.0.1:1", Stream: "s", ConnectTimeout: 200 * time.Millisecond}
	if err := source(down); err == nil || !strings.Contains(err.Error(), "grpc://127.0.0.1:1") || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	put := &PutSink{URI: "grpc://127.0.0.1:1", Stream: "s", ConnectTimeout: 200 * time.Millisecond}
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n")
	if err := errors.Join(put.Bind(b.Schema(), env(mem).Env), put.Write(t.Context(), b)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

// TestConnector goes the way of SQL: options as text, servers shared in the
// process and gone with their last user.
func TestConnector(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := numbers(t, mem, 0, 4)
	table := arrowstream.Table{Name: "out", Options: map[string]string{"listen": "127.0.0.1:0", "hold": "300ms", "puts": "3"}}
	made, err := Connector.Sink(table)
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*Sink)
	if err := errors.Join(s.Bind(b.Schema(), env(mem).Env), s.Write(t.Context(), b)); err != nil {
		t.Fatal(err)
	}
	uri := s.URI()
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	from, err := Connector.Source(arrowstream.Table{Name: "out", Options: map[string]string{"uri": uri, "hold": "1s"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := iotest.Rows(context.Background(), open(t, from, mem, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, columnartest.Rows(b))
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if len(process.servers) != 0 {
		t.Error("the server is still there")
	}
	if _, err := Connector.Sink(arrowstream.Table{Name: "t", Options: map[string]string{"lisen": "x"}}); err == nil || !strings.Contains(err.Error(), `"listen"`) {
		t.Error(err)
	}
}
