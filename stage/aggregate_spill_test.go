package stage_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// everyAggregate is each function over arguments it takes, with DISTINCT too
// where it may.
func everyAggregate(t *testing.T, in *arrow.Schema) (aggs []stage.Agg) {
	half := lit(0.5)
	var took int
	for _, f := range agg.Names() {
		found := false
		for _, args := range [][]expr.Expr{
			{}, {col("x")}, {col("n")}, {col("t")}, {col("c")}, {col("ok")}, {call("add", col("x"), col("n"))}, {col("x"), half}, {col("x"), col("n")}, {col("t"), col("x")}, {col("ok"), col("ok")}, {half, col("ok")},
		} {
			for _, distinct := range []bool{false, true} {
				if constant := strings.HasPrefix(f, "percentile") || slices.Contains([]string{"listagg", "approx_top_k", "adwin", "page_hinkley"}, f); constant && len(args) == 2 && args[1] != half {
					continue // the fraction, the separator and the like are constants
				}
				a := stage.Agg{Name: fmt.Sprintf("%s_%d", f, took), Func: f, Args: args, Distinct: distinct}
				probe := &stage.Aggregate{Aggs: []stage.Agg{a}}
				if _, err := probe.Bind(in, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					continue
				}
				probe.Close()
				found = true
				took++
				aggs = append(aggs, a)
			}
		}
		if !found {
			t.Fatalf("no arguments for %s", f)
		}
	}
	return append(aggs, stage.Agg{Name: "filtered", Func: "sum", Args: []expr.Expr{col("x")}, Filter: call("gt", col("n"), lit(int64(3)))})
}

var spillSchema = arrow.NewSchema([]arrow.Field{
	{Name: "i", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "d", Type: columnar.Dict, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "t", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "c", Type: columnar.Dict, Nullable: true},
	{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
}, nil)

// spillRows are batches of rows with so many keys; a fifth of them is of one key.
func spillRows(t *testing.T, batches, rows, keys int) (out []arrow.Record) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(7, uint64(keys)))
	floats := []float64{math.NaN(), 0, math.Copysign(0, -1), math.Inf(1), 1e300}
	for range batches {
		rb := array.NewRecordBuilder(mem, spillSchema)
		for range rows {
			k := r.IntN(keys)
			if r.IntN(5) == 0 {
				k = 3
			}
			null := func(c int) bool {
				if r.IntN(50) == 0 {
					rb.Field(c).AppendNull()
					return true
				}
				return false
			}
			if !null(0) {
				rb.Field(0).(*array.Int64Builder).Append(int64(k) * 1_000_003)
			}
			if !null(1) {
				rb.Field(1).(*array.StringBuilder).Append(strings.Repeat("k", k%17) + fmt.Sprint(k))
			}
			if !null(2) {
				_ = rb.Field(2).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("d", k))
			}
			if !null(3) {
				f := float64(k) / 7
				if r.IntN(20) == 0 {
					f = floats[r.IntN(len(floats))]
				}
				rb.Field(3).(*array.Float64Builder).Append(f)
			}
			if !null(4) {
				rb.Field(4).(*array.Float64Builder).Append(r.NormFloat64() * math.Pow(10, float64(r.IntN(20))))
			}
			if !null(5) {
				rb.Field(5).(*array.Int64Builder).Append(r.Int64N(10))
			}
			if !null(6) {
				rb.Field(6).(*array.StringBuilder).Append(fmt.Sprint("text ", r.IntN(1000)))
			}
			if !null(7) {
				_ = rb.Field(7).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("c", r.IntN(40)))
			}
			if !null(8) {
				rb.Field(8).(*array.BooleanBuilder).Append(r.IntN(2) == 0)
			}
		}
		out = append(out, rb.NewRecord())
		rb.Release()
	}
	t.Cleanup(func() {
		for _, b := range out {
			b.Release()
		}
	})
	return out
}

// play runs batches through a and returns its rows and what it spilled.
func play(t *testing.T, a *stage.Aggregate, s *arrowstream.Spill, batches []arrow.Record) (rows string, spilled int64, err error) {
	mem := columnartest.Allocator(t)
	a = a.Clone().(*stage.Aggregate)
	if _, err := a.Bind(spillSchema, arrowstream.Env{Allocator: mem, Spill: s}); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var text strings.Builder
	emit := func(b arrowstream.Batch, _ ...int) error {
		for _, row := range columnartest.Rows(b) {
			text.WriteString(row + "\n")
		}
		return nil
	}
	for _, b := range batches {
		if err := a.Process(t.Context(), b, emit); err != nil {
			return "", 0, err
		}
	}
	_, err = a.Advance(t.Context(), arrowstream.Watermark{Event: arrowstream.EndOfTime, Clock: arrowstream.EndOfTime}, emit)
	return text.String(), a.Counts().Spilled, err
}

// TestAggregateSpills compares what comes out of little memory and a folder with
// what comes out of much memory: every aggregate, every kind of key, and shares
// from a few parts in the file up to parts that are divided three times.
func TestAggregateSpills(t *testing.T) {
	const many = 1000
	some := []stage.Agg{{Name: "rows", Func: "count"}, {Name: "total", Func: "sum", Args: []expr.Expr{col("x")}}, {Name: "last", Func: "last", Args: []expr.Expr{col("t")}}}
	all := everyAggregate(t, spillSchema)
	for name, c := range map[string]struct {
		agg    stage.Aggregate
		keys   int
		limits []int64 // of which a quarter is the share
	}{
		"number":          {stage.Aggregate{By: []string{"i"}, Aggs: some}, many, []int64{1 << 18, 1 << 17, 1 << 13}},
		"text":            {stage.Aggregate{By: []string{"s"}, Aggs: some}, many, []int64{1 << 17}},
		"dictionary":      {stage.Aggregate{By: []string{"d"}, Aggs: some}, many, []int64{1 << 17}},
		"float":           {stage.Aggregate{By: []string{"f"}, Aggs: some}, many, []int64{1 << 17}},
		"several":         {stage.Aggregate{By: []string{"s", "ok", "d"}, Aggs: some}, many, []int64{1 << 17}},
		"keys only":       {stage.Aggregate{By: []string{"i", "s"}}, many, []int64{1 << 16}},
		"having":          {stage.Aggregate{By: []string{"i"}, Aggs: some, Having: call("gt", col("rows"), lit(int64(6)))}, many, []int64{1 << 17}},
		"nothing passes":  {stage.Aggregate{By: []string{"i"}, Aggs: some, Having: call("lt", col("rows"), lit(int64(0)))}, many, []int64{1 << 17}},
		"all of few keys": {stage.Aggregate{By: []string{"i"}, Aggs: all}, 50, []int64{1 << 22}},
		"all of keys":     {stage.Aggregate{By: []string{"d"}, Aggs: all}, 200, []int64{4 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			rows := 400
			if len(c.agg.Aggs) > 100 {
				if testing.Short() {
					t.Skip("half a minute, and several with the race detector")
				}
				rows = 100
			}
			batches := spillRows(t, 10, rows, c.keys)
			want, _, err := play(t, &c.agg, nil, batches)
			if err != nil {
				t.Fatal(err)
			}
			for _, limit := range c.limits {
				dir := t.TempDir()
				got, spilled, err := play(t, &c.agg, arrowstream.NewSpill(dir, limit, nil), batches)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("limit %d: spilled %d bytes", limit, spilled)
				if spilled == 0 {
					t.Errorf("limit %d: nothing was spilled", limit)
				}
				if got != want {
					t.Errorf("limit %d: %s", limit, columnartest.Diff(got, want))
				}
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("limit %d: files are left: %v %v", limit, left, err)
				}
			}
		})
	}
}

func TestAggregateSpillsNothing(t *testing.T) {
	a := &stage.Aggregate{By: []string{"i"}, Aggs: []stage.Agg{{Func: "count"}}}
	missing := arrowstream.NewSpill("/nowhere/spill", 1<<30, nil)
	if got, spilled, err := play(t, a, missing, nil); got != "" || spilled != 0 || err != nil {
		t.Errorf("no input: %q, %d bytes, %v", got, spilled, err)
	}
	if _, spilled, err := play(t, a, missing, spillRows(t, 3, 100, 100)); spilled != 0 || err != nil {
		t.Errorf("with room: %d bytes, %v", spilled, err)
	}
	for name, a := range map[string]*stage.Aggregate{
		"without keys": {Aggs: []stage.Agg{{Func: "count"}}}, "changelog": {By: []string{"i"}, Aggs: []stage.Agg{{Func: "count"}}, Updates: true},
	} {
		if _, err := a.Bind(spillSchema, arrowstream.Env{Allocator: columnar.Pool, Spill: missing}); err != nil || a.Spills() {
			t.Errorf("%s: spills %v, %v", name, a.Spills(), err)
		}
		a.Close()
	}
}

func TestAggregateSpillErrors(t *testing.T) {
	a := &stage.Aggregate{By: []string{"i"}, Aggs: []stage.Agg{{Func: "array_agg", Args: []expr.Expr{col("t")}}}}
	rows := spillRows(t, 20, 1000, 3000)
	_, _, err := play(t, a, arrowstream.NewSpill("/nowhere/spill", 1<<16, nil), rows)
	if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "spill: open /nowhere/spill/") {
		t.Errorf("missing folder: %v", err)
	}
	walls, err := arrowstream.Restrict([]string{t.TempDir()}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := play(t, a, arrowstream.NewSpill(t.TempDir(), 1<<16, walls), rows); arrowstream.Refused(err) == nil {
		t.Errorf("restricted: %v", err)
	}
}
