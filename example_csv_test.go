package arrowstream_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/window"
)

// Orders are counted and summed per city in windows of a minute. Rows may be
// ten seconds out of order.
func Example_csv() {
	orders := strings.NewReader(`ts,city,amount
2024-05-01 12:00:05,Bern,20
2024-05-01 12:00:59,Oslo,5
2024-05-01 12:01:04,Bern,7.5
2024-05-01 12:00:58,Bern,2.5
2024-05-01 12:02:30,Oslo,11
`)
	amount := []expr.Expr{expr.Col{Name: "amount"}}

	p := arrowstream.New(arrowstream.Options{})
	p.From("orders", &csv.Source{Path: "-", Stdio: arrowstream.Stdio{In: orders}},
		arrowstream.EventTime{Column: "ts", Delay: 10 * time.Second}).
		Via(&window.Tumbling{
			Size: time.Minute,
			By:   []string{"city"},
			Aggs: []window.Agg{{Name: "n", Func: "count"}, {Name: "total", Func: "sum", Args: amount}},
		}).
		To(&console.Sink{Layout: "table"})
	summary, err := p.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(summary.RowsIn, "rows read")
	// Output:
	// window_start         window_end           city  n  total
	// -------------------  -------------------  ----  -  -----
	// 2024-05-01 12:00:00  2024-05-01 12:01:00  Bern  2   22.5
	// 2024-05-01 12:00:00  2024-05-01 12:01:00  Oslo  1      5
	// 2024-05-01 12:01:00  2024-05-01 12:02:00  Bern  1    7.5
	// 2024-05-01 12:02:00  2024-05-01 12:03:00  Oslo  1     11
	// (4 rows)
	//
	// 5 rows read
}
