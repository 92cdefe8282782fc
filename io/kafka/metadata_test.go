package kafka

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestMetadata looks at what a job asks of the cluster again and again, as long
// as it runs: the metadata of its own topics. That of all topics, of which
// others may make thousands, it asks for once, when it begins.
func TestMetadata(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		var mu sync.Mutex
		asked := map[string]int{}
		v.cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
			v.cluster.KeepControl()
			mu.Lock()
			defer mu.Unlock()
			topics := r.(*kmsg.MetadataRequest).Topics
			if topics == nil {
				asked["*"]++
			}
			for _, topic := range topics {
				asked[*topic.Topic]++
			}
			return nil, nil, false
		})
		x, s := v.job(t, time.Minute)
		x.claim(t, s, 1)
		for _, p := range open(t, v.source(t, x), columnartest.Allocator(t), 0) {
			go func() {
				for {
					b, err := p.Read(t.Context())
					if err != nil {
						return // it is closed
					}
					b.Release()
				}
			}()
		}
		mu.Lock()
		began := asked["*"]
		mu.Unlock()
		for e := 1; e <= 10; e++ {
			time.Sleep(time.Minute)
			x.publish(t, s, 1, e)
		}
		mu.Lock()
		defer mu.Unlock()
		if asked["*"] != began {
			t.Errorf("asked for all topics %d times, %d at the beginning", asked["*"], began)
		}
		delete(asked, "*")
		for topic, n := range asked {
			if !slices.Contains([]string{x.topic, progressTopic}, topic) || n < 100 {
				t.Errorf("asked %d times for %s", n, topic)
			}
		}
		if len(asked) != 2 {
			t.Errorf("asked for %d topics", len(asked))
		}
	})
}
