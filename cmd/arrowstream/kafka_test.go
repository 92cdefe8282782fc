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

// kafka is a broker with topics of so many partitions and a client of it, until t
// ends.
func kafka(t *testing.T, topics map[string]int32, opts ...kgo.Opt) (address string, client *kgo.Client) {
	t.Helper()
	seeded := []kfake.Opt{kfake.NumBrokers(1)}
	for name, partitions := range topics {
		seeded = append(seeded, kfake.SeedTopics(partitions, name))
	}
	broker, err := kfake.NewCluster(seeded...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	if client, err = kgo.NewClient(append(opts, kgo.SeedBrokers(broker.ListenAddrs()...))...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return broker.ListenAddrs()[0], client
}

// TestKafka runs a script that filters and scores from one topic to another,
// with a model saved before, on a broker in this process.
func TestKafka(t *testing.T) {
	t.Chdir(t.TempDir())
	broker, client := kafka(t, map[string]int32{"clicks": 3, "scored": 1}, kgo.ConsumeTopics("scored"))
	succeed(t, "run", "-q", "-e", `CREATE TABLE made WITH ('connector' = 'clicks', 'rows' = '20000');
		CREATE MODEL ctr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], model_path = 'ctr.model') AS SELECT f1, f2, f3, label FROM made;`)
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
		"BROKER", broker)
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
	broker, client := kafka(t, map[string]int32{"clicks": 3})
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
			INSERT INTO o SELECT id FROM clicks;`, trigger, broker, out))
		got := strings.Split(strings.TrimSpace(parts(t, out)), "\n")
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d", trigger, len(got), len(want))
		}
	}
}

// TestAvailableNowGoesOn runs a job over what a topic holds, twice with one state:
// rows are read once, and a window that is open waits for the next run.
func TestAvailableNowGoesOn(t *testing.T) {
	t.Chdir(t.TempDir())
	broker, client := kafka(t, map[string]int32{"clicks": 1})
	for _, round := range []struct {
		from, to int // seconds
		want     []string
	}{
		{0, 20, []string{`{"s":0,"n":10}`}},
		{15, 26, []string{`{"s":0,"n":10}`, `{"s":10,"n":15}`}},
		{0, 0, []string{`{"s":0,"n":10}`, `{"s":10,"n":15}`}}, // there is nothing new
	} {
		for at := round.from; at < round.to; at++ {
			client.Produce(t.Context(), &kgo.Record{Topic: "clicks", Value: fmt.Appendf(nil, `{"ts":"1970-01-01 00:00:%02d"}`, at)}, nil)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		succeed(t, "run", "-q", "--state", "state", "-e", fmt.Sprintf(`SET job.name = now; SET job.now.trigger = AvailableNow;
			CREATE TABLE clicks (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
				WITH ('connector' = 'kafka', 'brokers' = '%s', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
			CREATE TABLE o WITH ('connector' = 'json', 'path' = 'out/');
			INSERT INTO o SELECT EXTRACT(EPOCH FROM window_start) AS s, count(*) AS n FROM TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND) GROUP BY window_start, window_end;`,
			broker))
		if got := strings.Split(strings.TrimSpace(parts(t, "out")), "\n"); !slices.Equal(got, round.want) {
			t.Errorf("after %d to %d: %q, want %q", round.from, round.to, got, round.want)
		}
	}
}
