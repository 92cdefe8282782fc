package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	stdiotest "testing/iotest"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, s *Source, mem memory.Allocator, rows int) arrowstream.Partition {
	t.Helper()
	parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem, Name: "socket"}, BatchRows: rows})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parts[0].Close() })
	return parts[0]
}

// say connects, writes each piece and closes in good order.
func say(t testing.TB, addr net.Addr, pieces ...string) {
	t.Helper()
	c, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range pieces {
		if _, err := io.WriteString(c, s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListen(t *testing.T) {
	for _, rows := range []int{0, 1, 3} {
		mem := columnartest.Allocator(t)
		s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "k:utf8 x:int64"), Format: iotest.TextFormat{}, Connections: 6}
		p := open(t, s, mem, rows)
		var want []string
		var wg sync.WaitGroup
		for i := range 6 {
			want = append(want, fmt.Sprintf("k%d 1", i), fmt.Sprintf("k%d 2", i), fmt.Sprintf("k%d 3", i))
			// A CRLF, a blank line, a value cut in two, no newline at the end.
			wg.Go(func() { say(t, s.Addr(), fmt.Sprintf("k%d|1\r\n\nk%d", i, i), fmt.Sprintf("|2\nk%d|3", i)) })
		}
		got, err := iotest.Rows(context.Background(), p, rows)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 { // in order for each connection
			var mine []string
			for _, r := range got {
				if strings.HasPrefix(r, fmt.Sprintf("k%d ", i)) {
					mine = append(mine, r)
				}
			}
			iotest.EqualRows(t, mine, want[3*i:3*i+3])
		}
		p.Close()
	}
}

func TestLiveReadsAtOnce(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{Listen: "localhost:0", Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}}
	p := open(t, s, mem, 0)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 5 {
		fmt.Fprintf(c, "%d\n", i)
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, columnartest.Rows(b), []string{fmt.Sprint(i)})
		b.Release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	done := make(chan error)
	go func() {
		_, err := p.Read(context.Background())
		done <- err
	}()
	p.Close()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "partition is closed") {
		t.Error(err)
	}
}

func TestDeadLetters(t *testing.T) {
	for _, rows := range []int{0, 1, 2} {
		mem := columnartest.Allocator(t)
		s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, MaxLine: 20, Connections: 1}
		parts, err := s.Open(t.Context(), arrowstream.SourceEnv{
			Env: arrowstream.Env{Allocator: mem, Name: "socket"}, BatchRows: rows, OnBadRow: arrowstream.DeadLetterBadRow,
		})
		if err != nil {
			t.Fatal(err)
		}
		say(t, s.Addr(), "bad\n1\n2\nbad\nbad\n4\n"+strings.Repeat("9", 21)+"\n5\n6|7")
		var got []string
		for err == nil {
			var next []string
			next, err = iotest.Next(t.Context(), parts[0])
			got = append(got, next...)
		}
		if err != io.EOF {
			t.Error(err)
		}
		parts[0].Close()
		iotest.EqualRows(t, got, []string{"!bad", "1", "2", "!bad", "!bad", "4", "!" + strings.Repeat("9", 21), "5", "!6|7"})
	}
}

func TestBadLines(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, MaxLine: 20, Connections: 1}
	p := open(t, s, mem, 0)
	say(t, s.Addr(), "1\n2\nbad\n4\n")
	got, err := iotest.Rows(context.Background(), p, 0)
	iotest.EqualRows(t, got, []string{"1", "2"})
	var d *arrowstream.DataError
	if !errors.As(err, &d) || !strings.Contains(d.Where, "line 3") || d.Value != "bad" || d.Column != "x" || !strings.Contains(d.Source, s.Addr().String()) {
		t.Errorf("%v", err)
	}
	p.Close()

	for _, long := range []int{21, 1000, 300_000} {
		s.OnBadRow = arrowstream.FailOnBadRow
		p = open(t, s, mem, 0)
		say(t, s.Addr(), "1\n"+strings.Repeat("9", long)+"\n3\n")
		if got, err = iotest.Rows(context.Background(), p, 0); !errors.Is(err, errTooLong) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%d: %v", long, err)
		}
		iotest.EqualRows(t, got, []string{"1"})
		p.Close()
		s.OnBadRow = arrowstream.SkipBadRow
		p = open(t, s, mem, 0)
		say(t, s.Addr(), "1\n"+strings.Repeat("9", long)+"\n3\nbad\n", strings.Repeat("7", long)+"\n4")
		if got, err = iotest.Rows(context.Background(), p, 0); err != nil || p.(arrowstream.Rejecting).Rejects().Skipped() != 3 {
			t.Error(err, p.(arrowstream.Rejecting).Rejects().Skipped())
		}
		iotest.EqualRows(t, got, []string{"1", "3", "4"})
		p.Close()
	}

	// A connection that breaks leaves half a line.
	s.OnBadRow = arrowstream.FailOnBadRow
	p = open(t, s, mem, 0)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "1\n22")
	b, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, columnartest.Rows(b), []string{"1"})
	b.Release()
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	if _, err := p.Read(t.Context()); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

func TestUDP(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{Protocol: "udp", Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}}
	p := open(t, s, mem, 0)
	sink := &Sink{Protocol: "UDP", Connect: s.Addr().String(), Format: iotest.TextFormat{}}
	b := columnartest.Batch(t, mem, "x:int64\n1\n2\n")
	if err := errors.Join(sink.Bind(b.Schema(), arrowstream.Env{}), sink.Write(t.Context(), b), sink.Flush(t.Context()), sink.Close()); err != nil {
		t.Fatal(err)
	}
	say(t, s.Addr(), "3\n4\n5")
	var got []string
	for len(got) < 5 {
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, columnartest.Rows(b)...)
		b.Release()
	}
	iotest.EqualRows(t, got, []string{"1", "2", "3", "4", "5"})
	say(t, s.Addr(), "6\nbad")
	got, err := iotest.Rows(context.Background(), p, 0)
	iotest.EqualRows(t, got, []string{"6"})
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

func TestConnect(t *testing.T) {
	mem := columnartest.Allocator(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	serve := func(text string) {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, text)
		c.Close()
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	src, err := Connector.Source(arrowstream.Table{
		Options: map[string]string{"host": host, "port": port}, Schema: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{},
	})
	if err != nil {
		t.Fatal(err)
	}
	go serve("1\n2\n3")
	got, err := iotest.Rows(context.Background(), open(t, src.(*Source), mem, 2), 2)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, []string{"1", "2", "3"})

	src.(*Source).Reconnect, src.(*Source).ConnectTimeout = true, 200*time.Millisecond
	go func() { serve("4\n"); serve("5\n"); l.Close() }()
	got, err = iotest.Rows(context.Background(), open(t, src.(*Source), mem, 0), 0)
	iotest.EqualRows(t, got, []string{"4", "5"})
	if err == nil || !strings.Contains(err.Error(), "connect to "+l.Addr().String()) {
		t.Error(err)
	}
}

func TestSink(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "k:utf8 x:int64"), Format: iotest.TextFormat{}, Connections: 1}
	p := open(t, s, mem, 0)
	var sb strings.Builder
	sb.WriteString("k:utf8 x:int64\n")
	for i := range 5000 {
		fmt.Fprintf(&sb, "key%d %d\n", i%7, i)
	}
	b := columnartest.Batch(t, mem, sb.String())
	out := &Sink{Connect: s.Addr().String(), Format: iotest.TextFormat{}}
	if err := errors.Join(out.Bind(b.Schema(), arrowstream.Env{}), out.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := errors.Join(out.Write(context.Background(), b), out.Flush(context.Background()), out.Write(context.Background(), b), out.Close()); err != nil {
			t.Error(err)
		}
	}()
	got, err := iotest.Rows(context.Background(), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, append(columnartest.Rows(b), columnartest.Rows(b)...))

	// A server that does not read holds Write up until its context ends.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stuck := &Sink{Connect: l.Addr().String(), Format: iotest.TextFormat{}}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = stuck.Bind(b.Schema(), arrowstream.Env{})
	for range 10_000 {
		if err == nil {
			err = stuck.Write(ctx, b)
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	stuck.Abort(err)
	stuck.Close()
	newline := columnartest.Batch(t, mem, "k:utf8 x:int64\n\"a\\nb\" 1\n")
	bad := &Sink{Connect: l.Addr().String(), Format: iotest.TextFormat{}}
	if err := errors.Join(bad.Bind(b.Schema(), arrowstream.Env{}), bad.Write(t.Context(), newline)); err == nil || !strings.Contains(err.Error(), "newlines") {
		t.Error(err)
	}
	bad.Close()
}

func TestManyConnections(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{Listen: "127.0.0.1:0", Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, MaxConnections: 3, Connections: 40}
	p := open(t, s, mem, 0)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() { say(t, s.Addr(), fmt.Sprintf("%d\n%d\n", i, i+100)) })
	}
	got, err := iotest.Rows(context.Background(), p, 0)
	wg.Wait()
	if err != nil || len(got) != 80 {
		t.Error(len(got), err)
	}
}

func TestOptionErrors(t *testing.T) {
	columns := iotest.Schema(t, "x:int64")
	full := func(s Source) *Source { s.Columns, s.Format = columns, iotest.TextFormat{}; return &s }
	for want, s := range map[string]*Source{
		"format is missing":        {},
		`unknown format "jsn"`:     {FormatName: "jsn"},
		"columns are not declared": {Format: iotest.TextFormat{}},
		"give one of them":         full(Source{}),
		"listen or connect":        full(Source{Listen: "127.0.0.1:0", Connect: "h:1"}),
		"not a loopback address":   full(Source{Listen: "0.0.0.0:0"}),
		"others could send":        full(Source{Listen: ":0"}),
		"udp only listens":         full(Source{Protocol: "udp", Connect: "h:1"}),
		`"sctp"`:                   full(Source{Protocol: "sctp"}),
		"not host:port":            full(Source{Connect: "h"}),
		"stands for host and port": full(Source{Connect: "h:1", Port: 2}),
		"port: 70000":              full(Source{Port: 70000}),
	} {
		if _, err := s.Schema(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := full(Source{Listen: ":0", Insecure: true}).Schema(); err != nil {
		t.Error(err)
	}
	s := &Sink{Connect: "127.0.0.1:1", Format: iotest.TextFormat{}, ConnectTimeout: 150 * time.Millisecond}
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n")
	if err := errors.Join(s.Bind(b.Schema(), arrowstream.Env{}), s.Write(t.Context(), b)); err == nil || !strings.Contains(err.Error(), "connect to 127.0.0.1:1") {
		t.Error(err)
	}
	if err := (&Sink{Format: iotest.TextFormat{}}).Bind(columns, arrowstream.Env{}); err == nil || !strings.Contains(err.Error(), "connect is missing") {
		t.Error(err)
	}
	if _, err := Connector.Sink(arrowstream.Table{Options: map[string]string{"conect": "h:1", "listen": "x"}}); err == nil || !strings.Contains(err.Error(), `"connect"`) {
		t.Error(err)
	}
}

// FuzzLines compares the line reader with bytes.Split, whatever the pieces in
// which the bytes arrive.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), uint64(1))
	f.Add([]byte("\n"), uint64(2))
	f.Add(bytes.Repeat([]byte("x"), 100), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		hostiletest.Within(t, len(data), func() {
			const limit = 30
			rnd := rand.New(rand.NewPCG(seed, 0))
			held := 0
			l := &lineReader{r: stdiotest.HalfReader(bytes.NewReader(data)), max: limit, grow: func(n int) bool { held += n; return true }}
			if rnd.IntN(2) == 0 {
				l.r = stdiotest.OneByteReader(bytes.NewReader(data))
			}
			if rnd.IntN(3) == 0 {
				l.r = stdiotest.DataErrReader(l.r)
			}
			var got []string
			line := int64(1)
			for {
				c, err := l.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Line != line {
					t.Fatalf("line %d, want %d", c.Line, line)
				}
				if c.Err != nil {
					got = append(got, "too long")
					line++
					continue
				}
				for part := range bytes.SplitSeq(bytes.TrimSuffix(c.Data, []byte("\n")), []byte("\n")) {
					if len(part) > limit {
						part = []byte("too long")
					}
					got = append(got, string(part))
					line++
				}
			}
			var want []string
			if len(data) > 0 {
				for part := range bytes.SplitSeq(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
					if len(part) > limit {
						part = []byte("too long")
					}
					want = append(want, string(part))
				}
			}
			if !slices.Equal(got, want) || held != 0 {
				t.Fatalf("got %q, want %q, held %d", got, want, held)
			}
		})
	})
}
