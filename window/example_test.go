package window_test

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/window"
)

// Bids are counted per bidder in windows of ten seconds. The runtime drives a
// stage; here it is driven by hand.
func Example() {
	mem := memory.NewGoAllocator()
	bids, err := columnartest.Parse(mem, `ts:timestamp[s]@ bidder:utf8
		1 ann
		4 bob
		9 ann
		10 ann`)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bids.Release()
	w := &window.Tumbling{Size: 10 * time.Second, By: []string{"bidder"}, Aggs: []window.Agg{{Name: "bids", Func: "count"}}}
	if _, err := w.Bind(bids.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		fmt.Println(err)
		return
	}
	show := func(b arrow.Record, _ ...int) error {
		for _, row := range columnartest.Rows(b) {
			fmt.Println(row)
		}
		return nil
	}
	ctx := context.Background()
	if err := w.Process(ctx, bids, show); err != nil {
		fmt.Println(err)
	}
	for _, mark := range []int64{10_000_000, arrowstream.EndOfTime} {
		out, err := w.Advance(ctx, arrowstream.Watermark{Event: mark}, show)
		fmt.Println("watermark", out.Done(), err)
	}
	// Output:
	// 0 10 ann 2
	// 0 10 bob 1
	// watermark false <nil>
	// 10 20 ann 1
	// watermark true <nil>
}
