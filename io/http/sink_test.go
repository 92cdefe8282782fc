package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/json"
)

// hook is a server that keeps what it takes, and fails as it is told.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	keys   []string
	bodies []string
	header http.Header
	fail   []func(w http.ResponseWriter) // for the next requests
}

func newHook(t testing.TB) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.fail) > 0 {
			f := h.fail[0]
			h.fail = h.fail[1:]
			f(w)
			return
		}
		h.keys, h.bodies, h.header = append(h.keys, r.Header.Get("Idempotency-Key")), append(h.bodies, string(body)), r.Header
	}))
	t.Cleanup(h.Close)
	return h
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.Repeat("why\x1b ", 100))
	}
}

func hangUp(w http.ResponseWriter) {
	c, _, _ := w.(http.Hijacker).Hijack()
	c.Close()
}

// publication is an epoch of rows 0 to n-1 in batches of a size.
func publication(t testing.TB, mem memory.Allocator, epoch arrowstream.Epoch, n, size int) arrowstream.Publication {
	return arrowstream.Publication{
		Job: "j0b", Sink: "out", Epoch: epoch, Count: int64(n),
		Rows: iter.Seq2[arrowstream.Batch, error](func(yield func(arrowstream.Batch, error) bool) {
			for from := 0; from < n; from += size {
				var sb strings.Builder
				sb.WriteString("x:int64\n")
				for i := from; i < min(n, from+size); i++ {
					fmt.Fprintln(&sb, i)
				}
				b := columnartest.Batch(t, mem, sb.String())
				b.Retain() // the test releases its own
				if !yield(b, nil) {
					return
				}
			}
		}),
	}
}

func TestPublish(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := newHook(t)
	t.Setenv("HTTP_TEST_TOKEN", "s3cret")
	t.Setenv("HTTP_TEST_HEADER", "hidden")
	for _, size := range []int{1, 3, 10} { // bodies do not depend on batches
		h.keys, h.bodies = nil, nil
		s := &Sink{URL: h.URL + "/hook?q=1", Format: json.Format, BatchRows: 4, Token: "env:HTTP_TEST_TOKEN", Headers: []string{"X-Team: blue", "X-Key:env:HTTP_TEST_HEADER"}}
		if err := s.Bind(iotest.Schema(t, "x:int64"), arrowstream.Env{Allocator: mem}); err != nil {
			t.Fatal(err)
		}
		h.fail = []func(http.ResponseWriter){status(503), hangUp, status(429, "Retry-After", "0"), status(408)}
		if err := errors.Join(s.Claim(t.Context(), arrowstream.Publication{}), s.Publish(t.Context(), publication(t, mem, 7, 10, size)), s.Close()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"j0b/7/0", "j0b/7/1", "j0b/7/2"}; !slices.Equal(h.keys, want) {
			t.Errorf("keys %q", h.keys)
		}
		if text := strings.Join(h.bodies, ""); strings.Count(text, "\n") != 10 || !strings.HasPrefix(text, "{\"x\":0}\n{\"x\":1}\n") || strings.Count(h.bodies[2], "\n") != 2 {
			t.Errorf("bodies %q", h.bodies)
		}
		for name, want := range map[string]string{"Authorization": "Bearer s3cret", "X-Team": "blue", "X-Key": "hidden", "Content-Type": "application/x-ndjson"} {
			if got := h.header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestBatchBytes(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := newHook(t)
	s := &Sink{URL: h.URL, Format: csv.Format, BatchBytes: 6}
	b := columnartest.Batch(t, mem, "x:int64\n1\n22\n333\n55555555\n6\n")
	if err := iotest.Write(t, s, b); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1\n22\n", "333\n", "55555555\n", "6\n"}; !slices.Equal(h.bodies, want) {
		t.Errorf("%q", h.bodies)
	}
	if h.header.Get("Content-Type") != "text/csv" || h.keys[0] == h.keys[1] {
		t.Errorf("%q %v", h.keys, h.header)
	}
}

func TestHookRefuses(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := newHook(t)
	bind := func(s *Sink) *Sink {
		t.Helper()
		s.Format = json.Format
		if err := s.Bind(iotest.Schema(t, "x:int64"), arrowstream.Env{Allocator: mem}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for _, f := range []func(http.ResponseWriter){status(400), status(404), status(302, "Location", "http://127.0.0.1:1/"), status(304)} {
		h.fail = []func(http.ResponseWriter){f}
		err := bind(&Sink{URL: h.URL + "/p?secret=1"}).Publish(t.Context(), publication(t, mem, 1, 1, 1))
		if err == nil || !strings.Contains(err.Error(), "the server answers ") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 600 {
			t.Errorf("%v", err)
		}
	}
	// A server that stays away ends the job, one that wants to be left alone is.
	h.fail = nil
	for range 100 {
		h.fail = append(h.fail, status(500))
	}
	err := bind(&Sink{URL: h.URL, ConnectTimeout: 200 * time.Millisecond}).Publish(t.Context(), publication(t, mem, 1, 1, 1))
	var e *arrowstream.Error
	if !errors.As(err, &e) || e.Code != "AS3001" || !strings.Contains(err.Error(), "500") || !strings.Contains(err.Error(), "connect.timeout") {
		t.Error(err)
	}
	h.fail = []func(http.ResponseWriter){status(503, "Retry-After", "3600")}
	start := time.Now()
	if err := bind(&Sink{URL: h.URL, ConnectTimeout: 300 * time.Millisecond}).Publish(t.Context(), publication(t, mem, 1, 1, 1)); err == nil || time.Since(start) < 250*time.Millisecond || len(h.keys) > 0 {
		t.Error(err, h.keys)
	}
	err = bind(&Sink{URL: "http://127.0.0.1:1/x", ConnectTimeout: 100 * time.Millisecond}).Publish(t.Context(), publication(t, mem, 1, 1, 1))
	if !errors.As(err, &e) || e.Code != "AS3001" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := bind(&Sink{URL: h.URL}).Publish(ctx, publication(t, mem, 1, 1, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s := bind(&Sink{URL: h.URL})
	h.keys = nil
	if err := s.Write(t.Context(), columnartest.Batch(t, mem, "x:int64\n1\n")); err != nil {
		t.Fatal(err)
	}
	s.Abort(nil)
	if err := s.Close(); err != nil || len(h.keys) > 0 {
		t.Error(err, h.keys)
	}
	if got := retryAfter(time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)); got < 50*time.Second || got > time.Minute || retryAfter("x") != 0 || retryAfter("-1") != 0 || retryAfter("7") != 7*time.Second {
		t.Error(got)
	}
}

func TestSinkOptions(t *testing.T) {
	schema := iotest.Schema(t, "x:int64")
	for want, s := range map[string]*Sink{
		"format is missing":  {URL: "http://localhost/"},
		"not http://HOST":    {URL: "ftp://x/", Format: json.Format},
		"holds a user":       {URL: "https://a:b@x/", Format: json.Format},
		"in the clear":       {URL: "http://example.com/", Format: json.Format, Token: "x"},
		"not Name: value":    {URL: "https://x/", Format: json.Format, Headers: []string{"X"}},
		"is set by the sink": {URL: "https://x/", Format: json.Format, Headers: []string{"host: x"}},
		"not negative":       {URL: "https://x/", Format: json.Format, BatchRows: -1},
		"HTTP_TEST_NONE":     {URL: "https://x/", Format: json.Format, Token: "env:HTTP_TEST_NONE"},
		"no such file":       {URL: "https://x/", Format: json.Format, CAFile: "/no/such"},
	} {
		if err := s.Bind(schema, arrowstream.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if g, _ := arrowstream.SinkGuarantee(&Sink{}); g != arrowstream.AtLeastOnce {
		t.Error(g)
	}
	if _, err := Connector.Sink(arrowstream.Table{Options: map[string]string{"urll": "x", "listen": "y"}}); err == nil || !strings.Contains(err.Error(), `"url"`) {
		t.Error(err)
	}
}
