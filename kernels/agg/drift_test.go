package agg_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// driftsIn are the rows at which a detector counts a drift.
func driftsIn(t *testing.T, mem memory.Allocator, fn string, vals []float64) (rows []int) {
	t.Helper()
	f, _ := agg.Find(fn)
	spec, err := f.Bind([]arrow.DataType{arrow.PrimitiveTypes.Float64}, false)
	if err != nil {
		t.Fatal(err)
	}
	acc := spec.New(mem)
	defer func() { acc.Release() }()
	before := int64(0)
	for i, x := range vals {
		b := array.NewFloat64Builder(mem)
		b.Append(x)
		b.AppendNull()
		b.Append(math.NaN())
		col := b.NewArray()
		if err := acc.Update(nil, 1, col); err != nil {
			t.Fatal(err)
		}
		b.Release()
		col.Release()
		out, err := acc.Final(nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := columnar.Values[int64](out)[0]; n > before {
			rows, before = append(rows, i), n
		}
		out.Release()
		if i%97 == 0 {
			acc = restore(t, mem, spec, acc)
		}
	}
	return rows
}

// TestDriftVectors has the drifts that River publishes in its tests.
func TestDriftVectors(t *testing.T) {
	dir := os.Getenv("ARROWSTREAM_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	data, err := os.ReadFile(filepath.Join(dir, "ml", "vectors", "drift_detectors.json"))
	if err != nil {
		t.Skipf("no data: %v", err)
	}
	var vectors struct {
		Streams map[string][]float64
		Cases   []struct {
			Detector, Stream string
			Params           map[string]any
			Drift            []int
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	names, tried := map[string]string{"ADWIN": "adwin", "PageHinkley": "page_hinkley"}, 0
	for _, c := range vectors.Cases {
		fn := names[c.Detector]
		if fn == "" || c.Params["mode"] != nil && c.Params["mode"] != "both" {
			continue
		}
		tried++
		t.Run(fmt.Sprint(fn, " ", c.Stream), func(t *testing.T) {
			if got := driftsIn(t, columnartest.Allocator(t), fn, vectors.Streams[c.Stream]); !slices.Equal(got, c.Drift) {
				t.Errorf("drifts at %v, want %v", got, c.Drift)
			}
		})
	}
	if tried < 3 {
		t.Errorf("%d cases", tried)
	}
}

// TestDriftOfMeans has a mean that changes twice, and one that does not.
func TestDriftOfMeans(t *testing.T) {
	level := func(i int) float64 { return float64(i/1000%2*3) + float64(i*7919%13)/13 }
	still := func(i int) float64 { return float64(i*7919%13) / 13 }
	for _, fn := range []string{"adwin", "page_hinkley"} {
		var moves, rests []float64
		for i := range 3000 {
			moves, rests = append(moves, level(i)), append(rests, still(i))
		}
		if got := driftsIn(t, columnartest.Allocator(t), fn, moves); len(got) != 2 || got[0] < 1000 || got[0] > 1100 || got[1] < 2000 || got[1] > 2100 {
			t.Errorf("%s: drifts at %v", fn, got)
		}
		if got := driftsIn(t, columnartest.Allocator(t), fn, rests); len(got) != 0 {
			t.Errorf("%s: drifts at %v of a mean that stays", fn, got)
		}
	}
}

// TestDriftParameters has parameters that cannot be, and states that come together.
func TestDriftParameters(t *testing.T) {
	mem := columnartest.Allocator(t)
	f64 := arrow.PrimitiveTypes.Float64
	for _, fn := range []string{"adwin", "page_hinkley"} {
		f, _ := agg.Find(fn)
		spec, err := f.Bind([]arrow.DataType{f64, f64}, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"0", "-1", "NaN", "null"} {
			acc := spec.New(mem)
			rec := columnartest.Batch(t, mem, "x:float64 p:float64\n1 "+bad)
			if err := acc.Update(nil, 1, rec.Columns()...); err == nil {
				t.Errorf("%s: parameter %s passes", fn, bad)
			}
			acc.Release()
		}
		acc := spec.New(mem)
		rec := columnartest.Batch(t, mem, "x:float64 p:float64\n1 0.5")
		if err := acc.Update(nil, 1, rec.Columns()...); err != nil {
			t.Fatal(err)
		}
		state, err := acc.State(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := acc.Merge([]uint32{0}, 1, state...); err == nil {
			t.Errorf("%s: two states are merged", fn)
		}
		for _, a := range state {
			a.Release()
		}
		acc.Release()
	}
}
