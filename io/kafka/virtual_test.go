package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/nettest"
)

// virtual is a broker in a bubble, where minutes pass in milliseconds: its
// network is in memory, since a bubble waits for no other.
type virtual struct {
	net     kfake.VirtualNetwork
	cluster *kfake.Cluster

	mu    sync.Mutex
	away  time.Time // until then there is no broker
	dials []time.Time
	conns []net.Conn
}

// inBubble runs f with a broker that has the topic t of three partitions.
func inBubble(t *testing.T, f func(t *testing.T, v *virtual)) {
	synctest.Test(t, func(t *testing.T) {
		// Last of all: what waits on a silent connection ends with its deadline,
		// and the clock stops with the test.
		t.Cleanup(func() { time.Sleep(time.Minute) })
		v := &virtual{}
		v.cluster = cluster(t, kfake.Ports(9092), kfake.ListenFn(v.net.Listen), kfake.SeedTopics(3, "t"))
		f(t, v)
	})
}

var errAway = errors.New("connection refused")

func (v *virtual) dial(ctx context.Context, network, address string) (net.Conn, error) {
	v.mu.Lock()
	v.dials = append(v.dials, time.Now())
	away := time.Now().Before(v.away)
	v.mu.Unlock()
	if away {
		return nil, errAway
	}
	c, err := v.net.DialContext(ctx, network, address)
	if err == nil {
		v.mu.Lock()
		v.conns = append(v.conns, c)
		v.mu.Unlock()
	}
	return c, err
}

// leave takes the broker away for some time.
func (v *virtual) leave(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.away, v.dials = time.Now().Add(d), nil
	for _, c := range v.conns {
		c.Close()
	}
	v.conns = nil
}

// job is one that publishes to the broker.
func (v *virtual) job(t testing.TB, timeout time.Duration) (*exactly, *Sink) {
	x := newExactly(v.cluster.ListenAddrs())
	s := x.sink(t, nil)
	s.dial, s.ConnectTimeout = v.dial, timeout
	return x, s
}

// source reads the topic of a job.
func (v *virtual) source(t testing.TB, x *exactly) *Source {
	return &Source{
		Brokers: x.addrs, Topics: []string{x.topic}, Columns: iotest.Schema(t, "k:utf8 e:int64 i:int64"), Format: iotest.TextFormat{}, dial: v.dial,
	}
}

// check compares what is committed with what the job has published.
func (v *virtual) check(t testing.TB, x *exactly) {
	t.Helper()
	src := v.source(t, x)
	src.End = "latest"
	var got []string
	for _, p := range open(t, src, columnartest.Allocator(t), 0) {
		got = append(got, rest(t, p, 0)...)
	}
	slices.Sort(got)
	iotest.EqualRows(t, got, slices.Sorted(slices.Values(x.want)))
}

// TestMinutesOfTransactions publishes an epoch every half minute for 10 minutes.
func TestMinutesOfTransactions(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		x, s := v.job(t, time.Minute)
		for e := range 20 {
			x.publish(t, s, 1, e+1)
			time.Sleep(30 * time.Second)
		}
		v.check(t, x)
	})
}

// TestBrokerAway takes the broker away for 10 minutes: who has the patience goes
// on as if nothing had been, and who has not gives up in time.
func TestBrokerAway(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		x, s := v.job(t, 15*time.Minute)
		x.publish(t, s, 1, 1)
		src := v.source(t, x)
		src.ConnectTimeout = 15 * time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		rows := make(chan []string)
		for _, p := range open(t, src, columnartest.Allocator(t), 0) {
			go func() {
				got, err := iotest.Rows(ctx, p, 0)
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				rows <- got
			}()
		}
		time.Sleep(time.Minute)
		v.leave(10 * time.Minute)
		start := time.Now()
		_, hasty := v.job(t, 5*time.Minute)
		p, _ := x.epoch(t, 1, 9)
		var e *arrowstream.Error
		if err := hasty.Publish(t.Context(), p); !errors.As(err, &e) || e.Code != "AS3001" || !strings.Contains(e.Hint, "gave up after 5m0s") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took < 5*time.Minute || took > 5*time.Minute+requestTimeout {
			t.Errorf("gave up after %s", took)
		}
		x.publish(t, s, 1, 2)
		if took := time.Since(start); took < 10*time.Minute || took > 10*time.Minute+3*requestTimeout {
			t.Errorf("went on after %s", took)
		}
		time.Sleep(time.Minute)
		cancel()
		var got []string
		for range 3 {
			got = append(got, <-rows...)
		}
		slices.Sort(got)
		iotest.EqualRows(t, got, slices.Sorted(slices.Values(x.want)))
		v.check(t, x)
	})
}

// TestBackOff looks at the pauses between attempts to reach a broker.
func TestBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.leave(time.Hour)
		x, s := v.job(t, time.Minute)
		p, _ := x.epoch(t, 1, 1)
		if err := s.Publish(t.Context(), p); !errors.Is(err, errAway) {
			t.Errorf("%v", err)
		}
		// 50 ms doubled five times, then 2 s, each times 0.5 to 1: about 45 in a
		// minute, and no fewer than with the longest of all.
		if n := len(v.dials); n < 28 || n > 70 {
			t.Errorf("%d attempts in a minute", n)
		}
		for i := 1; i < len(v.dials); i++ {
			if pause := v.dials[i].Sub(v.dials[i-1]); pause > 2*time.Second || i > 6 && pause < time.Second {
				t.Errorf("attempt %d comes %s after the one before", i, pause)
			}
		}
	})
}

// TestHalfOpenBroker publishes and reads over connections of which some are
// reset and some fall silent, which takes a request its time to notice.
func TestHalfOpenBroker(t *testing.T) {
	for seed := range uint64(4) {
		inBubble(t, func(t *testing.T, v *virtual) {
			x, s := v.job(t, 5*time.Minute)
			f := &nettest.Faults{Seed: seed, Breaks: 24, After: 4000, Silent: true, Piece: 500, Delay: time.Millisecond}
			bad := func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := v.dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return f.Conn(c), nil
			}
			s.dial = bad
			start := time.Now()
			for e := 1; e <= 8 || f.Broken() < 6; e++ {
				x.publish(t, s, 1, e)
			}
			src := v.source(t, x)
			src.dial, src.ConnectTimeout, src.End, src.FetchBytes = bad, 5*time.Minute, "latest", 1000
			var got []string
			for _, p := range open(t, src, columnartest.Allocator(t), 0) {
				got = append(got, rest(t, p, 0)...)
			}
			slices.Sort(got)
			iotest.EqualRows(t, got, slices.Sorted(slices.Values(x.want)))
			if took := time.Since(start); took < requestTimeout { // the first to break falls silent
				t.Errorf("%s with %d broken connections", took, f.Broken())
			}
		})
	}
}

// TestTransactionTimeout has an epoch take longer than its transaction may.
func TestTransactionTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		x, s := v.job(t, time.Minute)
		s.BatchBytes = 50 // so that rows are sent before the last is there
		x.publish(t, s, 1, 1)
		p, _ := x.epoch(t, 1, 2)
		rows := p.Rows
		p.Rows = func(yield func(arrow.Record, error) bool) {
			rows(func(b arrow.Record, err error) bool {
				time.Sleep(defaultTransactionTimeout + time.Second)
				return yield(b, err)
			})
		}
		start := time.Now()
		var e *arrowstream.Error
		if err := s.Publish(t.Context(), p); !errors.As(err, &e) || e.Code != "AS3012" || !strings.Contains(err.Error(), "not finished within 2m0s") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 5*defaultTransactionTimeout {
			t.Errorf("it took %s", took)
		}
		v.check(t, x) // nothing of it is visible
		x.publish(t, s, 1, 2)
		v.check(t, x)
	})
}

// TestAwayInATransaction takes the broker away in the middle of a transaction
// for longer than that may last: the epoch is published by another one.
func TestAwayInATransaction(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		x, s := v.job(t, 15*time.Minute)
		s.BatchBytes = 50
		p, want := x.epoch(t, 1, 1)
		rows, left := p.Rows, false
		p.Rows = func(yield func(arrow.Record, error) bool) {
			rows(func(b arrow.Record, err error) bool {
				more := yield(b, err)
				if !left {
					left = true
					v.leave(10 * time.Minute)
				}
				return more
			})
		}
		if err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		x.want = append(x.want, want...)
		v.check(t, x)
	})
}

// marks records when a watermark of each event time came first.
type marks struct {
	start time.Time
	seen  []string
}

func (m *marks) Bind(in *arrow.Schema, _ arrowstream.Env) (*arrow.Schema, error) { return in, nil }

func (m *marks) Process(context.Context, arrowstream.Batch, arrowstream.Emit) error { return nil }

func (m *marks) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	if w.Event == arrowstream.NoEventTime || w.Done() {
		return w, nil
	}
	event := fmt.Sprint(w.Time().Sub(m.start))
	if n := len(m.seen); n == 0 || !strings.HasSuffix(m.seen[n-1], " "+event) {
		m.seen = append(m.seen, fmt.Sprint(time.Since(m.start).Round(time.Second), " ", event))
	}
	return w, nil
}

// TestIdlePartition has one partition of a topic fall silent: it holds the
// watermark for as long as it may be idle.
func TestIdlePartition(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		addrs := v.cluster.ListenAddrs()
		cl := kgoClient(t, addrs, kgo.Dialer(v.net.DialContext))
		m := &marks{start: time.Now()}
		send := func(partition int) {
			put(t, cl, message("t", partition, time.Now().UTC().Format("2006-01-02T15:04:05")))
		}
		for part := range 3 {
			send(part)
		}
		mem := columnartest.Allocator(t)
		src := &Source{
			Brokers: addrs, Topics: []string{"t"}, Columns: iotest.Schema(t, "ts:timestamp[us]@"), Format: iotest.TextFormat{}, dial: v.dial,
			MaxWait: time.Second,
		}
		ctx, cancel := context.WithCancel(t.Context())
		p := arrowstream.New(arrowstream.Options{Workers: 2, Allocator: mem})
		p.From("t", src, arrowstream.EventTime{Column: "ts", Delay: time.Second, Idle: 30 * time.Second}).Via(m)
		done := make(chan error)
		go func() {
			_, err := p.Run(ctx)
			done <- err
		}()
		for _, wait := range []time.Duration{20, 20, 60} {
			time.Sleep(wait * time.Second)
			send(0)
			send(1)
		}
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		// Rows come after 0, 20, 40 and 100 s, those of partition 2 after 0 s alone.
		iotest.EqualRows(t, m.seen, []string{"0s -1s", "30s 19s", "40s 39s", "1m40s 1m39s"})
	})
}
