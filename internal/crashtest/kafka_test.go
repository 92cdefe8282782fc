package crashtest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
