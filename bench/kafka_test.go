package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/arrowstream/arrowstream"
)

const (
	kafkaRate    = 20_000 // rows per second
	kafkaSeconds = 5
	kafkaEvery   = 5 * time.Millisecond // between two bursts of the producer
)

// BenchmarkKafkaLatency sends 20,000 rows per second of JSON to a broker in
// the process, filters and scores them with a saved model, and writes them to
// another topic. The latency of a row is from when the producer hands it over
// to when a consumer has it. One iteration takes five seconds.
func BenchmarkKafkaLatency(b *testing.B) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "clicks", "scored"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(broker.Close)
	model := filepath.Join(b.TempDir(), "ctr.model")
	run(b, `CREATE TABLE made WITH ('connector' = 'clicks', 'rows' = '20000');
		CREATE MODEL ctr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], model_path = '`+model+`')
			AS SELECT f1, f2, f3, f4, label FROM made;`, arrowstream.Options{})
	script := strings.NewReplacer("BROKER", strings.Join(broker.ListenAddrs(), ","), "MODEL_PATH", model).Replace(`
		CREATE TABLE clicks (sent BIGINT, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE, f4 DOUBLE)
			WITH ('connector' = 'kafka', 'brokers' = 'BROKER', 'topic' = 'clicks', 'format' = 'json');
		CREATE TABLE scored (sent BIGINT, predicted_label BIGINT)
			WITH ('connector' = 'kafka', 'brokers' = 'BROKER', 'topic' = 'scored', 'format' = 'json');
		CREATE MODEL ctr OPTIONS (model_path = 'MODEL_PATH');
		INSERT INTO scored SELECT sent, predicted_label
			FROM ML_PREDICT(TABLE (SELECT * FROM clicks WHERE f1 > -1), MODEL ctr, DESCRIPTOR(f1, f2, f3, f4));`)
	program := prepare(b, script, arrowstream.Options{})
	ended := make(chan error, 1)
	go func() {
		_, err := program.Run(context.Background())
		ended <- err
	}()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics("scored"), kgo.FetchMaxWait(time.Second), kgo.ProducerLinger(0))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	latencies(b, client, kafkaRate) // warms up and waits until all parts are connected
	var all []time.Duration
	for b.Loop() {
		all = append(all, latencies(b, client, kafkaRate*kafkaSeconds)...)
	}
	program.Pipeline().Drain()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	slices.Sort(all)
	at := func(q float64) float64 { return all[int(q*float64(len(all)-1))].Seconds() * 1000 }
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "rows/s")
}

// latencies sends n rows at the rate, one in eight of which the filter drops,
// and returns how long each of the others took.
func latencies(b *testing.B, client *kgo.Client, n int) []time.Duration {
	burst := int(kafkaRate * kafkaEvery.Seconds())
	want := 0
	for i := range n {
		if i%8 != 0 {
			want++
		}
	}
	go func() {
		began := time.Now()
		for i := 0; i < n; i += burst {
			time.Sleep(time.Until(began.Add(time.Duration(i/burst) * kafkaEvery)))
			for j := i; j < min(n, i+burst); j++ {
				f1 := math.Sin(float64(j))
				if j%8 == 0 {
					f1 = -2
				} else {
					f1 = max(f1, -0.9)
				}
				value := fmt.Sprintf(`{"sent":%d,"f1":%.6f,"f2":%.6f,"f3":0.25,"f4":-1.5}`, time.Now().UnixMicro(), f1, math.Cos(float64(j)))
				client.Produce(context.Background(), &kgo.Record{Topic: "clicks", Value: []byte(value)}, nil)
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var took []time.Duration
	for len(took) < want {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			b.Fatalf("%d of %d rows came back within a minute", len(took), want)
		}
		now := time.Now()
		fetches.EachRecord(func(r *kgo.Record) {
			var row struct {
				Sent      int64  `json:"sent"`
				Predicted *int64 `json:"predicted_label"`
			}
			if err := json.Unmarshal(r.Value, &row); err != nil || row.Predicted == nil {
				b.Fatalf("%s: %v", r.Value, err)
			}
			took = append(took, now.Sub(time.UnixMicro(row.Sent)))
		})
	}
	return took
}
