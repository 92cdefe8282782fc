package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	_ "gocloud.dev/blob/memblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/state"
)

var (
	_ state.Objects = (*Bucket)(nil)
	_ state.Objects = Folder{}
)

// hasty gives up soon.
var hasty = Patience{Tries: 3, Try: 5 * time.Second, Pause: time.Millisecond}

// s3 starts a server of S3 with the bucket "jobs" behind a filter, and returns
// the parameters of URLs that lead to it.
func s3(t *testing.T, filter func(next http.Handler) http.Handler) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	backend := s3mem.New()
	if err := backend.CreateBucket("jobs"); err != nil {
		t.Fatal(err)
	}
	h := gofakes3.New(backend).Server()
	if filter != nil {
		h = filter(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return "?region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape(server.URL)
}

func mustOpen(t *testing.T, place string) *Bucket {
	t.Helper()
	o, err := Open(t.Context(), place, hasty)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestObjects(t *testing.T) {
	for name, open := range map[string]func() state.Objects{
		"folder": func() state.Objects { return Folder{Path: t.TempDir() + "/new/folder"} },
		"memory": func() state.Objects { return mustOpen(t, "mem://jobs/a/b") },
		"s3":     func() state.Objects { return mustOpen(t, "s3://jobs/a/b"+s3(t, nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := open()
			ctx := t.Context()
			for _, err := range []error{
				o.Put(ctx, "log/1", []byte("one"), true),
				o.Put(ctx, "log/2", nil, true),
				o.Put(ctx, "state/a%20b/1-1.%.snap.arrows", []byte("first"), false),
				o.Put(ctx, "state/a%20b/1-1.%.snap.arrows", bytes.Repeat([]byte("state"), 100_000), false),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := o.Put(ctx, "log/1", []byte("other"), true); !errors.Is(err, fs.ErrExist) {
				t.Errorf("written twice: %v", err)
			}
			_, getErr := o.Get(ctx, "log/3")
			_, sizeErr := o.Size(ctx, "log/3")
			if !errors.Is(getErr, fs.ErrNotExist) || !errors.Is(sizeErr, fs.ErrNotExist) {
				t.Errorf("missing: %v, %v", getErr, sizeErr)
			}
			if err := o.Delete(ctx, "log/3"); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("removing what is missing: %v", err)
			}
			r, err := o.Get(ctx, "log/1")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r); err != nil || string(b) != "one" || r.Close() != nil {
				t.Errorf("read %q, %v", b, err)
			}
			list := func(prefix string) (s string) {
				err := o.List(ctx, prefix, func(name string, size int64) bool {
					s += fmt.Sprintf("%s %d\n", name, size)
					return true
				})
				if err != nil {
					t.Error(err)
				}
				return s
			}
			if got := list("log/"); got != "log/1 3\nlog/2 0\n" {
				t.Errorf("log: %s", got)
			}
			if got := list(""); got != "log/1 3\nlog/2 0\nstate/a%20b/1-1.%.snap.arrows 500000\n" {
				t.Errorf("all: %s", got)
			}
			if got := list("outbox/"); got != "" {
				t.Errorf("outbox: %s", got)
			}
			if err := o.Delete(ctx, "log/1"); err != nil {
				t.Fatal(err)
			}
			if got := list("log/"); got != "log/2 0\n" {
				t.Errorf("log: %s", got)
			}
			var won atomic.Int32
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if o.Put(ctx, "log/9", []byte{byte(i)}, true) == nil {
						won.Add(1)
					}
				})
			}
			all.Wait()
			if won.Load() != 1 {
				t.Errorf("%d of 8 have written one object", won.Load())
			}
		})
	}
}

// TestPatience has a server that refuses, applies without an answer, and is down.
func TestPatience(t *testing.T) {
	var refuse, swallow atomic.Int32
	params := s3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case refuse.Add(-1) >= 0:
				w.WriteHeader(http.StatusServiceUnavailable)
			case r.Method == http.MethodPut && swallow.Add(-1) >= 0:
				next.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusInternalServerError)
			default:
				next.ServeHTTP(w, r)
			}
		})
	})
	o := mustOpen(t, "s3://jobs/x"+params)
	refuse.Store(4)
	if err := o.Put(t.Context(), "a", []byte("a"), true); err != nil {
		t.Errorf("refused four times: %v", err)
	}
	refuse.Store(1000)
	err := o.Put(t.Context(), "b", nil, true)
	refuse.Store(0)
	wantCode(t, err, "AS5007", "write s3://jobs/x/b", "endpoint")
	if strings.Contains(err.Error(), "region=") {
		t.Errorf("parameters are shown: %v", err)
	}
	swallow.Store(1)
	if err := o.Put(t.Context(), "c", []byte("c"), true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the answer was lost: %v", err)
	}
}

func wantCode(t *testing.T, err error, code string, words ...string) {
	t.Helper()
	var e *arrowstream.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want %s", err, code)
	}
	for _, w := range words {
		if !strings.Contains(e.Error()+e.Hint, w) {
			t.Errorf("error %q, hint %q do not say %q", e, e.Hint, w)
		}
	}
}

// TestFirstErrors are what somebody meets who sets up a job.
func TestFirstErrors(t *testing.T) {
	params := s3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/private") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	open := func(place string) error {
		_, err := Open(t.Context(), place, hasty)
		return err
	}
	wantCode(t, open("s3://nowhere/x"+params), "AS5007", "s3://nowhere/x", "no such bucket")
	wantCode(t, open("s3://private/x"+params), "AS5007", "s3://private/x", "may not")
	down := "?region=us-east-1&use_path_style=true&endpoint=" + url.QueryEscape("http://127.0.0.1:1")
	wantCode(t, open("s3://jobs/x"+down), "AS5007", "endpoint")
	for _, place := range []string{"s3:///x", "s3://me:secret@jobs/x", "s3://%zz"} {
		if err := open(place); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", place, err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	wantCode(t, open("s3://jobs/x"+params), "AS5007", "credentials")
}

// TestStateOnS3 takes a job over from a process that goes on, on a server that
// loses every ninth answer.
func TestStateOnS3(t *testing.T) {
	var n atomic.Int32
	params := s3(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1)%9 == 0 {
				next.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	start := func() arrowstream.EpochLog {
		s := state.Bucket{Objects: mustOpen(t, "s3://jobs/x"+params), URL: "s3://jobs/x", RetainCommits: 3, SegmentObjects: 4}
		l, err := s.Open(context.Background(), arrowstream.Job{Name: "j"})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	commit := func(l arrowstream.EpochLog, e arrowstream.Epoch) error {
		return l.Commit(t.Context(), arrowstream.Commit{Epoch: e, Driver: []byte("position")}, nil)
	}
	old := start()
	for e := range arrowstream.Epoch(9) {
		if err := commit(old, e+1); err != nil {
			t.Fatal(err)
		}
	}
	now := start()
	if s := now.Start(); s.Last == nil || s.Last.Epoch != 9 || s.Incarnation != 2 {
		t.Fatalf("start %+v", s)
	}
	if err := commit(old, 10); !errors.Is(err, arrowstream.ErrFenced) {
		t.Errorf("the old process commits: %v", err)
	}
	if err := errors.Join(commit(now, 10), now.Close()); err != nil {
		t.Error(err)
	}
}
