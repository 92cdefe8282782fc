package expr_test

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

func Example() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "price", Type: arrow.PrimitiveTypes.Int64},
		{Name: "channel", Type: arrow.BinaryTypes.String},
	}, nil)
	batch, _, err := array.RecordFromJSON(columnar.Pool, schema, strings.NewReader(
		`[{"price": 120, "channel": "apple"}, {"price": 80, "channel": "google"}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer batch.Release()

	// upper(channel), where price * 2 > 200
	double := expr.Call{Name: "mul", Args: []expr.Expr{expr.Col{Name: "price"}, expr.Lit{Value: int64(2)}}}
	where, err := expr.Bind(expr.Call{Name: "gt", Args: []expr.Expr{double, expr.Lit{Value: int64(200)}}}, schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := where.Select(columnar.Pool, batch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rows.Count(), "row where", expr.String(double), "is more than 200")

	_, err = expr.Bind(expr.Col{Name: "prise"}, schema)
	fmt.Println(err)
	// Output:
	// 1 row where price * 2 is more than 200
	// column "prise" not found [AS1203] (did you mean "price"?)
}
