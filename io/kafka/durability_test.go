package kafka

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestDurability writes to topics of one and of several copies, of which one or
// two have to confirm a row.
func TestDurability(t *testing.T) {
	const warning = "topic %s has 3 copies and min.insync.replicas = 1: a row that one broker has confirmed is lost with it; set it to 2"
	for _, c := range []struct {
		name   string
		copies int
		least  string
		warns  bool
	}{{"one", 1, "1", false}, {"risky", 3, "1", true}, {"safe", 3, "2", false}} {
		t.Run(c.name, func(t *testing.T) {
			mem := columnartest.Allocator(t)
			cl := cluster(t, kfake.NumBrokers(3), kfake.BrokerConfigs(map[string]string{"min.insync.replicas": c.least}))
			s := &Sink{Brokers: cl.ListenAddrs(), Topic: c.name, Replication: c.copies, Format: iotest.TextFormat{}}
			write(t, s, columnartest.Batch(t, mem, "n:int64\n1\n2\n"))
			want := ""
			if c.warns {
				want = fmt.Sprintf(warning, c.name)
			}
			if got := s.Counts().Warning; got != want {
				t.Errorf("%q", got)
			}
		})
	}
}
