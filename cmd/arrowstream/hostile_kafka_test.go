package main

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestHostileMessages reads every hostile file as the value of a Kafka message,
// in every format that messages can have. What is no row is skipped, so that
// one process gets to all of them.
func TestHostileMessages(t *testing.T) {
	files := hostileFiles(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "hostile"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.DefaultProduceTopic("hostile"), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var size int64
	var records []*kgo.Record
	for _, h := range files {
		size += h.size
		records = append(records, &kgo.Record{Value: h.read(t), Key: []byte(h.name)})
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"json", "csv", "arrow"} {
		for _, bad := range []string{"skip", "fail"} {
			code := verdict(t, format, size, child(t.Context(), []string{hostileAddresses}, "run", "-q", "-e", fmt.Sprintf(`
				CREATE TABLE t (a BIGINT, b STRING, c ARRAY<DOUBLE>, d TIMESTAMP, e DECIMAL(10, 2), f ROW<x INT, y STRING>) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '%s',
					'topic' = 'hostile', 'format' = '%s', 'scan.bounded.mode' = 'latest-offset', 'on.error' = '%s');
				CREATE TABLE n USING blackhole; INSERT INTO n SELECT * FROM t`, broker.ListenAddrs()[0], format, bad)))
			if (code == exitOK) != (bad == "skip") {
				t.Errorf("%s: exit %d where what cannot be decoded should %s", format, code, bad)
			}
		}
	}
}
