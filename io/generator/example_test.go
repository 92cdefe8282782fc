package generator_test

import (
	"context"
	"fmt"
	"io"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/generator"
)

func Example() {
	source := &generator.Nexmark{Table: "bid", Events: 100_000, Rate: 100_000, Seed: 1}
	env := arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnar.Pool}}
	parts, err := source.Open(context.Background(), env)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := int64(0)
	for {
		b, err := parts[0].Read(context.Background())
		if err == io.EOF {
			break
		}
		rows += b.NumRows()
		b.Release()
	}
	fmt.Println(rows, "bids")
	// Output: 92000 bids
}
