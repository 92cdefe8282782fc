package blackhole_test

import (
	"context"
	"fmt"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/blackhole"
	"github.com/arrowstream/arrowstream/io/generator"
)

// Two runs with the same checksum gave the same rows, in whatever order.
func Example() {
	var sums [2]uint64
	for i, batchRows := range []int{100, 1000} {
		sink := &blackhole.Sink{Checksum: true}
		p := arrowstream.New(arrowstream.Options{BatchRows: batchRows})
		p.From("bids", &generator.Nexmark{Table: "bid", Events: 10_000, Seed: 1}).To(sink, "out")
		if _, err := p.Run(context.Background()); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(sink.Rows(), "rows")
		sums[i] = sink.Sum()
	}
	fmt.Println(sums[0] == sums[1])
	// Output:
	// 9200 rows
	// 9200 rows
	// true
}
