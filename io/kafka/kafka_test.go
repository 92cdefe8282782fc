package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster starts a broker in the process.
func cluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.DefaultNumPartitions(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// kgoClient is the second client that checks what the first one did.
func kgoClient(t testing.TB, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func put(t testing.TB, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func message(topic string, partition int, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: int32(partition), Value: []byte(value)}
}

func sourceEnv(mem memory.Allocator, rows int) arrowstream.SourceEnv {
	return arrowstream.SourceEnv{
		Env: arrowstream.Env{Allocator: mem, Name: "kafka"}, BatchRows: rows, Workers: 1, Clock: arrowstream.SystemClock{},
	}
}

func open(t testing.TB, s *Source, mem memory.Allocator, rows int) []arrowstream.Partition {
	t.Helper()
	parts, err := s.Open(t.Context(), sourceEnv(mem, rows))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range parts {
			p.Close()
		}
	})
	return parts
}

// rest reads a bounded partition to its end.
func rest(t testing.TB, p arrowstream.Partition, maxRows int) []string {
	t.Helper()
	rows, err := iotest.Rows(t.Context(), p, maxRows)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func write(t testing.TB, s *Sink, batches ...arrow.Record) {
	t.Helper()
	if err := s.Bind(batches[0].Schema(), arrowstream.Env{Name: "sink"}); err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadPartitionsInOrder(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(3, "b"), kfake.SeedTopics(1, "a"))
	cl := kgoClient(t, c.ListenAddrs())
	for i := range 10 {
		put(t, cl, message("b", i%3, fmt.Sprintf("b%d|%d", i%3, i)))
	}
	put(t, cl, message("a", 0, "a|100"))
	mem := columnartest.Allocator(t)
	for _, rows := range []int{0, 1, 2, 3} {
		s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"b;a"}, Columns: iotest.Schema(t, "k:utf8 x:int64"), Format: iotest.TextFormat{}, End: "latest"}
		var all [][]string
		for _, p := range open(t, s, mem, rows) {
			all = append(all, rest(t, p, rows))
			if lag := p.(arrowstream.Lagging).Lag(); lag != 0 {
				t.Errorf("lag %d at the end", lag)
			}
			p.Close()
		}
		want := [][]string{{"a 100"}, {"b0 0", "b0 3", "b0 6", "b0 9"}, {"b1 1", "b1 4", "b1 7"}, {"b2 2", "b2 5", "b2 8"}}
		if fmt.Sprint(all) != fmt.Sprint(want) {
			t.Errorf("rows=%d: got %v, want %v", rows, all, want)
		}
	}
}

func TestStartModes(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(2, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	base := time.UnixMilli(1_700_000_000_000)
	for i := range 6 {
		for p := range 2 {
			put(t, cl, &kgo.Record{Topic: "t", Partition: int32(p), Value: []byte(strconv.Itoa(i)), Timestamp: base.Add(time.Duration(i) * time.Second)})
		}
	}
	at := base.Add(3500 * time.Millisecond).UnixMilli()
	cases := map[string]struct {
		options map[string]string
		want    string
	}{
		"default":       {nil, "0 1 2 3 4 5/0 1 2 3 4 5"},
		"earliest":      {map[string]string{"scan.startup.mode": "earliest-offset"}, "0 1 2 3 4 5/0 1 2 3 4 5"},
		"latest":        {map[string]string{"scan.startup.mode": "latest-offset"}, "/"},
		"spark latest":  {map[string]string{"startingOffsets": "latest"}, "/"},
		"timestamp":     {map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": fmt.Sprint(at)}, "4 5/4 5"},
		"after the end": {map[string]string{"startingTimestamp": fmt.Sprint(at + 100_000)}, "/"},
		"offsets":       {map[string]string{"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": "partition:0,offset:2;partition:1,offset:5"}, "2 3 4 5/5"},
		"spark offsets": {map[string]string{"startingOffsets": `{"t":{"0":4,"1":-2}}`}, "4 5/0 1 2 3 4 5"},
		"spark end":     {map[string]string{"endingOffsets": `{"t":{"0":1,"1":-1}}`}, "0/0 1 2 3 4 5"},
		"end time":      {map[string]string{"scan.bounded.mode": "timestamp", "scan.bounded.timestamp-millis": fmt.Sprint(at)}, "0 1 2 3/0 1 2 3"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			options := map[string]string{"kafka.bootstrap.servers": c.ListenAddrs()[0], "subscribe": "t", "key.fields": "x"}
			for k, v := range tc.options {
				options[k] = v
			}
			if options["scan.bounded.mode"] == "" && options["endingOffsets"] == "" {
				options["scan.bounded.mode"] = "latest-offset"
			}
			s, err := Connector.Source(arrowstream.Table{Options: options, Schema: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}})
			if err != nil {
				t.Fatal(err)
			}
			if !s.Bounded() {
				t.Error("not bounded")
			}
			var got []string
			for _, p := range open(t, s.(*Source), columnartest.Allocator(t), 0) {
				got = append(got, strings.Join(rest(t, p, 0), " "))
				p.Close()
			}
			if g := strings.Join(got, "/"); g != tc.want {
				t.Errorf("got %q, want %q", g, tc.want)
			}
		})
	}
}

func TestMetadataColumns(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	put(t, cl, &kgo.Record{Topic: "t", Key: []byte("k"), Value: []byte("7"), Timestamp: time.UnixMilli(1500)},
		&kgo.Record{Topic: "t", Value: []byte("8"), Timestamp: time.UnixMilli(2500)})
	s := &Source{
		Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "part:int64 x:int64 ts:timestamp[us]@"), Format: iotest.TextFormat{}, End: "latest",
		Metadata: []string{"partition=part", "offset", "timestamp=ts", "key = the key", "topic"},
	}
	got, err := s.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if n := got.NumFields(); n != 6 || got.Field(4).Name != "the key" {
		t.Fatal(got)
	}
	iotest.EqualRows(t, rest(t, open(t, s, columnartest.Allocator(t), 0)[0], 0), []string{
		"0 7 1500000 0 k t", "0 8 2500000 1 null t",
	})
	s.Metadata = []string{"offset=x", "color"}
	if _, err := s.Schema(); err == nil || !strings.Contains(err.Error(), "color") {
		t.Error(err)
	}
}

func TestLiveReadsAtOnce(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}}
	p := open(t, s, columnartest.Allocator(t), 0)[0]
	if s.Bounded() {
		t.Error("bounded")
	}
	var worst time.Duration
	for i := range 20 {
		start := time.Now()
		put(t, cl, message("t", 0, strconv.Itoa(i)))
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, columnartest.Rows(b), []string{strconv.Itoa(i)})
		b.Release()
		if i > 0 {
			worst = max(worst, time.Since(start))
		}
	}
	if worst > 2*time.Second {
		t.Errorf("a row took %s", worst)
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
	if err := <-done; !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func TestSeek(t *testing.T) {
	for _, block := range []bool{false, true} {
		t.Run(fmt.Sprintf("block=%t", block), func(t *testing.T) {
			c := cluster(t, kfake.SeedTopics(1, "t"))
			cl := kgoClient(t, c.ListenAddrs())
			var want []string
			for i := range 12 {
				value := strconv.Itoa(i)
				want = append(want, value)
				if block { // messages of 1, 2, 3, 1, ... rows
					for range i % 3 {
						value += "\n" + strconv.Itoa(1000+len(want))
						want = append(want, strconv.Itoa(1000+len(want)))
					}
				}
				put(t, cl, message("t", 0, value))
			}
			mem := columnartest.Allocator(t)
			s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{Block: block}, End: "latest"}
			for _, rows := range []int{1, 2, 5} {
				for stop := 0; stop <= len(want); stop += rows {
					p := open(t, s, mem, rows)[0]
					var got []string
					for len(got) < stop {
						b, err := p.Read(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, columnartest.Rows(b)...)
						b.Release()
					}
					pos, err := p.(arrowstream.Replayer).Position()
					if err != nil {
						t.Fatal(err)
					}
					p.Close()
					q := open(t, s, mem, rows+1)[0]
					if err := q.(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
						t.Fatal(err)
					}
					again, _ := q.(arrowstream.Replayer).Position()
					if string(again) != string(pos) {
						t.Errorf("position %s after seek to %s", again, pos)
					}
					got = append(got, rest(t, q, rows+1)...)
					q.Close()
					iotest.EqualRows(t, got, want)
				}
			}
			p := open(t, s, mem, 1)[0]
			for pos, text := range map[string]string{
				`{"v":1,"topic":"t","partition":0,"offset":99}`: "offset 99 is gone: there are offsets 0 to 12",
				`{"v":1,"topic":"u","partition":0,"offset":0}`:  "u/0",
				`{"v":9}`: "not of this version", `x`: "position",
			} {
				if err := p.(arrowstream.Replayer).Seek(t.Context(), []byte(pos)); err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("seek %s: %v", pos, err)
				}
			}
		})
	}
}

func TestLostOffset(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	for i := range 6 {
		put(t, cl, message("t", 0, strconv.Itoa(i)))
	}
	mem := columnartest.Allocator(t)
	s := &Source{
		Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{},
		Start: "offsets", StartOffsets: "partition:0,offset:1", End: "latest",
	}
	pos, err := open(t, s, mem, 0)[0].(arrowstream.Replayer).Position()
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt, rp := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	rt.Topic, rp.Offset = "t", 4
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	if _, err := cl.Request(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	gone := func(err error, code string) {
		t.Helper()
		var e *arrowstream.Error
		if !errors.As(err, &e) || e.Code != code || !strings.Contains(err.Error(), "t/0: offset 1 is gone: there are offsets 4 to 6") {
			t.Error(err)
		}
	}
	_, err = open(t, s, mem, 0)[0].Read(t.Context())
	gone(err, "AS4101")
	gone(open(t, s, mem, 0)[0].(arrowstream.Replayer).Seek(t.Context(), pos), "AS5005")
	for lost, want := range map[string][]string{"earliest": {"4", "5"}, "latest": nil} {
		s.OnLostOffset = lost
		iotest.EqualRows(t, rest(t, open(t, s, mem, 0)[0], 0), want)
		p := open(t, s, mem, 0)[0]
		if err := p.(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, rest(t, p, 0), want)
	}
}

func TestBadMessages(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs())
	put(t, cl, message("t", 0, "a|1"), message("t", 0, "b|bad"), &kgo.Record{Topic: "t", Key: []byte("gone")}, message("t", 0, "c|3"))
	mem := columnartest.Allocator(t)
	s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "k:utf8 x:int64"), Format: iotest.TextFormat{}, End: "latest"}
	p := open(t, s, mem, 0)[0]
	b, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, columnartest.Rows(b), []string{"a 1"})
	b.Release()
	for range 2 {
		_, err = p.Read(t.Context())
		var d *arrowstream.DataError
		if !errors.As(err, &d) || d.Source != "kafka: t/0" || d.Where != "offset 1" || d.Column != "x" || d.Value != "b|bad" {
			t.Fatalf("%v", err)
		}
	}
	s.OnBadRow = arrowstream.SkipBadRow
	p = open(t, s, mem, 0)[0]
	iotest.EqualRows(t, rest(t, p, 0), []string{"a 1", "c 3"})
	if n := p.(*partition).Rejects().Skipped(); n != 2 {
		t.Errorf("skipped %d", n)
	}
}

func TestTransactions(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	cl := kgoClient(t, c.ListenAddrs(), kgo.TransactionalID("tx"))
	next := 0
	tx := func(n int, commit kgo.TransactionEndTry) {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range n {
			put(t, cl, message("t", 0, strconv.Itoa(next)))
			next++
		}
		if err := cl.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	tx(2, kgo.TryAbort)
	tx(2, kgo.TryCommit)
	tx(3, kgo.TryAbort)
	tx(1, kgo.TryCommit)
	tx(1, kgo.TryAbort)
	s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, End: "latest"}
	p := open(t, s, columnartest.Allocator(t), 0)[0]
	iotest.EqualRows(t, rest(t, p, 0), []string{"2", "3", "7"})
	// An open transaction holds back the end of what is committed.
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	put(t, cl, message("t", 0, "9"))
	put(t, kgoClient(t, c.ListenAddrs()), message("t", 0, "10"))
	iotest.EqualRows(t, rest(t, open(t, s, columnartest.Allocator(t), 0)[0], 0), []string{"2", "3", "7"})
	s.Isolation = "READ_UNCOMMITTED"
	p = open(t, s, columnartest.Allocator(t), 4)[0]
	iotest.EqualRows(t, rest(t, p, 4), []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"})
	if lag := p.(arrowstream.Lagging).Lag(); lag != 0 {
		t.Errorf("lag %d at the end", lag)
	}
	s.Start = "latest"
	iotest.EqualRows(t, rest(t, open(t, s, columnartest.Allocator(t), 0)[0], 0), nil)
}

func TestOptionErrors(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "bids"))
	columns := iotest.Schema(t, "x:int64")
	cases := []struct {
		source Source
		want   string
	}{
		{Source{}, "format is missing"},
		{Source{FormatName: "jsonn"}, `unknown format "jsonn"`},
		{Source{Format: iotest.TextFormat{}}, "columns are not declared"},
		{Source{Format: iotest.TextFormat{}, Columns: columns}, "topic is missing"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}}, "brokers is missing"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Brokers: []string{"localhost"}}, "not host:port"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Start: "erliest"}, `"erliest"`},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Isolation: "serializable"}, "use read_committed"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Start: "group-offsets"}, "not supported"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Start: "timestamp"}, "timestamp-millis is missing"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Start: "offsets", StartOffsets: "0=1"}, "cannot read"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Start: `{"bids":[1]}`}, "specific-offsets"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, End: "never"}, `"never"`},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Metadata: []string{"key=x"}}, "cannot hold key"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bid"}, Brokers: c.ListenAddrs()}, `did you mean "bids"`},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Pattern: "x.*", Brokers: c.ListenAddrs()}, "no topic matches"},
		{Source{Format: iotest.TextFormat{}, Columns: columns, Topics: []string{"bids"}, Brokers: c.ListenAddrs(), User: "u", Password: "env:NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"},
	}
	for _, tc := range cases {
		if _, err := tc.source.Open(t.Context(), sourceEnv(memory.DefaultAllocator, 0)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
	table := arrowstream.Table{Options: map[string]string{"topic": "t", "brokers": "h:1", "scan.startup.mode": "latest", "compresion": "zstd"}}
	if _, err := Connector.Sink(table); err == nil || !strings.Contains(err.Error(), `"compression"`) {
		t.Error(err)
	}
	if _, err := Connector.Source(table); err == nil || !strings.Contains(err.Error(), `"compresion"`) {
		t.Error(err)
	}
}

func TestSASL(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "secret"))
	t.Setenv("KAFKA_TEST_PASSWORD", "secret")
	s := &Source{
		Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}, End: "latest",
		User: "u", Password: "env:KAFKA_TEST_PASSWORD",
	}
	iotest.EqualRows(t, rest(t, open(t, s, columnartest.Allocator(t), 0)[0], 0), nil)
	s.Password, s.ConnectTimeout = "wrong", 2*time.Second
	if _, err := s.Open(t.Context(), sourceEnv(memory.DefaultAllocator, 0)); err == nil || !strings.Contains(err.Error(), "login") {
		t.Error(err)
	}
}
