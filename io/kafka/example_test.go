package kafka_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/json"
	"github.com/arrowstream/arrowstream/io/kafka"
)

// Rows go to a topic, as JSON keyed by a column, and come back. Pipelines
// call all this by themselves.
func Example() {
	ctx, mem := context.Background(), memory.NewGoAllocator()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	batch, err := columnartest.Parse(mem, "user:utf8 amount:int64\nann 5\nbob 7\nann 2\n")
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Release()

	sink := &kafka.Sink{Brokers: broker.ListenAddrs(), Topic: "payments", Format: json.Format, Key: []string{"user"}, Partitions: 1}
	if err := sink.Bind(batch.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		log.Fatal(err)
	}
	if err := sink.Write(ctx, batch); err != nil {
		log.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		log.Fatal(err)
	}

	source := &kafka.Source{
		Brokers: broker.ListenAddrs(), Topics: []string{"payments"}, Columns: batch.Schema(), Format: json.Format,
		Metadata: []string{"offset"}, End: "latest",
	}
	partitions, err := source.Open(ctx, arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range partitions {
		for {
			b, err := p.Read(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				log.Fatal(err)
			}
			for _, row := range columnartest.Rows(b) {
				fmt.Println(row)
			}
			b.Release()
		}
		p.Close()
	}
	// Output:
	// ann 5 0
	// bob 7 1
	// ann 2 2
}
