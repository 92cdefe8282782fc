package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// jobs numbers the jobs of this process, so that tests can share a cluster.
var jobs atomic.Int64

// exactly is a job that publishes to a topic of its own.
type exactly struct {
	addrs []string
	job   string
	topic string
	want  []string // what the published epochs hold
}

func newExactly(addrs []string) *exactly {
	job := fmt.Sprintf("%016x%016x", time.Now().UnixNano(), jobs.Add(1))
	return &exactly{addrs: addrs, job: job, topic: "out-" + job}
}

// sink is one process of the job.
func (x *exactly) sink(t testing.TB, w *wire) *Sink {
	t.Helper()
	s := &Sink{
		Brokers: x.addrs, Topic: x.topic, Format: iotest.TextFormat{}, Partitions: 3, Key: []string{"k"}, BatchBytes: 200,
		ConnectTimeout: 10 * time.Second,
	}
	if w != nil {
		s.dial = w.dial
	}
	if err := s.Bind(iotest.Schema(t, "k:utf8 e:int64 i:int64"), arrowstream.Env{Name: "sink"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// epoch is the publication of an epoch of 40 rows in two batches.
func (x *exactly) epoch(t testing.TB, incarnation uint64, e int) (arrowstream.Publication, []string) {
	mem := columnartest.Allocator(t)
	const rows = 40
	var want []string
	var batches []arrow.Record
	for part := range 2 {
		var sb strings.Builder
		sb.WriteString("k:utf8 e:int64 i:int64\n")
		for i := part * rows / 2; i < (part+1)*rows/2; i++ {
			row := fmt.Sprintf("k%d %d %d", i%7, e, i)
			want = append(want, row)
			sb.WriteString(row + "\n")
		}
		batches = append(batches, columnartest.Batch(t, mem, sb.String()))
	}
	return arrowstream.Publication{
		Job: x.job, Sink: "sink", Epoch: arrowstream.Epoch(e), Incarnation: incarnation, Count: rows, Rows: retained(batches),
	}, want
}

func retained(batches []arrow.Record) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		for _, b := range batches {
			b.Retain()
			if !yield(b, nil) {
				return
			}
		}
	}
}

// publish publishes an epoch that must succeed.
func (x *exactly) publish(t testing.TB, s *Sink, incarnation uint64, e int) {
	t.Helper()
	p, rows := x.epoch(t, incarnation, e)
	if err := s.Publish(t.Context(), p); err != nil {
		t.Fatalf("epoch %d: %v", e, err)
	}
	x.want = append(x.want, rows...)
}

// claims is what a process claims the sink with. It says that the state has every epoch there may be.
func (x *exactly) claims(incarnation uint64) arrowstream.Publication {
	return arrowstream.Publication{Job: x.job, Sink: "sink", Epoch: 1000, Incarnation: incarnation}
}

// claim makes a claim that must succeed.
func (x *exactly) claim(t testing.TB, s *Sink, incarnation uint64) {
	t.Helper()
	if err := s.Claim(t.Context(), x.claims(incarnation)); err != nil {
		t.Fatalf("claim %d: %v", incarnation, err)
	}
}

// check reads the topic with two clients and compares with what was published.
// The other one comes first: it waits for the markers, which a broker writes
// after it has said that a transaction is committed.
func (x *exactly) check(t testing.TB) {
	t.Helper()
	want := slices.Sorted(slices.Values(x.want))
	other := x.committed(t, len(want))
	slices.Sort(other)
	iotest.EqualRows(t, other, want)
	src := &Source{Brokers: x.addrs, Topics: []string{x.topic}, Columns: iotest.Schema(t, "k:utf8 e:int64 i:int64"), Format: iotest.TextFormat{}, End: "latest"}
	var got []string
	for _, p := range open(t, src, columnartest.Allocator(t), 0) {
		got = append(got, rest(t, p, 0)...)
		p.Close()
	}
	slices.Sort(got)
	iotest.EqualRows(t, got, want)
}

// committed reads the topic with the other client, n rows or more if there are.
func (x *exactly) committed(t testing.TB, n int) []string {
	t.Helper()
	cl := kgoClient(t, x.addrs, kgo.ConsumeTopics(x.topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer cl.Close()
	var rows []string
	for wait := 10 * time.Second; ; {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		fetches := cl.PollFetches(ctx)
		cancel()
		fetches.EachRecord(func(r *kgo.Record) { rows = append(rows, strings.ReplaceAll(string(r.Value), "|", " ")) })
		if fetches.Err() != nil {
			return rows
		}
		if len(rows) >= n {
			wait = 30 * time.Millisecond // for what should not be there
		}
	}
}

func TestPublish(t *testing.T) { eachCluster(t, testPublish) }

func testPublish(t *testing.T, addrs []string) {
	x := newExactly(addrs)
	s := x.sink(t, nil)
	for e := 1; e <= 5; e++ {
		x.publish(t, s, 1, e)
	}
	x.check(t)
	// Again, by the same process and by the next: nothing happens.
	for _, s := range []*Sink{s, x.sink(t, nil)} {
		for _, e := range []int{5, 3} {
			p, _ := x.epoch(t, 2, e)
			if err := s.Publish(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := x.sink(t, nil)
	x.publish(t, next, 3, 7)
	x.check(t)
	empty := arrowstream.Publication{Job: x.job, Sink: "sink", Epoch: 8, Incarnation: 3, Rows: retained(nil)}
	if err := next.Publish(t.Context(), empty); err != nil {
		t.Error(err)
	}
	// Another sink of the job has epochs of its own.
	p, rows := x.epoch(t, 3, 2)
	p.Sink = "second"
	if err := x.sink(t, nil).Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	x.want = append(x.want, rows...)
	x.check(t)
}

func TestPublishAtLeastOnce(t *testing.T) {
	c := cluster(t, kfake.MaxVersions(kversion.V3_5_0()))
	x := newExactly(c.ListenAddrs())
	s := x.sink(t, nil)
	p, _ := x.epoch(t, 1, 1)
	var e *arrowstream.Error
	if err := s.Publish(t.Context(), p); !errors.As(err, &e) || e.Code != "AS3011" || !strings.Contains(err.Error(), "older than Kafka 3.6") {
		t.Errorf("%v", err)
	}
	s = x.sink(t, nil)
	s.Guarantee, s.EpochHeaders = "at-least-once", true
	if x.claim(t, s, 2); s.client != nil {
		t.Error("a claim without transactions has connected")
	}
	x.publish(t, s, 1, 1)
	x.publish(t, s, 1, 1)
	x.check(t)
	seen := map[string]int{}
	for _, records := range readAll(t, x.addrs, x.topic, 80) {
		for _, r := range records {
			if len(r.Headers) != 2 {
				t.Fatalf("headers %v", r.Headers)
			}
			i := strings.Split(string(r.Value), "|")[2]
			id := fmt.Sprintf("%s=%s %s=%s", r.Headers[0].Key, r.Headers[0].Value, r.Headers[1].Key, r.Headers[1].Value)
			if id != "as-epoch=1 as-seq="+i {
				t.Errorf("row %s has %s", r.Value, id)
			}
			seen[id]++
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d different rows", len(seen))
	}
}

// TestPublishTimeout has a transaction that is too old when it is to be committed.
// The broker of the test keeps the timeout for the next process, which has to be
// faster: the clock is that of a bubble.
func TestPublishTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		x, s := v.job(t, time.Minute)
		w := &wire{through: v.dial, judge: func(k int16) fate {
			if k == endTxnKey {
				time.Sleep(1500 * time.Millisecond)
			}
			return pass
		}}
		s.dial, s.TransactionTimeout = w.dial, time.Second
		p, _ := x.epoch(t, 1, 1)
		var e *arrowstream.Error
		if err := s.Publish(t.Context(), p); !errors.As(err, &e) || e.Code != "AS3012" || errors.Is(err, arrowstream.ErrFenced) {
			t.Errorf("%v", err)
		}
		again := x.sink(t, nil)
		again.dial = v.dial
		x.publish(t, again, 1, 1)
		v.check(t, x)
	})
}

// TestPublishOthers leaves the transaction of another job open in the topic of
// progress: what is committed behind it must be seen.
func TestPublishOthers(t *testing.T) { eachCluster(t, testPublishOthers) }

func testPublishOthers(t *testing.T, addrs []string) {
	x, other := newExactly(addrs), newExactly(addrs)
	s := x.sink(t, nil)
	x.publish(t, s, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	dying := other.sink(t, &wire{judge: func(k int16) fate {
		if k == endTxnKey {
			cancel()
			return die
		}
		return pass
	}})
	p, _ := other.epoch(t, 1, 1)
	if err := dying.Publish(ctx, p); err == nil {
		t.Fatal("survived")
	}
	x.publish(t, s, 1, 2)
	for _, s := range []*Sink{s, x.sink(t, nil)} {
		p, _ = x.epoch(t, 2, 2)
		if err := s.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	x.check(t)
}

func TestProgressTopic(t *testing.T) {
	c := cluster(t)
	if err := c.CreateTopic(progressTopic, 1, map[string]string{"cleanup.policy": "delete"}); err != nil {
		t.Fatal(err)
	}
	x := newExactly(c.ListenAddrs())
	p, _ := x.epoch(t, 1, 1)
	if err := x.sink(t, nil).Publish(t.Context(), p); err == nil || !strings.Contains(err.Error(), "forgets what was published") {
		t.Errorf("%v", err)
	}
	if err := c.DeleteTopic(progressTopic); err != nil {
		t.Fatal(err)
	}
	x = newExactly(c.ListenAddrs())
	s := x.sink(t, nil)
	for e := range 20 {
		x.publish(t, s, 1, e+1)
	}
	c.Compact()
	s = x.sink(t, nil)
	p, _ = x.epoch(t, 2, 20)
	if err := s.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	x.publish(t, s, 2, 21)
	x.check(t)
}
