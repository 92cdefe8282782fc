package kafka

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// broker is the address of a real broker: internal/kafkatest/broker.sh starts
// one.
func broker(t testing.TB) []string {
	t.Helper()
	addr := os.Getenv("ARROWSTREAM_KAFKA")
	if addr == "" {
		t.Skip("ARROWSTREAM_KAFKA is not set: internal/kafkatest/broker.sh start prints the address of a broker")
	}
	return strings.Split(addr, ",")
}

// eachCluster runs a test in a process and, if there is one, on a real broker.
func eachCluster(t *testing.T, f func(t *testing.T, addrs []string)) {
	t.Run("kfake", func(t *testing.T) { f(t, cluster(t, kfake.NumBrokers(2)).ListenAddrs()) })
	t.Run("real", func(t *testing.T) { f(t, broker(t)) })
}

func newTopic(t testing.TB) string {
	return fmt.Sprintf("%s-%d", strings.NewReplacer("/", "-", "=", "-").Replace(t.Name()), time.Now().UnixNano())
}

func TestRealBroker(t *testing.T) {
	addrs := broker(t)
	for _, codec := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			topic := newTopic(t)
			mem := columnartest.Allocator(t)
			var sb strings.Builder
			sb.WriteString("k:utf8 n:int64 ts:timestamp[us]@\n")
			const n = 20_000
			for i := range n {
				fmt.Fprintf(&sb, "key%d %d %d\n", i%97, i, 1_600_000_000_000_000+int64(i)*1000)
			}
			b := columnartest.Batch(t, mem, sb.String())
			write(t, &Sink{
				Brokers: addrs, Topic: topic, Format: iotest.TextFormat{}, Key: []string{"k"}, Partitions: 4, BatchBytes: 20_000, Compression: codec,
			}, b)
			src := &Source{
				Brokers: addrs, Topics: []string{topic}, Columns: b.Schema(), Format: iotest.TextFormat{}, End: "latest", FetchBytes: 50_000,
				Start: "timestamp", StartMillis: 1_600_000_000_000 + n/2,
			}
			// Kafka finds a time within a partition, where rows are in order.
			total := 0
			for _, p := range open(t, src, mem, 1000) {
				last := map[string]int{}
				for _, row := range rest(t, p, 1000) {
					cells := strings.Fields(row)
					x, _ := strconv.Atoi(cells[1])
					if before, ok := last[cells[0]]; ok && x != before+97 || x < n/2 {
						t.Fatalf("%s: %d after %d", cells[0], x, before)
					}
					last[cells[0]] = x
					total++
				}
				p.Close()
			}
			if total != n/2 {
				t.Errorf("%d rows, want %d", total, n/2)
			}
			other := 0
			for _, records := range readAll(t, addrs, topic, n) {
				other += len(records)
			}
			if other != n {
				t.Errorf("the other client reads %d", other)
			}
		})
	}
}

func TestRealBrokerTransactions(t *testing.T) {
	addrs := broker(t)
	topic := newTopic(t)
	write(t, &Sink{Brokers: addrs, Topic: topic, Format: iotest.TextFormat{}, Partitions: 1}, columnartest.Batch(t, columnartest.Allocator(t), "x:int64\n-1\n"))
	cl := kgoClient(t, addrs, kgo.TransactionalID(topic))
	var want []string
	for i := range 6 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			value := strconv.Itoa(10*i + j)
			put(t, cl, message(topic, 0, value))
			if i%2 == 1 {
				want = append(want, value)
			}
		}
		if err := cl.EndTransaction(t.Context(), i%2 == 1); err != nil {
			t.Fatal(err)
		}
	}
	src := &Source{Brokers: addrs, Topics: []string{topic}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, End: "latest"}
	iotest.EqualRows(t, rest(t, open(t, src, columnartest.Allocator(t), 0)[0], 0), append([]string{"-1"}, want...))
}

func TestRealBrokerLatency(t *testing.T) {
	addrs := broker(t)
	topic := newTopic(t)
	mem := columnartest.Allocator(t)
	one := columnartest.Batch(t, mem, "x:int64\n7\n")
	sink := &Sink{Brokers: addrs, Topic: topic, Format: iotest.TextFormat{}, Partitions: 1}
	write(t, sink, one)
	src := &Source{Brokers: addrs, Topics: []string{topic}, Columns: one.Schema(), Format: iotest.TextFormat{}}
	p := open(t, src, mem, 0)[0]
	sink = &Sink{Brokers: addrs, Topic: topic, Format: iotest.TextFormat{}}
	if err := sink.Bind(one.Schema(), sourceEnv(mem, 0).Env); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range 101 {
		start := time.Now()
		if i > 0 {
			if err := sink.Write(t.Context(), one); err != nil {
				t.Fatal(err)
			}
			if err := sink.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		took = append(took, time.Since(start))
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(took)
	t.Logf("row to row through the broker: median %s, p99 %s", took[50], took[99])
	if took[50] > 250*time.Millisecond {
		t.Errorf("median latency %s", took[50])
	}
}

// BenchmarkRealBroker writes rows of 100 bytes to a broker and reads them back.
func BenchmarkRealBroker(b *testing.B) {
	addrs := broker(b)
	rows := blobs(10_000)
	defer rows.Release()
	topic := newTopic(b)
	const batches = 50
	var wrote, read time.Duration
	n := 0
	for b.Loop() {
		start := time.Now()
		sink := &Sink{Brokers: addrs, Topic: topic, Format: blobFormat{}, Partitions: 2}
		if err := sink.Bind(rows.Schema(), sourceEnv(memory.DefaultAllocator, 0).Env); err != nil {
			b.Fatal(err)
		}
		for range batches {
			if err := sink.Write(b.Context(), rows); err != nil {
				b.Fatal(err)
			}
		}
		if err := sink.Close(); err != nil {
			b.Fatal(err)
		}
		wrote += time.Since(start)
		n += batches * 10_000
		start = time.Now()
		src := &Source{Brokers: addrs, Topics: []string{topic}, Columns: rows.Schema(), Format: blobFormat{}, End: "latest"}
		got := 0
		for _, p := range open(b, src, memory.DefaultAllocator, 0) {
			for {
				r, err := p.Read(b.Context())
				if err != nil {
					break
				}
				got += int(r.NumRows())
				r.Release()
			}
			p.Close()
		}
		read += time.Since(start) * time.Duration(batches*10_000) / time.Duration(max(got, 1))
	}
	b.ReportMetric(float64(n)/wrote.Seconds(), "written/s")
	b.ReportMetric(float64(n)/read.Seconds(), "read/s")
}

// BenchmarkRealBrokerPublish publishes epochs of rows of 100 bytes and writes
// the same rows without a transaction, in turn.
func BenchmarkRealBrokerPublish(b *testing.B) {
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", size), func(b *testing.B) {
			addrs := broker(b)
			rows := blobs(min(size, 10_000))
			defer rows.Release()
			batches := slices.Repeat([]arrow.Record{rows}, max(1, size/10_000))
			sink := func() *Sink {
				s := &Sink{Brokers: addrs, Topic: newTopic(b), Format: blobFormat{}, Partitions: 4}
				if err := s.Bind(rows.Schema(), sourceEnv(memory.DefaultAllocator, 0).Env); err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { s.Close() })
				return s
			}
			plain, exact := sink(), sink()
			p := arrowstream.Publication{Job: newTopic(b), Sink: "s", Incarnation: 1, Rows: retained(batches), Count: int64(size)}
			var wrote, published time.Duration
			for b.Loop() {
				start := time.Now()
				for _, r := range batches {
					if err := plain.Write(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
				if err := plain.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
				between := time.Now()
				wrote += between.Sub(start)
				p.Epoch++
				if err := exact.Publish(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				published += time.Since(between)
			}
			b.ReportMetric(float64(wrote.Microseconds())/float64(b.N)/1000, "write-ms")
			b.ReportMetric(float64(published.Microseconds())/float64(b.N)/1000, "publish-ms")
			b.ReportMetric(float64(published)/float64(wrote), "publish/write")
		})
	}
}
