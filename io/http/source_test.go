package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, s *Source, mem memory.Allocator, change func(*arrowstream.SourceEnv)) arrowstream.Partition {
	t.Helper()
	s.Columns, s.Name = iotest.Schema(t, "k:utf8 x:int64"), "clicks"
	if s.Format == nil {
		s.Format = json.Format
	}
	if s.Listen == "" {
		s.Listen = "127.0.0.1:0"
	}
	env := iotest.Env(mem, 0)
	if change != nil {
		change(&env)
	}
	parts, err := s.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parts[0].Close() })
	return parts[0]
}

// post sends a body and returns the status and the answer; headers are pairs.
func post(t testing.TB, s *Source, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http://"+s.Addr().String()+"/clicks", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return do(t, r)
}

func do(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

func read(t testing.TB, p arrowstream.Partition, n int) (rows []string) {
	t.Helper()
	for len(rows) < n {
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, columnartest.Rows(b)...)
		b.Release()
	}
	return rows
}

func packed(t testing.TB, text string) string {
	t.Helper()
	var sb bytes.Buffer
	z := gzip.NewWriter(&sb)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return sb.String()
}

func TestPost(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{MaxBody: 1000}
	p := open(t, s, mem, nil)
	rows := "{\"k\":\"a\",\"x\":1}\r\n\n{\"k\":\"b\",\"x\":2}"
	for _, headers := range [][]string{nil, {"Content-Type", "application/x-ndjson"}, {"Content-Type", "application/json; charset=utf-8"}, {"Host", "localhost"}} {
		if code, text := post(t, s, rows, headers...); code != http.StatusNoContent {
			t.Errorf("%q: %d %s", headers, code, text)
		}
		iotest.EqualRows(t, read(t, p, 2), []string{"a 1", "b 2"})
	}
	if code, text := post(t, s, packed(t, rows), "Content-Encoding", "gzip"); code != http.StatusNoContent {
		t.Error(code, text)
	}
	iotest.EqualRows(t, read(t, p, 2), []string{"a 1", "b 2"})
	if code, _ := post(t, s, "\n \n"); code != http.StatusNoContent {
		t.Error(code)
	}
	for name, c := range map[string]struct {
		body    string
		code    int
		words   string
		headers []string
	}{
		"a bad line":             {rows + "\n{\"k\":\"c\",\"x\":\"y\"}\n", 400, "body: line 4: column \"x\"", nil},
		"no JSON":                {"<html>", 400, "line 1", nil},
		"a content type":         {rows, 415, "lines of json", []string{"Content-Type", "text/csv"}},
		"a broken content type":  {rows, 415, "lines of json", []string{"Content-Type", "///"}},
		"an encoding":            {rows, 415, "gzip", []string{"Content-Encoding", "br"}},
		"no gzip":                {rows, 400, "cannot be read", []string{"Content-Encoding", "gzip"}},
		"cut gzip":               {packed(t, rows)[:30], 400, "cannot be read", []string{"Content-Encoding", "gzip"}},
		"a long body":            {strings.Repeat("x", 1001), 413, "1000 bytes", nil},
		"a bomb":                 {packed(t, strings.Repeat("\n", 100_000)), 413, "1000 bytes", []string{"Content-Encoding", "gzip"}},
		"another host":           {rows, 421, "hosts", []string{"Host", "evil.example"}},
		"another origin":         {rows, 403, "", []string{"Origin", "http://evil.example"}},
		"another site":           {rows, 403, "", []string{"Sec-Fetch-Site", "cross-site"}},
		"an empty key":           {rows, 400, "Idempotency-Key", []string{"Idempotency-Key", ""}},
		"two keys":               {rows, 400, "Idempotency-Key", []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}},
		"a key that is too long": {rows, 400, "Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 256)}},
	} {
		if code, text := post(t, s, c.body, c.headers...); code != c.code || !strings.Contains(text, c.words) {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
		r, _ := http.NewRequest(method, "http://"+s.Addr().String()+"/clicks", nil)
		if code, _ := do(t, r); code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, code)
		}
	}
	r, _ := http.NewRequest("POST", "http://"+s.Addr().String()+"/other", nil)
	if code, _ := do(t, r); code != http.StatusNotFound {
		t.Error(code)
	}
	// A body without a length that does not end in time, and one that is cut.
	r, _ = http.NewRequest("POST", "http://"+s.Addr().String()+"/clicks", io.MultiReader(strings.NewReader(strings.Repeat("x", 5000))))
	if code, _ := do(t, r); code != http.StatusRequestEntityTooLarge {
		t.Error(code)
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "POST /clicks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"k\":\"cut\",\"x\":1}\n")
	c.Close()
	if code, text := post(t, s, rows); code != http.StatusNoContent {
		t.Error(code, text)
	}
	iotest.EqualRows(t, read(t, p, 2), []string{"a 1", "b 2"})
	// A slow client does not hold Close up, nor does a Read.
	slow, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST /clicks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	done := make(chan error)
	go func() {
		_, err := p.Read(context.Background())
		done <- err
	}()
	time.Sleep(10 * time.Millisecond)
	start := time.Now()
	p.Close()
	if err := <-done; err == nil || time.Since(start) > 5*time.Second {
		t.Error(err, time.Since(start))
	}
}

func TestBusy(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{}
	p := open(t, s, mem, nil)
	taken, refused := 0, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			code, text := post(t, s, fmt.Sprintf("{\"k\":\"a\",\"x\":%d}", i))
			mu.Lock()
			defer mu.Unlock()
			switch code {
			case http.StatusNoContent:
				taken++
			case http.StatusServiceUnavailable:
				refused++
			default:
				t.Error(code, text)
			}
		})
	}
	wg.Wait()
	if taken == 0 || refused == 0 {
		t.Errorf("%d taken, %d refused", taken, refused)
	}
	if rows := read(t, p, taken); len(rows) != taken {
		t.Errorf("%d rows, %d taken", len(rows), taken)
	}
}

func TestSkippedLines(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Source{OnBadRow: arrowstream.SkipBadRow}
	p := open(t, s, mem, nil)
	if code, _ := post(t, s, "{\"k\":\"a\",\"x\":1}\nbad\n{\"k\":\"b\",\"x\":2}\n"); code != http.StatusNoContent {
		t.Error(code)
	}
	iotest.EqualRows(t, read(t, p, 2), []string{"a 1", "b 2"})
	if n := p.(arrowstream.Rejecting).Rejects().Skipped(); n != 1 {
		t.Errorf("%d rows skipped", n)
	}
}

func TestCallers(t *testing.T) {
	mem := columnartest.Allocator(t)
	t.Setenv("HTTP_TEST_TOKEN", "s3cret")
	s := &Source{Token: "env:HTTP_TEST_TOKEN", Users: iotestUsers(t), Listen: "127.0.0.1:0"}
	p := open(t, s, mem, nil)
	row := `{"k":"a","x":1}`
	for header, want := range map[string]int{
		"": 401, "Bearer": 401, "Bearer ": 401, "Bearer wrong": 401, "Basic": 401, "Basic !!!": 401, "Digest x": 401,
		"Bearer s3cret": 204, "bearer wr1te": 204, "Bearer re4d": 403,
	} {
		headers := []string{"Authorization", header}
		if header == "" {
			headers = nil
		}
		if code, text := post(t, s, row, headers...); code != want {
			t.Errorf("%q: %d %s", header, code, text)
		}
	}
	iotest.EqualRows(t, read(t, p, 2), []string{"a 1", "a 1"})
	for range 10 {
		post(t, s, row, "Authorization", "Bearer wrong")
	}
	if code, _ := post(t, s, row, "Authorization", "Bearer s3cret"); code != http.StatusTooManyRequests {
		t.Error(code)
	}
}

func iotestUsers(t testing.TB) arrowstream.Secret {
	return arrowstream.Secret("file:" + iotest.File(t, "users", "w token=wr1te write=clicks\nr token=re4d read=clicks\n"))
}

// TestSharedAddress serves two sources at one address.
func TestSharedAddress(t *testing.T) {
	mem := columnartest.Allocator(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	a, b := &Source{Listen: address}, &Source{Listen: address, Path: "/b"}
	p, q := open(t, a, mem, nil), open(t, b, mem, nil)
	if _, err := a.Open(t.Context(), iotest.Env(mem, 0)); err == nil || !strings.Contains(err.Error(), "already read") {
		t.Error(err)
	}
	other := *a
	other.Hosts = []string{"x"}
	if _, err := other.Open(t.Context(), iotest.Env(mem, 0)); err == nil || !strings.Contains(err.Error(), "already has a server") {
		t.Error(err)
	}
	post(t, a, `{"k":"a","x":1}`)
	iotest.EqualRows(t, read(t, p, 1), []string{"a 1"})
	p.Close()
	if code, _ := post(t, b, `{"k":"a","x":1}`); code != http.StatusNotFound {
		t.Error(code)
	}
	q.Close()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the server is still there")
	}
}

// TestJournal sends the same requests to several processes of a job, which counts
// each once.
func TestJournal(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := iotest.Schema(t, "k:utf8 x:int64")
	store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "http", Schema: schema}}
	defer store.Close(t)
	var pos []byte
	for run := range 3 {
		s := &Source{Journal: true}
		p := open(t, s, mem, func(env *arrowstream.SourceEnv) { env.Journal = store.Journal(t) }).(arrowstream.Replayer)
		if pos != nil {
			if err := p.Seek(t.Context(), pos); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for i := range 10 * (run + 1) {
			body := fmt.Sprintf("{\"k\":\"a\",\"x\":%d}\n{\"k\":\"b\",\"x\":%d}", i, i)
			var wg sync.WaitGroup
			for range 2 { // at once
				wg.Go(func() {
					if code, text := post(t, s, body, "Idempotency-Key", fmt.Sprint(i)); code != http.StatusNoContent {
						t.Error(code, text)
					}
				})
			}
			wg.Wait()
			if i >= 10*run {
				want = append(want, fmt.Sprintf("a %d", i), fmt.Sprintf("b %d", i))
			}
		}
		if code, _ := post(t, s, `{"k":"a","x":1}`, "Idempotency-Key", "0"); code != http.StatusUnprocessableEntity {
			t.Error(code)
		}
		iotest.EqualRows(t, read(t, p, len(want)), want)
		var err error
		if pos, err = p.Position(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := p.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		cancel()
		p.Close()
	}
	if g, why := (&Source{Journal: true}).Delivers(); g != arrowstream.AtLeastOnce || !strings.Contains(why, "exactly once for clients") {
		t.Error(g, why)
	}
}

func TestSourceOptions(t *testing.T) {
	columns := iotest.Schema(t, "x:int64")
	full := func(s Source) *Source { s.Columns, s.Format = columns, iotest.TextFormat{}; return &s }
	for want, s := range map[string]*Source{
		"format is missing":        {},
		"columns are not declared": {Format: iotest.TextFormat{}},
		"listen is missing":        full(Source{}),
		"not a loopback address":   full(Source{Listen: "0.0.0.0:80"}),
		"others could send rows":   full(Source{Listen: ":80", Token: "x"}),
		"tls.cert and tls.key":     full(Source{Listen: "127.0.0.1:0", CertFile: "x"}),
		"needs tls.cert":           full(Source{Listen: "127.0.0.1:0", ClientCA: "x"}),
		"not the path of a URL":    full(Source{Listen: "127.0.0.1:0", Path: "clicks"}),
		"max.body":                 full(Source{Listen: "127.0.0.1:0", Journal: true, MaxBody: 15 << 20}),
		"not negative":             full(Source{Listen: "127.0.0.1:0", MaxConnections: -1}),
	} {
		if _, err := s.Schema(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := full(Source{Listen: ":0", Insecure: true}).Schema(); err != nil {
		t.Error(err)
	}
	s := full(Source{Listen: "127.0.0.1:0", Journal: true})
	if _, err := s.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 0)); err == nil || !strings.Contains(err.Error(), "state folder") {
		t.Error(err)
	}
}
