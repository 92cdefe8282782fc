package mlkernels

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// everyModel are descriptions that together use every part of the state.
func everyModel() map[string]Spec {
	o := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	num := []string{"a", "b"}
	return map[string]Spec{
		"linear":               {Type: "LINEAR_REG", Label: "y", Features: num},
		"linear huber l1":      {Type: "LINEAR_REG", Label: "y", Features: num, Options: o("loss", "huber", "penalty", "elasticnet", "l2_reg", "0.01", "learn_rate_strategy", "invscaling")},
		"linear wide":          {Type: "LINEAR_REG", Label: "y", Features: []string{"v", "a"}, Weight: "w", Options: o("learn_rate", "0.001")},
		"linear list":          {Type: "LINEAR_REG", Label: "y", Features: []string{"l"}, Policy: Zero, Options: o("standardize", "true")},
		"logistic":             {Type: "LOGISTIC_REG", Label: "c", Features: num, Weight: "w", Options: o("learn_rate_strategy", "optimal")},
		"logistic average":     {Type: "LOGISTIC_REG", Label: "c", Features: num, Options: o("average", "10", "l1_reg", "0.001")},
		"logistic scaled":      {Type: "LOGISTIC_REG", Label: "c", Features: num, Policy: Impute, Options: o("standardize_features", "true")},
		"logistic mini batch":  {Type: "LOGISTIC_REG", Label: "c", Features: []string{"a", "k"}, Options: o("update_mode", "mini_batch", "batch_rows", "7")},
		"logistic full batch":  {Type: "LOGISTIC_REG", Label: "c", Features: []string{"a", "k"}, Options: o("update_mode", "full_batch", "batch_rows", "19", "l2_reg", "0.1", "num_iterations", "5")},
		"one hot":              {Type: "LOGISTIC_REG", Label: "c", Features: []string{"k", "a"}, MaxCategories: 3, Options: o("l2_reg", "0.3", "learn_rate", "0.9", "l1_reg", "0.001")},
		"hash":                 {Type: "LOGISTIC_REG", Label: "c", Features: []string{"k", "a"}, Encoding: "hash", HashBuckets: 64, Seed: 7},
		"classes appear":       {Type: "LOGISTIC_REG", Label: "k", Features: num},
		"classes appear svm":   {Type: "LINEAR_SVM", Label: "k", Features: num, Options: o("update_mode", "mini_batch")},
		"sklearn quirks":       {Type: "LOGISTIC_REG", Label: "c", Features: num, Options: o("compat", "l1_reset_per_call,average_stale_intercept", "batch_rows", "16", "penalty", "l1", "l1_reg", "0.001", "average", "20")},
		"k-means":              {Type: "KMEANS", Features: num, Policy: Zero, Options: o("k", "5", "decay_factor", "0.99")},
		"k-means++":            {Type: "KMEANS", Features: num, Seed: 3, Options: o("k", "4", "init", "kmeans++", "init_rows", "20", "update_mode", "full_batch", "batch_rows", "13", "half_life", "3")},
		"k-means scaled":       {Type: "KMEANS", Features: num, Options: o("k", "3", "standardize_features", "true")},
		"k-means random wide":  {Type: "KMEANS", Features: []string{"v"}, Options: o("k", "9", "init", "random", "init_weights", "1", "seed", "11")},
		"k-means never enough": {Type: "KMEANS", Features: []string{"one"}, Options: o("k", "2")},
	}
}

// sampleRows is a batch with every kind of column, with NULLs and NaNs.
func sampleRows(mem memory.Allocator, n int) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "b", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "v", Type: columnar.Vector(20), Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "k", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "c", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "w", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "one", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(mem, schema)
	defer b.Release()
	g := rand.New(rand.NewPCG(5, 6))
	null := func(f array.Builder, add func()) {
		if g.IntN(15) == 0 {
			f.AppendNull()
		} else {
			add()
		}
	}
	for i := range n {
		x := g.NormFloat64()
		f := b.Fields()
		null(f[0], func() {
			if g.IntN(20) == 0 {
				x = math.NaN()
			}
			f[0].(*array.Float64Builder).Append(x)
		})
		null(f[1], func() { f[1].(*array.Int32Builder).Append(int32(g.IntN(9)) - 4) })
		null(f[2], func() {
			f[2].(*array.FixedSizeListBuilder).Append(true)
			for range 20 {
				f[2].(*array.FixedSizeListBuilder).ValueBuilder().(*array.Float64Builder).Append(g.NormFloat64())
			}
		})
		if i < 3 {
			f[3].AppendNull()
		} else {
			null(f[3], func() {
				f[3].(*array.ListBuilder).Append(true)
				for range 3 {
					f[3].(*array.ListBuilder).ValueBuilder().(*array.Float32Builder).Append(g.Float32())
				}
			})
		}
		null(f[4], func() { f[4].(*array.StringBuilder).Append([]string{"red", "blue", "green", "grün", ""}[g.IntN(5)]) })
		null(f[5], func() { f[5].(*array.Float64Builder).Append(2*x + 0.1*g.NormFloat64()) })
		null(f[6], func() { f[6].(*array.BooleanBuilder).Append(x+0.3*g.NormFloat64() > 0) })
		null(f[7], func() { f[7].(*array.Float64Builder).Append(float64(g.IntN(4)) / 2) })
		f[8].(*array.Int64Builder).Append(1)
	}
	return b.NewRecord()
}

// play feeds b in pieces of the given size and returns the predictions as text
// and the state. at is the row after which the model is saved and loaded.
func play(t *testing.T, mem memory.Allocator, spec Spec, b arrow.Record, size int, at int) (string, []byte) {
	t.Helper()
	m, err := NewModel(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Bind(b.Schema()); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	for from := int64(0); from < b.NumRows(); {
		to := min(from+int64(size), b.NumRows())
		if from < int64(at) {
			to = min(to, int64(at))
		}
		piece := b.NewSlice(from, to)
		cols, err := m.Step(mem, piece, true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(piece.NumRows()) {
			for _, c := range cols {
				fmt.Fprintf(&text, "%s ", c.ValueStr(i))
			}
			text.WriteByte('\n')
		}
		releaseAll(cols)
		piece.Release()
		if from = to; from == int64(at) {
			data, err := m.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if m, err = UnmarshalModel(data); err != nil {
				t.Fatal(err)
			}
			if err := m.Bind(b.Schema()); err != nil {
				t.Fatal(err)
			}
		}
	}
	state, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return text.String(), state
}

func TestBatchCutsAndRestore(t *testing.T) {
	const n = 300
	mem := columnartest.Allocator(t)
	b := sampleRows(mem, n)
	defer b.Release()
	dict := dictionaryRows(mem, b)
	defer dict.Release()
	padded := sampleRows(mem, n)
	defer padded.Release()
	for name, spec := range everyModel() {
		t.Run(name, func(t *testing.T) {
			want, state := play(t, mem, spec, b, n, -1)
			check := func(what string, got string, gotState []byte) {
				t.Helper()
				if got != want {
					t.Fatalf("%s: other predictions\n%s", what, firstDifference(got, want))
				}
				if !bytes.Equal(gotState, state) {
					t.Fatalf("%s: other state", what)
				}
			}
			for _, size := range []int{1, 2, 7, 64} {
				got, gotState := play(t, mem, spec, b, size, -1)
				check(fmt.Sprintf("batches of %d", size), got, gotState)
			}
			for _, at := range []int{1, 5, 33, 150, 299} {
				got, gotState := play(t, mem, spec, b, 50, at)
				check(fmt.Sprintf("restored after %d", at), got, gotState)
			}
			got, gotState := play(t, mem, spec, dict, 40, 77)
			check("dictionary", got, gotState)
		})
	}
}

func firstDifference(got, want string) string {
	g, w := bytes.Split([]byte(got), []byte("\n")), bytes.Split([]byte(want), []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("row %d: got %s, want %s", i, g[i], w[i])
		}
	}
	return "other number of rows"
}

// dictionaryRows is b with its string column dictionary-encoded.
func dictionaryRows(mem memory.Allocator, b arrow.Record) arrow.Record {
	cols := append([]arrow.Array{}, b.Columns()...)
	fields := append([]arrow.Field{}, b.Schema().Fields()...)
	for i, c := range cols {
		s, ok := c.(*array.String)
		if !ok {
			continue
		}
		db := array.NewDictionaryBuilder(mem, columnar.Dict).(*array.BinaryDictionaryBuilder)
		defer db.Release()
		for r := range s.Len() {
			if s.IsNull(r) {
				db.AppendNull()
			} else if err := db.AppendString(s.Value(r)); err != nil {
				panic(err)
			}
		}
		cols[i] = db.NewArray()
		defer cols[i].Release()
		fields[i].Type = columnar.Dict
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, b.NumRows())
}

// TestPredictorAgrees: after learning, Predictor gives the bits that Step gives
// for a row without label.
func TestPredictorAgrees(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := sampleRows(mem, 200)
	defer b.Release()
	for name, spec := range everyModel() {
		t.Run(name, func(t *testing.T) {
			m, err := NewModel(spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Bind(b.Schema()); err != nil {
				t.Fatal(err)
			}
			cols, err := m.Step(mem, b, true)
			if err != nil {
				t.Fatal(err)
			}
			releaseAll(cols)
			p, err := m.NewPredictor(b.Schema())
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Predict(mem, b, true)
			if err != nil {
				t.Fatal(err)
			}
			defer releaseAll(got)
			frozen, err := m.Publish()
			if err != nil {
				t.Fatal(err)
			}
			for i := range int(b.NumRows()) {
				piece := b.NewSlice(int64(i), int64(i+1))
				one, err := frozen.Publish()
				if err != nil {
					t.Fatal(err)
				}
				if err := one.Bind(b.Schema()); err != nil {
					t.Fatal(err)
				}
				if one.enc.policy == Impute {
					one.enc.frozen = true
				}
				want, err := one.Step(mem, piece, true)
				if err != nil {
					t.Fatal(err)
				}
				for k := range want {
					if want[k].ValueStr(0) != got[k].ValueStr(i) {
						t.Fatalf("row %d: Predictor gives %s, Step %s", i, got[k].ValueStr(i), want[k].ValueStr(0))
					}
				}
				releaseAll(want)
				piece.Release()
			}
		})
	}
}
