package udf_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/udf"
)

// A function of Go values and one of whole columns are handed to the script that
// calls them.
func Example() {
	hypot, err := udf.Scalar2("hypot", math.Hypot, udf.Options{Params: []string{"x", "y"}, Doc: "length of (x, y)"})
	if err != nil {
		fmt.Println(err)
		return
	}
	double := arrow.PrimitiveTypes.Float64
	twice, err := udf.Vector("twice", []arrow.DataType{double}, double, func(mem memory.Allocator, n int, args []arrow.Array) (arrow.Array, error) {
		x := args[0].(*array.Float64)
		out := array.NewFloat64Builder(mem)
		defer out.Release()
		out.Reserve(n)
		for i := range n {
			if x.IsNull(i) {
				out.AppendNull()
				continue
			}
			out.Append(2 * x.Value(i))
		}
		return out.NewArray(), nil
	}, udf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	const script = `
		CREATE VIEW points AS VALUES (3, 4), (5, 12), (NULL, 1);
		SELECT hypot(column1, column2) AS r, twice(column1) AS d FROM points`
	program, err := sql.Prepare(script, sql.Options{
		Connectors: all.Connectors(),
		Formats:    all.Formats(),
		Functions:  []*udf.Function{hypot, twice},
		Stdio:      arrowstream.Stdio{Out: os.Stdout},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := program.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"r":5,"d":6}
	// {"r":13,"d":10}
	// {"r":null,"d":null}
}
