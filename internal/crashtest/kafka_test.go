package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// brokers are the addresses of a real cluster if there is one, else of one in
// this process, which outlives the processes of the jobs.
var brokers = sync.OnceValue(func() []string {
	if addrs := os.Getenv("ARROWSTREAM_KAFKA"); addrs != "" {
		return strings.Split(addrs, ",")
	}
	return kfake.MustCluster(kfake.NumBrokers(2)).ListenAddrs()
})

// topics numbers the jobs of this process.
var topics atomic.Int64

func topicPrefix() string { return fmt.Sprintf("crash-%d-%d-", time.Now().UnixNano(), topics.Add(1)) }

// kafka writes topics of one partition, which keeps the order.
func kafka(*testing.T, string) place {
	prefix := topicPrefix()
	return place{
		declare: func(table string) string {
			return fmt.Sprintf("USING kafka OPTIONS (brokers = '%s', topic = '%s', 'topic.partitions' = '1', format = 'json')", strings.Join(brokers(), ","), prefix+table)
		},
		read: func(t *testing.T, table string) []string { return committed(t, prefix+table) },
	}
}

// committed reads what readers with read_committed see of a topic of one
// partition, with another client.
func committed(t *testing.T, topic string) []string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers()...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var rows []string
	for next, end := int64(0), int64(1); next < end; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %d rows, at offset %d of %d: %v", topic, len(rows), next, end, err)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			end = p.HighWatermark
			for _, r := range p.Records {
				if next = r.Offset + 1; !r.Attrs.IsControl() {
					rows = append(rows, string(r.Value))
				}
			}
		})
	}
	return rows
}

// TestKafkaToKafkaKilled kills a job that reads from a cluster and writes to it:
// the positions are those of the state, whatever the group was told.
func TestKafkaToKafkaKilled(t *testing.T) {
	const rows, partitions = 400_000, 3
	in := topicPrefix() + "in"
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers()...), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: in, NumPartitions: partitions, ReplicationFactor: 1}}
	if _, err := cl.Request(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range rows {
		cl.Produce(t.Context(), &kgo.Record{Topic: in, Partition: int32(i % partitions), Value: fmt.Appendf(nil, `{"k":%d,"n":%d}`, i%11, i)}, nil)
		if i%2 == 0 {
			want = append(want, fmt.Sprintf(`{"k":%d,"n":%d}`, i%11, i))
		}
	}
	if err := cl.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	options := fmt.Sprintf("brokers = '%s', format = 'json'", strings.Join(brokers(), ","))
	killed := 0
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 0))
		out := topicPrefix() + "out"
		p := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 1 + int(seed)}
		script := fmt.Sprintf(`SET job.name = copy;
CREATE TABLE i (k BIGINT, n BIGINT) USING kafka OPTIONS (%s, topic = '%s', 'scan.bounded.mode' = 'latest', 'group.id' = 'g', 'fetch.max.bytes' = '20000');
CREATE TABLE o (k BIGINT, n BIGINT) USING kafka OPTIONS (%s, topic = '%s', 'topic.partitions' = '1');
INSERT INTO o SELECT k, n FROM i WHERE n %% 2 = 0;
`, options, in, options, out)
		if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		done := false
		for run := 0; run < 8 && !done; run++ {
			name := []string{failpoint.PublishMiddle, failpoint.PublishAfter, failpoint.CommitSynced, failpoint.StateSynced, failpoint.Acknowledged, failpoint.RecoverPublish}[rng.IntN(6)]
			if done = p.start(t, name+"=kill", 0); !done {
				killed++
			}
		}
		if !done && !p.start(t, "", 0) {
			t.Fatalf("seed %d: the last run did not end", seed)
		}
		got := committed(t, out)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
	t.Logf("%d kills", killed)
}
