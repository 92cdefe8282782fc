package flight_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/flight"
)

// A stream is exported under a name, and another program follows it.
func Example() {
	ctx, mem := context.Background(), memory.NewGoAllocator()
	batch, err := columnartest.Parse(mem, "city:utf8 temperature:float64\nOslo -3.5\nRome 18\n")
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Release()

	hub := &flight.Hub{}
	defer hub.Close()
	sink := &flight.Sink{Stream: "weather", Hub: hub, Listen: "127.0.0.1:0"}
	if err := sink.Bind(batch.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		log.Fatal(err)
	}
	if err := sink.Write(ctx, batch); err != nil {
		log.Fatal(err)
	}
	uri := sink.URI()
	if err := sink.Close(); err != nil { // the stream ends, the hub keeps it
		log.Fatal(err)
	}

	source := &flight.Source{URI: uri, Stream: "weather"}
	schema, err := source.Schema()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(schema.Field(0).Name, schema.Field(1).Name)
	partitions, err := source.Open(ctx, arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}})
	if err != nil {
		log.Fatal(err)
	}
	defer partitions[0].Close()
	for {
		b, err := partitions[0].Read(ctx)
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
	// Output:
	// city temperature
	// Oslo -3.5
	// Rome 18
}
