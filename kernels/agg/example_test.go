package agg_test

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// SELECT k, sum(x) FROM b GROUP BY k, in two batches.
func Example() {
	mem := columnar.Pool
	sum, _ := agg.Find("sum")
	spec, err := sum.Bind([]arrow.DataType{arrow.PrimitiveTypes.Int64}, false)
	if err != nil {
		panic(err)
	}
	groups, err := agg.NewGroups(mem, []arrow.DataType{arrow.BinaryTypes.String})
	if err != nil {
		panic(err)
	}
	defer groups.Release()
	acc := spec.New(mem)
	defer acc.Release()

	for _, text := range []string{"k:utf8 x:int64\na 1\nb 2\na 3", "k:utf8 x:int64\nc 4\na null"} {
		b, err := columnartest.Parse(mem, text)
		if err != nil {
			panic(err)
		}
		ids := make([]uint32, b.NumRows())
		if err := groups.Find(b.Columns()[:1], ids); err != nil {
			panic(err)
		}
		if err := acc.Update(ids, groups.Len(), b.Column(1)); err != nil {
			panic(err)
		}
		b.Release()
	}

	keys, err := groups.Keys(nil)
	if err != nil {
		panic(err)
	}
	defer keys[0].Release()
	sums, err := acc.Final(nil)
	if err != nil {
		panic(err)
	}
	defer sums.Release()
	fmt.Println(keys[0], sums)
	// Output: ["a" "b" "c"] [4 2 4]
}
