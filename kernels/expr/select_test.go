package expr_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// TestSelectAgreesWithEval checks that the rows a condition selects are those
// where the column of its truth values is TRUE, for random trees of AND, OR and
// NOT over comparisons, NULLs and constants.
func TestSelectAgreesWithEval(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString("x:int64 y:float64 b:bool\n")
	for range 200 {
		cell := func(v any) any {
			if r.IntN(4) == 0 {
				return "null"
			}
			return v
		}
		fmt.Fprintln(&text, cell(r.IntN(3)), cell(r.IntN(3)), cell(r.IntN(2) == 0))
	}
	in := columnartest.Batch(t, mem, text.String())
	var tree func(depth int) expr.Expr
	tree = func(depth int) expr.Expr {
		if depth == 0 {
			leaves := []expr.Expr{
				call("lt", col("x"), lit(int64(1))), call("eq", col("y"), lit(1.0)), call("le", col("x"), col("y")), col("b"),
				call("is_null", col("x")), lit(true), lit(false), lit(nil),
				call("gt", call("div", lit(int64(6)), col("x")), lit(int64(2))), // fails where x is 0
			}
			return leaves[r.IntN(len(leaves))]
		}
		switch r.IntN(5) {
		case 0:
			return call("not", tree(depth-1))
		case 1, 2:
			return call("or", tree(depth-1), tree(depth-1))
		}
		return call("and", tree(depth-1), tree(depth-1), tree(r.IntN(depth)))
	}
	for range 500 {
		e := tree(1 + r.IntN(3))
		bound, err := expr.Bind(e, in.Schema())
		if err != nil {
			t.Fatalf("%s: %v", expr.String(e), err)
		}
		if id := bound.Type().ID(); id != arrow.BOOL {
			continue
		}
		for _, from := range []int64{0, 3, 200} {
			part := in.NewSlice(from, 200)
			want, wantErr := bound.Eval(mem, part)
			got, err := bound.Select(mem, part)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("%s: Select %v, Eval %v", expr.String(e), err, wantErr)
			}
			for i := range int(part.NumRows()) {
				if err == nil {
					b := want.(*array.Boolean)
					if got.Get(i) != (b.IsValid(i) && b.Value(i)) {
						t.Fatalf("%s: row %d is selected: %t", expr.String(e), i, got.Get(i))
					}
				}
			}
			if want != nil {
				want.Release()
			}
			part.Release()
		}
	}
}
