package http

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/nettest"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/state"
)

// TestJournalBadNetwork has clients send each body until it is answered, over
// connections that are slow, are cut in the middle of a request or an answer, or
// fall silent: every row comes once.
func TestJournalBadNetwork(t *testing.T) {
	const clients, bodies = 4, 40
	for seed := range uint64(2) {
		mem := columnartest.Allocator(t)
		schema := iotest.Schema(t, "k:utf8 x:int64")
		store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "http", Schema: schema}}
		s := &Source{Journal: true}
		p := open(t, s, mem, func(env *arrowstream.SourceEnv) { env.Journal = store.Journal(t) })
		f := &nettest.Faults{Seed: seed, Breaks: 30, After: 1500, Silent: true, Piece: 200, Delay: 100 * time.Microsecond}
		var want []string
		var mu sync.Mutex
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() {
				client := &http.Client{Transport: &http.Transport{DialContext: f.Dial}}
				defer client.CloseIdleConnections()
				for i := 0; i < bodies || f.Broken() < 15; i++ {
					mu.Lock()
					want = append(want, fmt.Sprintf("c%d %d", c, i), fmt.Sprintf("again %d", i))
					mu.Unlock()
					body := fmt.Sprintf("{\"k\":\"c%d\",\"x\":%d}\n{\"k\":\"again\",\"x\":%d}\n", c, i, i)
					// On a slow machine an answer takes as long as it takes.
					client.Timeout = 150 * time.Millisecond
					for !sent(t, client, s, body, fmt.Sprintf("%d/%d", c, i)) {
						client.Timeout *= 2
					}
				}
			})
		}
		wg.Wait()
		got := read(t, p, len(want))
		slices.Sort(got)
		slices.Sort(want)
		iotest.EqualRows(t, got, want)
		p.Close()
		store.Close(t)
	}
}

// sent posts a body once, and reports whether that was answered.
func sent(t *testing.T, client *http.Client, s *Source, body, key string) bool {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr().String()+"/clicks", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return true
	}
	r.Header.Set("Idempotency-Key", key)
	answer, err := client.Do(r)
	if err != nil {
		return t.Context().Err() != nil
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return true
	case http.StatusServiceUnavailable, http.StatusRequestTimeout:
		return false
	}
	t.Errorf("%s: %d", key, answer.StatusCode)
	return true
}

// TestPublishBadNetwork posts epochs over such connections: a server that takes
// each key once has every row once, and what is sent again is the same.
func TestPublishBadNetwork(t *testing.T) {
	mem := columnartest.Allocator(t)
	for seed := range uint64(2) {
		var mu sync.Mutex
		var keys []string
		bodies := map[string]string{}
		again := 0
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // cut: nothing of it counts
			}
			mu.Lock()
			defer mu.Unlock()
			key := r.Header.Get("Idempotency-Key")
			if old, ok := bodies[key]; !ok {
				keys = append(keys, key)
			} else if again++; old != string(body) {
				t.Errorf("%s was %q and is %q", key, old, body)
			}
			bodies[key] = string(body)
		}))
		f := &nettest.Faults{Seed: seed, Breaks: 15, After: 1500, Silent: true, Piece: 200, Delay: 100 * time.Microsecond}
		s := &Sink{URL: "http://" + f.Proxy(t, server.Listener.Addr().String()), Format: json.Format, BatchRows: 7, Timeout: 500 * time.Millisecond}
		if err := s.Bind(iotest.Schema(t, "x:int64"), iotest.Env(mem, 0).Env); err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for e := 0; e < 20 || f.Broken() < 10; e++ {
			for range 1 + e%2 { // some by two processes
				if err := s.Publish(t.Context(), publication(t, mem, arrowstream.Epoch(e+1), 20, 1+e)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 20 {
				fmt.Fprintf(&want, "{\"x\":%d}\n", i)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		server.CloseClientConnections() // a handler may wait for the rest of a body on a silent one
		server.Close()
		var got strings.Builder
		for _, key := range keys {
			got.WriteString(bodies[key])
		}
		if got.String() != want.String() {
			t.Errorf("%d bytes are %q", got.Len(), got.String())
		}
		if again < 30 { // those of the epochs that are published twice
			t.Errorf("%d bodies came again", again)
		}
	}
}
