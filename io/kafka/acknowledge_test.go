package kafka

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestAcknowledge stores positions for a group, which tools read.
func TestAcknowledge(t *testing.T) { eachCluster(t, testAcknowledge) }

func testAcknowledge(t *testing.T, addrs []string) {
	topic := newTopic(t)
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n2\n3\n")
	write(t, &Sink{Brokers: addrs, Topic: topic, Format: iotest.TextFormat{}, Partitions: 1}, b)
	s := &Source{Brokers: addrs, Topics: []string{topic}, Columns: b.Schema(), Format: iotest.TextFormat{}, Group: topic}
	p := open(t, s, mem, 2)[0].(arrowstream.Acknowledger)
	for _, want := range []int64{2, 3} {
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		pos, err := p.Position()
		if err != nil {
			t.Fatal(err)
		}
		// A broker without any group needs a moment before it takes one.
		var got kmsg.OffsetFetchResponseGroupTopicPartition
		for start := time.Now(); got.Offset != want && time.Since(start) < time.Minute; {
			if err := p.Acknowledge(t.Context(), pos); err != nil {
				t.Fatal(err)
			}
			got = groupOffset(t, addrs, topic)
		}
		if got.Offset != want || got.LeaderEpoch != -1 {
			t.Errorf("offset %d, want %d (%+v)", got.Offset, want, got)
		}
	}
	if err := p.Acknowledge(t.Context(), []byte("x")); err == nil {
		t.Error("took a position that is none")
	}
}

// groupOffset is what a group of the name of a topic has stored for it.
func groupOffset(t testing.TB, addrs []string, topic string) (p kmsg.OffsetFetchResponseGroupTopicPartition) {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: topic, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}}}
	cl := kgoClient(t, addrs)
	resp, err := cl.Request(t.Context(), req)
	if err != nil {
		time.Sleep(50 * time.Millisecond)
		return p
	}
	return resp.(*kmsg.OffsetFetchResponse).Groups[0].Topics[0].Partitions[0]
}

// TestAcknowledgeNothing: without a group, and when the brokers are away.
func TestAcknowledgeNothing(t *testing.T) {
	c := cluster(t, kfake.SeedTopics(1, "t"))
	s := &Source{Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: iotest.Schema(t, "x:int64"), Format: iotest.TextFormat{}}
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true, Count: -1})
	p := open(t, s, columnartest.Allocator(t), 0)[0].(arrowstream.Acknowledger)
	pos, _ := p.Position()
	if err := p.Acknowledge(t.Context(), pos); err != nil || h.Hits() != 0 {
		t.Error(err, h.Hits())
	}
	s.Group = "g"
	p = open(t, s, columnartest.Allocator(t), 0)[0].(arrowstream.Acknowledger)
	c.Close()
	if err := p.Acknowledge(t.Context(), pos); err != nil {
		t.Error(err)
	}
}
