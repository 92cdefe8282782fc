package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKafka runs a script that filters and scores from one topic to another,
// with a model saved before, on a broker in this process.
func TestKafka(t *testing.T) {
	t.Chdir(t.TempDir())
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "clicks"), kfake.SeedTopics(1, "scored"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	succeed(t, "run", "-q", "-e", `CREATE TABLE made WITH ('connector' = 'clicks', 'rows' = '20000');
		CREATE MODEL ctr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], model_path = 'ctr.model') AS SELECT f1, f2, f3, label FROM made;`)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics("scored"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const n = 1000
	for i := range n {
		value := fmt.Sprintf(`{"id":%d,"f1":%g,"f2":0.5,"f3":-1}`, i, float64(i%10)-4)
		client.Produce(t.Context(), &kgo.Record{Topic: "clicks", Key: fmt.Append(nil, i), Value: []byte(value)}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(`CREATE TABLE clicks (id BIGINT, f1 DOUBLE, f2 DOUBLE, f3 DOUBLE)
			WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'BROKER', 'topic' = 'clicks', 'format' = 'json', 'scan.bounded.mode' = 'latest-offset');
		CREATE TABLE scored (id BIGINT, predicted_label BIGINT)
			WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'BROKER', 'topic' = 'scored', 'format' = 'json');
		CREATE MODEL ctr OPTIONS (model_path = 'ctr.model');
		INSERT INTO scored SELECT id, predicted_label FROM ML_PREDICT(TABLE (SELECT * FROM clicks WHERE f1 > 0), MODEL ctr, DESCRIPTOR(f1, f2, f3));`,
		"BROKER", broker.ListenAddrs()[0])
	succeed(t, "run", "-q", "-e", script)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got := map[string]bool{}
	for len(got) < n/2 && ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { got[string(r.Value)] = true })
	}
	for i := range n {
		if i%10 < 5 {
			continue
		}
		if a, b := fmt.Sprintf(`{"id":%d,"predicted_label":0}`, i), fmt.Sprintf(`{"id":%d,"predicted_label":1}`, i); got[a] == got[b] {
			t.Fatalf("row %d is not scored once; %d rows came", i, len(got))
		}
	}
	if len(got) != n/2 {
		t.Errorf("%d rows came, want %d", len(got), n/2)
	}
}

// TestAvailableNow runs a job without an end over a topic that ends with what it
// holds when the job begins.
func TestAvailableNow(t *testing.T) {
	t.Chdir(t.TempDir())
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "clicks"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var want []string
	for round, trigger := range []string{"AvailableNow", "Once"} {
		for i := range 500 {
			row := fmt.Sprintf(`{"id":%d}`, 500*round+i)
			want = append(want, row)
			client.Produce(t.Context(), &kgo.Record{Topic: "clicks", Key: fmt.Append(nil, i), Value: []byte(row)}, nil)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprint("out", round)
		succeed(t, "run", "-q", "--state", fmt.Sprint("state", round), "-e", fmt.Sprintf(`SET job.name = now; SET job.now.trigger = %s;
			CREATE TABLE clicks (id BIGINT) WITH ('connector' = 'kafka', 'brokers' = '%s', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
			CREATE TABLE o WITH ('connector' = 'json', 'path' = '%s/');
			INSERT INTO o SELECT id FROM clicks;`, trigger, broker.ListenAddrs()[0], out))
		got := strings.Split(strings.TrimSpace(parts(t, out)), "\n")
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", trigger, len(got), len(want))
		}
	}
}
