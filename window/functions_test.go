package window_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

// TestFunctions runs every aggregate function in windows of panes and in
// sessions: cuts, restarts and instances must not change a bit. The forms of a
// function beyond the first take turns in the kinds of windows.
func TestFunctions(t *testing.T) {
	in := []stagetest.Step{
		stagetest.Rows("1 a 0.1 1 true x\n2 a 0.7 2 false y\n2 b NaN 3 true z\n3 a -0 4 null x\n9 a 1e16 5 true y"), stagetest.Advance(1 * second),
		stagetest.Rows("4 a 1 6 false y\n5 b null 7 true null\n6 a -1e16 8 null w\n7 null 0.3 9 true y"), stagetest.Advance(5 * second),
		stagetest.Rows("8 a 0.3 -10 true a\n8 b -Inf 11 false b\n9 a 0.2 null true b\n12 a 5 12 true c"), stagetest.End(),
	}
	lists := [][]string{{}, {"x"}, {"i"}, {"b"}, {"s"}, {"x", "i"}, {"s", "x"}, {"x", "x"}, {"x", "half"}, {"s", "sep"}}
	types := map[string]arrow.DataType{
		"x": arrow.PrimitiveTypes.Float64, "i": arrow.PrimitiveTypes.Int64, "b": arrow.FixedWidthTypes.Boolean, "s": arrow.BinaryTypes.String,
		"half": arrow.PrimitiveTypes.Float64, "sep": arrow.BinaryTypes.String,
	}
	exprs := map[string]expr.Expr{"half": expr.Lit{Value: 0.5}, "sep": expr.Lit{Value: ", "}}
	for _, name := range []string{"x", "i", "b", "s"} {
		exprs[name] = col(name)
	}
	tried := 0
	for _, name := range agg.Names() {
		f, _ := agg.Find(name)
		first := true
		for _, list := range lists {
			var args []expr.Expr
			var ts []arrow.DataType
			title := name
			for _, a := range list {
				args, ts, title = append(args, exprs[a]), append(ts, types[a]), title+"-"+a
			}
			spec, err := f.Bind(ts, false)
			constant := strings.HasPrefix(name, "percentile") || len(list) > 1 && slices.Contains([]string{"listagg", "approx_top_k", "adwin", "page_hinkley"}, name) // take a fraction, a separator, a number
			if err != nil || constant && !slices.Contains(list, "half") && !slices.Contains(list, "sep") {
				continue
			}
			turn, all := tried, first
			tried, first = tried+1, false
			aggs := []window.Agg{{Name: "r", Func: name, Args: args}}
			if len(args) > 0 {
				aggs = append(aggs, window.Agg{Name: "kept", Func: name, Args: args, Filter: col("b")})
			}
			t.Run(title, func(t *testing.T) {
				const schema = "ts:timestamp[s]@ k:utf8 x:float64 i:int64 b:bool s:utf8"
				kinds := []func() arrowstream.Stage{func() arrowstream.Stage {
					return &window.Tumbling{Size: 5 * time.Second, By: []string{"k"}, Aggs: aggs, Updates: true}
				}}
				if spec.Merge {
					kinds = append(kinds, func() arrowstream.Stage {
						return &window.Hopping{Size: 5 * time.Second, Slide: 2 * time.Second, By: []string{"k"}, Aggs: aggs}
					}, func() arrowstream.Stage {
						return &window.Session{Gap: 2 * time.Second, By: []string{"k"}, Aggs: aggs, Lateness: 3 * time.Second}
					})
				}
				for i, create := range kinds {
					if all || i == turn%len(kinds) {
						t.Run(fmt.Sprintf("%T", create()), func(t *testing.T) {
							stagetest.Run(t, stagetest.Case{New: create, Schema: schema, In: in, Want: "any"})
						})
					}
				}
			})
		}
	}
	if tried < len(agg.Names()) {
		t.Errorf("only %d forms of %d functions were tried", tried, len(agg.Names()))
	}
}
