package mlkernels_test

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/mlkernels"
)

// A model scores every row before it learns it.
func Example() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "x", Type: arrow.PrimitiveTypes.Float64},
		{Name: "y", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 200 {
		x := float64(i%10) / 10
		b.Field(0).(*array.Float64Builder).Append(x)
		b.Field(1).(*array.Float64Builder).Append(3*x + 1)
	}
	rows := b.NewRecord()
	defer rows.Release()

	spec, err := mlkernels.ParseSpec(map[string]string{"model_type": "LINEAR_REG", "label": "y", "learn_rate": "0.3", "l2_reg": "0"})
	if err != nil {
		panic(err)
	}
	model, err := mlkernels.NewModel(spec)
	if err != nil {
		panic(err)
	}
	if err := model.Bind(schema); err != nil {
		panic(err)
	}
	predictions, err := model.Step(memory.DefaultAllocator, rows, false)
	if err != nil {
		panic(err)
	}
	defer predictions[0].Release()
	for _, i := range []int{0, 1, 199} {
		fmt.Println(predictions[0].ValueStr(i))
	}
	// Output:
	// (null)
	// 0.3
	// 3.6896578483826232
}
