package arrowstream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/io/generator"
	"github.com/arrowstream/arrowstream/io/parquet"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/window"
)

// clicks learns from a stream of clicks online. Every row is scored before it
// is learned. It prints the accuracy per label for every five seconds of event
// time and writes the scored rows to Parquet. The true weights change after
// ten seconds.
func clicks(ctx context.Context, dir string) error {
	features := []string{"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12"}
	ctr := mlkernels.Spec{Type: "LOGISTIC_REG", Label: "label", Features: features}
	segments := mlkernels.Spec{Type: "KMEANS", Features: features, Options: map[string]string{"num_clusters": "8"}}
	accuracy := []window.Agg{
		{Name: "rows", Func: "count"},
		{Name: "accuracy", Func: "accuracy", Args: expr.Cols("predicted_label", "label")},
	}

	p := arrowstream.New(arrowstream.Options{})
	scored := p.From("clicks", &generator.Clicks{Rows: 20_000, Interval: time.Millisecond},
		arrowstream.EventTime{Delay: 2 * time.Second}).
		Via(&mlkernels.Prequential{Spec: ctr}).
		Via(&mlkernels.Prequential{Spec: segments})
	scored.To(&parquet.Sink{Path: dir})
	scored.Via(&window.Tumbling{Size: 5 * time.Second, By: []string{"label"}, Aggs: accuracy}).
		To(&console.Sink{Layout: "csv"})
	_, err := p.Run(ctx)
	return err
}

func Example() {
	dir, err := os.MkdirTemp("", "scored")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := clicks(context.Background(), dir); err != nil {
		fmt.Println(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	fmt.Println(len(files), "file of scored rows", err)
	// Output:
	// window_start,window_end,label,rows,accuracy
	// 2024-01-01 00:00:00,2024-01-01 00:00:05,0,2366,0.8388605442176871
	// 2024-01-01 00:00:00,2024-01-01 00:00:05,1,2776,0.8992753623188405
	// 2024-01-01 00:00:05,2024-01-01 00:00:10,0,2331,0.8823782852218871
	// 2024-01-01 00:00:05,2024-01-01 00:00:10,1,2643,0.8985947588302317
	// 2024-01-01 00:00:10,2024-01-01 00:00:15,0,2306,0.820479302832244
	// 2024-01-01 00:00:10,2024-01-01 00:00:15,1,2698,0.862184249628529
	// 2024-01-01 00:00:15,2024-01-01 00:00:20,0,2583,0.8989506412747765
	// 2024-01-01 00:00:15,2024-01-01 00:00:20,1,2297,0.8696982947092261
	// 1 file of scored rows <nil>
}
