package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// readAll reads a topic with the other client: values by partition.
func readAll(t testing.TB, addrs []string, topic string, n int) map[int32][]*kgo.Record {
	t.Helper()
	cl := kgoClient(t, addrs, kgo.ConsumeTopics(topic))
	out := map[int32][]*kgo.Record{}
	for got := 0; got < n; {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		fetches := cl.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d of %d records: %v", got, n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			out[r.Partition] = append(out[r.Partition], r)
			got++
		})
	}
	return out
}

func TestSinkKeys(t *testing.T) {
	for _, codec := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			c := cluster(t)
			mem := columnartest.Allocator(t)
			var sb strings.Builder
			sb.WriteString("k:utf8 n:int64 ts:timestamp[us]@\n")
			for i := range 500 {
				fmt.Fprintf(&sb, "key%d %d %d\n", i%17, i, 1_600_000_000_000_000+int64(i)*1500)
			}
			b := columnartest.Batch(t, mem, sb.String())
			write(t, &Sink{
				Brokers: c.ListenAddrs(), Topic: "out", Format: iotest.TextFormat{}, Key: []string{"k"}, Partitions: 5, BatchBytes: 300, Compression: codec,
			}, b, b)
			got := readAll(t, c.ListenAddrs(), "out", 1000)
			if len(got) != 5 {
				t.Errorf("%d partitions used", len(got))
			}
			for partition, records := range got {
				last := map[string]int{}
				for _, r := range records {
					key, rest, _ := strings.Cut(string(r.Value), "|")
					n, _, _ := strings.Cut(rest, "|")
					x, err := strconv.Atoi(n)
					if err != nil || string(r.Key) != key {
						t.Fatalf("key %q, value %q", r.Key, r.Value)
					}
					if prev, ok := last[key]; ok && (x-prev+500)%500 != 17 && x != int(key[3]-'0') && x >= 17 {
						t.Fatalf("key %s: %d after %d", key, x, prev)
					}
					last[key] = x
					want := kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: r.Key}, 0, 1, 2, 3, 4)
					if int(partition) != want {
						t.Fatalf("key %q in partition %d, Java puts it into %d", r.Key, partition, want)
					}
					if ms := 1_600_000_000_000 + int64(x)*1500/1000; r.Timestamp.UnixMilli() != ms {
						t.Fatalf("timestamp %d, want %d", r.Timestamp.UnixMilli(), ms)
					}
				}
			}
		})
	}
}

func TestSinkUpsert(t *testing.T) {
	c := cluster(t)
	b := columnartest.Batch(t, columnartest.Allocator(t), "k:utf8 d:dict n:int64 __op:int8\na x 1 0\na x 1 1\na x 2 2\na x 2 3\n\"\" null 9 0\n")
	s := &Sink{Brokers: c.ListenAddrs(), Topic: "out", Format: iotest.TextFormat{}, Key: []string{"k", "d"}, Partitions: 1}
	if s.Takes() != arrowstream.Upsert {
		t.Error("not an upsert sink")
	}
	write(t, s, b)
	var got []string
	for _, r := range readAll(t, c.ListenAddrs(), "out", 4)[0] {
		value := "null"
		if r.Value != nil {
			value = string(r.Value)
		}
		got = append(got, string(r.Key)+" "+value)
	}
	iotest.EqualRows(t, got, []string{`{"k":"a","d":"x"} a|x|1`, `{"k":"a","d":"x"} a|x|2`, `{"k":"a","d":"x"} null`, `{"k":"","d":null} |(null)|9`})

	plain := &Sink{Brokers: c.ListenAddrs(), Topic: "out", Format: iotest.TextFormat{}}
	if err := plain.Bind(b.Schema(), arrowstream.Env{}); err == nil || !strings.Contains(err.Error(), "takes no updates") {
		t.Error(err)
	}
}

func TestSinkBlocks(t *testing.T) {
	c := cluster(t)
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("s:utf8\n")
	for range 40 {
		sb.WriteString(strings.Repeat("x", 60_000) + "\n")
	}
	b := columnartest.Batch(t, mem, sb.String())
	write(t, &Sink{Brokers: c.ListenAddrs(), Topic: "out", Format: iotest.TextFormat{Block: true}, Partitions: 2}, b)
	rows := 0
	for _, records := range readAll(t, c.ListenAddrs(), "out", 4) {
		for _, r := range records {
			rows += strings.Count(string(r.Value), "\n") + 1
		}
	}
	if rows != 40 {
		t.Errorf("%d rows", rows)
	}
	keyed := &Sink{Brokers: c.ListenAddrs(), Topic: "out", Format: iotest.TextFormat{Block: true}, Key: []string{"s"}}
	if err := keyed.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		t.Fatal(err)
	}
	two := b.NewSlice(0, 2)
	defer two.Release()
	if err := keyed.Write(t.Context(), two); err == nil || !strings.Contains(err.Error(), "many rows into one message") {
		t.Error(err)
	}
	keyed.Abort(nil)
	keyed.Close()
}

func TestRoundTrip(t *testing.T) {
	c := cluster(t)
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "k:utf8 x:float64\na 1\nb 2.5\nc -3\n")
	s := &Sink{Brokers: c.ListenAddrs(), Topic: "rt", Format: iotest.TextFormat{}, Key: []string{"k"}}
	if err := s.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil || s.producer != nil {
		t.Error("a flush without rows did something", err)
	}
	for range 3 {
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	src := &Source{Brokers: c.ListenAddrs(), Pattern: "r.", Columns: b.Schema(), Format: iotest.TextFormat{}, End: "latest"}
	var got []string
	for _, p := range open(t, src, mem, 0) {
		got = append(got, rest(t, p, 0)...)
	}
	slices.Sort(got)
	iotest.EqualRows(t, got, []string{"a 1", "a 1", "a 1", "b 2.5", "b 2.5", "b 2.5", "c -3", "c -3", "c -3"})
}

func TestRetries(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	mem := columnartest.Allocator(t)
	for _, key := range []int16{0, 1, 2} { // produce, fetch, list offsets
		fails := 2
		c.ControlKey(key, func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			if fails--; fails < 0 {
				c.DropControl()
				return nil, nil, false
			}
			if fails == 0 {
				return nil, errors.New("connection cut"), true
			}
			switch req := req.(type) {
			case *kmsg.ProduceRequest:
				resp := req.ResponseKind().(*kmsg.ProduceResponse)
				st, sp := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
				st.Topic, sp.ErrorCode = "t", kerr.NotLeaderForPartition.Code
				st.Partitions = append(st.Partitions, sp)
				resp.Topics = append(resp.Topics, st)
				return resp, nil, true
			}
			return nil, errors.New("connection cut"), true
		})
	}
	b := columnartest.Batch(t, mem, "x:int64\n1\n2\n")
	write(t, &Sink{Brokers: c.ListenAddrs(), Topic: "t", Format: iotest.TextFormat{}}, b)
	s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: b.Schema(), Format: iotest.TextFormat{}, End: "latest"}
	iotest.EqualRows(t, rest(t, open(t, s, mem, 0)[0], 0), []string{"1", "2"})
}

func TestBrokerDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	mem := columnartest.Allocator(t)
	s := &Source{
		Brokers: []string{addr}, Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, ConnectTimeout: 300 * time.Millisecond,
	}
	_, err = s.Open(t.Context(), sourceEnv(mem, 0))
	check := func(err error) {
		t.Helper()
		var e *arrowstream.Error
		if !errors.As(err, &e) || e.Code != "AS3001" || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%v", err)
		}
	}
	check(err)
	b := columnartest.Batch(t, mem, "x:int64\n1\n")
	k := &Sink{Brokers: []string{addr}, Topic: "t", Format: iotest.TextFormat{}, ConnectTimeout: 300 * time.Millisecond}
	if err := k.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		t.Fatal(err)
	}
	check(k.Write(t.Context(), b))
	k.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Open(ctx, sourceEnv(mem, 0)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestBrokerGoesDown(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	put(t, cl, message("t", 0, "1"))
	mem := columnartest.Allocator(t)
	s := &Source{
		Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, ConnectTimeout: 2 * time.Second,
	}
	p := open(t, s, mem, 0)[0]
	b, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	k := &Sink{Brokers: c.ListenAddrs(), Topic: "t", Format: iotest.TextFormat{}, ConnectTimeout: 2 * time.Second}
	rows := columnartest.Batch(t, mem, "x:int64\n1\n")
	if err := errors.Join(k.Bind(rows.Schema(), arrowstream.Env{}), k.Write(t.Context(), rows), k.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	if b, err = p.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Release()
	cl.Close()
	c.Close()
	if _, err = p.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "read t/0 at "+s.Brokers[0]) {
		t.Error(err)
	}
	err = errors.Join(k.Write(t.Context(), rows), k.Flush(t.Context()))
	if err == nil || !strings.Contains(err.Error(), "write t/0 at "+s.Brokers[0]) {
		t.Error(err)
	}
	k.Abort(err)
	k.Close()
}

func TestMurmur2(t *testing.T) {
	partitions := make([]int, 1000)
	for i := range partitions {
		partitions[i] = i
	}
	for i := range 300 {
		key := []byte(strings.Repeat("ab\xffz", 20)[:i%70])
		key = append(key, byte(i))
		want := kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: key}, partitions...)
		if got := int(murmur2(key)&0x7fffffff) % 1000; got != want {
			t.Fatalf("%q: %d, want %d", key, got, want)
		}
	}
}
