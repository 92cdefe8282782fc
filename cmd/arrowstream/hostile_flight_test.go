package main

import (
	stdbytes "bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"testing"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// flightMessages cuts the bytes of an IPC stream or file into messages, as far
// as the lengths in them can be followed; what is left is the body of the last.
func flightMessages(b []byte) (messages []*arrowflight.FlightData) {
	b = stdbytes.TrimPrefix(b, []byte("ARROW1\x00\x00"))
	for len(b) >= 8 {
		if binary.LittleEndian.Uint32(b) == 0xffffffff {
			b = b[4:]
		}
		n := int64(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if n == 0 {
			break
		}
		n = min(n, int64(len(b)))
		m := &arrowflight.FlightData{DataHeader: b[:n]}
		b = b[n:]
		body := bodyLength(m.DataHeader)
		if body < 0 || body > int64(len(b)) {
			body = int64(len(b))
		}
		m.DataBody = b[:body]
		b = b[body:]
		messages = append(messages, m)
	}
	return messages
}

// bodyLength is field 3 of the table Message of a header, -1 if there is none.
func bodyLength(header []byte) int64 {
	at := func(p int64, n int) []byte {
		if p < 0 || p+int64(n) > int64(len(header)) {
			return make([]byte, n)
		}
		return header[p:][:n]
	}
	root := int64(binary.LittleEndian.Uint32(at(0, 4)))
	table := root - int64(int32(binary.LittleEndian.Uint32(at(root, 4))))
	field := int64(binary.LittleEndian.Uint16(at(table+10, 2)))
	if field == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(at(root+field, 8)))
}

// hostileServer serves the messages of the file that a ticket names.
type hostileServer struct {
	arrowflight.BaseFlightServer
	files map[string][]*arrowflight.FlightData
}

func (s *hostileServer) GetSchema(_ context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.SchemaResult, error) {
	m := s.files[d.Path[0]]
	if len(m) == 0 {
		return &arrowflight.SchemaResult{}, nil
	}
	head := binary.LittleEndian.AppendUint32([]byte{0xff, 0xff, 0xff, 0xff}, uint32(len(m[0].DataHeader)))
	return &arrowflight.SchemaResult{Schema: append(head, m[0].DataHeader...)}, nil
}

func (s *hostileServer) GetFlightInfo(_ context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	return &arrowflight.FlightInfo{Endpoint: []*arrowflight.FlightEndpoint{{Ticket: &arrowflight.Ticket{Ticket: []byte(d.Path[0])}}}}, nil
}

func (s *hostileServer) DoGet(ticket *arrowflight.Ticket, out arrowflight.FlightService_DoGetServer) error {
	for _, m := range s.files[string(ticket.Ticket)] {
		if err := out.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// TestHostileFlightServer reads every hostile Arrow file from a server that
// sends it as it is.
func TestHostileFlightServer(t *testing.T) {
	files := hostileFiles(t, "ipc")
	served := &hostileServer{files: map[string][]*arrowflight.FlightData{}}
	streams := map[string]string{}
	for i, h := range files {
		streams[h.name] = fmt.Sprintf("f%d", i)
		served.files[streams[h.name]] = flightMessages(h.read(t))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	arrowflight.RegisterFlightServiceServer(server, served)
	done := make(chan error)
	go func() { done <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		<-done
	}()
	abuse(t, files, func(h hostile) *exec.Cmd {
		return child(t.Context(), []string{hostileAddresses}, "run", "-q", "-e",
			fmt.Sprintf("CREATE TABLE t USING flight OPTIONS (uri = 'grpc://%s', stream = '%s', bounded = 'true'); SELECT count(*) AS n FROM t", listener.Addr(), streams[h.name]))
	})
}

// TestHostileFlightClient sends every hostile Arrow file, and a good stream
// with each byte of it changed, to a running job, which still takes a good one
// afterwards and ends in peace.
func TestHostileFlightClient(t *testing.T) {
	files := hostileFiles(t, "ipc")
	var streams [][]*arrowflight.FlightData
	var size int64
	for _, h := range files {
		size += h.size
		streams = append(streams, flightMessages(h.read(t)))
	}
	var good []*arrowflight.FlightData
	for _, opt := range []ipc.Option{ipc.WithAllocator(columnartest.Allocator(t)), ipc.WithZstd(), ipc.WithLZ4()} {
		b := columnartest.Batch(t, columnartest.Allocator(t), "x:int64 k:utf8 l:list<int64>\n1 one [1,2]\nnull two null\n3 \"\" []\n")
		var stream stdbytes.Buffer
		w := ipc.NewWriter(&stream, ipc.WithSchema(b.Schema()), opt)
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		good = flightMessages(stream.Bytes())
		step := 1
		if testing.Short() {
			step = 17
		}
		for i := 0; i < stream.Len(); i += step {
			bad := stdbytes.Clone(stream.Bytes())
			bad[i] ^= 1 << (i % 8)
			// Cut like the good one, so that the change is in the message.
			var m []*arrowflight.FlightData
			at := 0
			for _, g := range good {
				m = append(m, &arrowflight.FlightData{DataHeader: bad[at+8:][:len(g.DataHeader)], DataBody: bad[at+8+len(g.DataHeader):][:len(g.DataBody)]})
				at += 8 + len(g.DataHeader) + len(g.DataBody)
			}
			streams = append(streams, m)
			size += int64(len(bad))
		}
	}

	t.Chdir(t.TempDir())
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	cmd := child(t.Context(), []string{hostileAddresses}, "run", "-q", "-e", fmt.Sprintf(
		"CREATE TABLE f (x BIGINT, k STRING, l ARRAY<BIGINT>) USING flight OPTIONS (listen = '%s', stream = 'f'); CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM f", address))
	var said shared
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := arrowflight.NewFlightServiceClient(conn)
	taken, refused := 0, map[codes.Code]int{}
	for i, m := range streams {
		switch err := doPut(t, client, m); status.Code(err) {
		case codes.OK:
			taken++
		case codes.InvalidArgument:
			refused[codes.InvalidArgument]++
		default:
			t.Errorf("stream %d: %v\n%.1000s", i, err, said.String())
			if len(refused)+1 > 3 {
				t.FailNow()
			}
			refused[status.Code(err)]++
		}
	}
	t.Logf("%d streams, %d of them taken", len(streams), taken)
	if err := doPut(t, client, good); err != nil {
		t.Errorf("a good stream afterwards: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	code := codeOf(cmd.Wait())
	if code != exitOK {
		t.Errorf("exit %d\n%s", code, said.String())
	}
	// The time of so many streams is no measure of one.
	wellBehaved(t, "all streams", size, cmd, code, said.String())
}

// doPut sends messages to the stream f and returns the answer of the server.
func doPut(t *testing.T, client arrowflight.FlightServiceClient, messages []*arrowflight.FlightData) error {
	ctx, cancel := context.WithTimeout(t.Context(), hostileHang)
	defer cancel()
	put, err := client.DoPut(ctx)
	if err != nil {
		return err
	}
	for i, m := range messages {
		first := &arrowflight.FlightData{DataHeader: m.DataHeader, DataBody: m.DataBody}
		if i == 0 {
			first.FlightDescriptor = &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"f"}}
		}
		if put.Send(first) != nil {
			break // Recv says why
		}
	}
	if len(messages) == 0 {
		_ = put.Send(&arrowflight.FlightData{FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"f"}}})
	}
	if err := put.CloseSend(); err != nil {
		return err
	}
	_, err = put.Recv()
	return err
}
