package stage_test

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// A stage is driven by the runtime; here it is driven by hand.
func Example() {
	mem := memory.NewGoAllocator()
	in, err := columnartest.Parse(mem, "word:utf8 n:int64\nthe 3\na 1\nthe 4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Release()
	words := &stage.Aggregate{
		By:     []string{"word"},
		Aggs:   []stage.Agg{{Name: "sum", Func: "sum", Args: []expr.Expr{expr.Col{Name: "n"}}}},
		Having: expr.Call{Name: "gt", Args: []expr.Expr{expr.Col{Name: "sum"}, expr.Lit{Value: int64(1)}}},
	}
	if _, err := words.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
		fmt.Println(err)
		return
	}
	show := func(b arrow.Record, _ ...int) error {
		fmt.Println(columnartest.Text(b))
		return nil
	}
	ctx := context.Background()
	if err := words.Process(ctx, in, show); err != nil {
		fmt.Println(err)
	}
	if _, err := words.Advance(ctx, arrowstream.Watermark{Event: arrowstream.EndOfTime}, show); err != nil {
		fmt.Println(err)
	}
	// Output:
	// word:utf8 sum:int64
	// the 7
}
