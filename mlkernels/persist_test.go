package mlkernels

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// trained is a model that has seen rows, a text of columnartest.
func trained(t testing.TB, spec Spec, rows string) *Model {
	t.Helper()
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, rows)
	m, err := NewModel(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Bind(b.Schema()); err != nil {
		t.Fatal(err)
	}
	cols, err := m.Step(mem, b, false)
	if err != nil {
		t.Fatal(err)
	}
	releaseAll(cols)
	return m
}

func TestSaveLoad(t *testing.T) {
	m := trained(t, Spec{Type: "LOGISTIC_REG", Label: "y", Options: map[string]string{"learn_rate": "0.5"}}, "x:float64 k:utf8 y:utf8\n1 a no\n2 b yes\n3 a maybe")
	path := filepath.Join(t.TempDir(), "models", "m.model")
	for range 2 { // the second time replaces the file
		if err := Save(nil, path, m); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %v, %v", names, err)
	}
	got, err := Load(nil, path)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := m.MarshalBinary()
	b, _ := got.MarshalBinary()
	if !bytes.Equal(a, b) || got.Counters() != m.Counters() {
		t.Error("the model changed on the way")
	}
	for _, c := range []struct{ schema, err string }{
		{"x:float64 k:utf8", ""},
		{"k:dict x:int16", ""},
		{"x:float64", `"k" (category) is missing`},
		{"x:utf8 k:float64", `"x" is utf8, the model wants a number; "k" is float64, the model wants a category`},
	} {
		schema, err := columnartest.Schema(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		_, err = got.NewPredictor(schema)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.schema, err, c.err)
		}
	}
	schema, _ := columnartest.Schema("x:float64 k:utf8 y:int64")
	if err := got.Bind(schema); err == nil || !strings.Contains(err.Error(), `label "y" is int64, the model learned utf8`) {
		t.Errorf("label of another type: %v", err)
	}
}

// TestSaveTransform checks that a transformation is kept, and that a model without
// one is the same file as before there were any.
func TestSaveTransform(t *testing.T) {
	for version, transform := range map[byte]string{formatVersion: "", transformVersion: "a + b AS x"} {
		m := trained(t, Spec{Type: "KMEANS", Transform: transform}, "x:float64\n1\n2\n3")
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if data[len(magic)] != 2*version {
			t.Errorf("transform %q: version byte %d", transform, data[len(magic)])
		}
		got, err := UnmarshalModel(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.Spec().Transform != transform || got.Counters() != m.Counters() {
			t.Errorf("transform %q became %q", transform, got.Spec().Transform)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	m := trained(t, Spec{Type: "KMEANS"}, "x:float64\n1\n2\n3")
	data, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(data)
	newer[len(magic)] = 2 * (transformVersion + 1) // a varint
	damaged := bytes.Clone(data)
	damaged[len(damaged)/2] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		err  string
	}{
		{"empty", nil, "not a model file"},
		{"other file", []byte("PAR1 something else"), "not a model file"},
		{"newer", newer, "format version 4, this program reads versions 2 and 3"},
		{"damaged", damaged, "checksum"},
		{"cut", data[:len(data)-9], "checksum"},
	} {
		path := filepath.Join(t.TempDir(), "m")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(nil, path)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
	_, err = Load(nil, filepath.Join(t.TempDir(), "none"))
	if e := (*arrowstream.Error)(nil); !errors.As(err, &e) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzUnmarshalModel feeds damaged models behind a right checksum.
func FuzzUnmarshalModel(f *testing.F) {
	for _, spec := range everyModel() {
		m, err := NewModel(spec)
		if err != nil {
			f.Fatal(err)
		}
		b := sampleRows(columnartest.Allocator(f), 30)
		if err := m.Bind(b.Schema()); err != nil {
			f.Fatal(err)
		}
		cols, err := m.Step(columnartest.Allocator(f), b, false)
		if err != nil {
			f.Fatal(err)
		}
		releaseAll(cols)
		b.Release()
		data, err := m.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			sum := checksum(data)
			m, err := UnmarshalModel(append(bytes.Clone(data), sum[:]...))
			if err != nil {
				return
			}
			if _, err := m.MarshalBinary(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestScalarPredictor(t *testing.T) {
	mem := columnartest.Allocator(t)
	linear := trained(t, Spec{Type: "LINEAR_REG", Label: "y", Options: map[string]string{"init_weights": "1,10", "init_intercept": "100"}}, "a:float64 b:float64 y:float64\n1 1 null")
	binary := trained(t, Spec{Type: "LOGISTIC_REG", Label: "y", Options: map[string]string{"penalty": "none"}}, "a:float64 b:float64 y:int64\n1 0 -1\n0 1 1")
	means := trained(t, Spec{Type: "KMEANS"}, "a:float64 b:float64\n0 0\n9 9")
	path := filepath.Join(t.TempDir(), "linear")
	if err := Save(nil, path, linear); err != nil {
		t.Fatal(err)
	}
	loaded, err := NewScalarPredictor(nil, path)
	if err != nil {
		t.Fatal(err)
	}
	scalar := func(m *Model) *ScalarPredictor {
		s, err := m.Scalar()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		p        *ScalarPredictor
		in, want string
		err      string
	}{
		{loaded, "v:vector[2]\n[1,2]\nnull\n[0,null]", "p:float64\n121\nnull\nnull", ""},
		{loaded, "v:list<float32>\n[1,2]\n[3,4]", "p:float64\n121\n143", ""},
		{loaded, "v:list<float64>\n[1]", "", "the model takes 2 features, row 1 has 1"},
		{loaded, "v:utf8\n\"1 2\"\n3,4\n\"7, 3, 4\"\n2:1\n\"5 1:1 2:2\"\nnull\n\"1 nan\"", "p:float64\n121\n143\n143\n110\n121\nnull\nnull", ""},
		{loaded, "v:dict\n\"1 2\"\nnull\n\"1 2\"", "p:float64\n121\nnull\n121", ""},
		{loaded, "v:utf8\n3:1", "", "index 3: the model takes features 1 to 2"},
		{loaded, "v:utf8\n\"1 x\"", "", `"x" is not a number`},
		{loaded, "v:utf8\n1:x", "", `"1:x" is not index:value`},
		{loaded, "v:utf8\n1", "", "1 numbers, the model takes 2 features"},
		{loaded, "v:int64\n1", "", "pass a VECTOR, an array of numbers or a string"},
		{scalar(binary), "v:utf8\n\"1 0\"\n\"0 1\"", "p:float64\n-1\n1", ""},
		{scalar(means), "v:utf8\n\"1 0\"\n\"8 9\"", "p:float64\n0\n1", ""},
	} {
		b := columnartest.Batch(t, mem, c.in)
		got, err := c.p.Predict(mem, b.Column(0))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.in, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		want := columnartest.Batch(t, mem, c.want)
		for i := range got.Len() {
			if got.ValueStr(i) != want.Column(0).ValueStr(i) {
				t.Errorf("%s row %d: %s, want %s", c.in, i, got.ValueStr(i), want.Column(0).ValueStr(i))
			}
		}
		got.Release()
	}
}

func FuzzParseFeatures(f *testing.F) {
	for _, s := range []string{"1 2 3", "0 1:2 3:4", "1,2,3,4", ":", "1:", "NaN 1 2", "1e999 0 0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		hostiletest.Within(t, len(line), func() {
			row := make([]float64, 3)
			if err := parseFeatures(line, row); err == nil && len(row) != 3 {
				t.Fatal(row)
			}
		})
	})
}

func TestRegistry(t *testing.T) {
	for _, c := range []struct {
		modelType string
		options   map[string]string
		err       string
	}{
		{"logistic_reg", map[string]string{"stepSize": "0.5", "L2_REG": "0.1"}, ""},
		{"LINEAR_REG", map[string]string{"learning_rate": "0.5"}, ""},
		{"LINEAR_REG", map[string]string{"learning_rate": "invscaling"}, ""},
		{"LOGISTIC_REG", map[string]string{"alpha": "0.1"}, "l2_reg"},
		{"KMEANS", map[string]string{"alpha": "0.1"}, "decay_factor"},
		{"LOGISTIC_REG", map[string]string{"lern_rate": "0.1"}, `did you mean "learn_rate"`},
		{"LOGISTIC_REGR", nil, `did you mean "LOGISTIC_REG"`},
		{"LINEAR_REG", map[string]string{"loss": "hinge"}, "squared_error"},
		{"LINEAR_REG", map[string]string{"loss": "hubber"}, `did you mean "huber"`},
		{"LINEAR_REG", map[string]string{"update_mode": "per_rows"}, `did you mean "per_row"`},
		{"LINEAR_REG", map[string]string{"learn_rate": "-1"}, "out of range"},
		{"LINEAR_REG", map[string]string{"compat": "l1_reset_per_call"}, "batch_rows"},
		{"LINEAR_REG", map[string]string{"learn_rate": "1", "learning_rate": "2"}, "given twice"},
		{"KMEANS", map[string]string{"time_unit": "batches"}, "full_batch"},
		{"KMEANS", map[string]string{"k": "3", "init_centers": "1,2"}, "2 numbers for 3 clusters"},
		{"KMEANS", map[string]string{"k": "0"}, "out of range"},
		{"PERCEPTRON", nil, ""},
	} {
		_, err := New(c.modelType, c.options)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s %v: %v, want %q", c.modelType, c.options, err, c.err)
		}
	}
	spec, err := ParseSpec(map[string]string{"MODEL_TYPE": "kmeans", "features": "a, b", "k": "3", "nan_policy": "ZERO"})
	if err != nil || spec.Type != "KMEANS" || len(spec.Features) != 2 || spec.Options["k"] != "3" || spec.Policy != Zero {
		t.Errorf("%+v, %v", spec, err)
	}
	if _, err := ParseSpec(map[string]string{"model_type": "kmeans", "nan_polcy": "zero"}); err == nil || !strings.Contains(err.Error(), "nan_policy") {
		t.Errorf("unknown option: %v", err)
	}
	if _, err := ParseSpec(nil); err == nil {
		t.Error("no model type: no error")
	}
	for _, typ := range Types() {
		if names, err := OptionNames(typ.Name); err != nil || len(names) < 10 {
			t.Errorf("%s: %v, %v", typ.Name, names, err)
		}
	}
}
