package libsvm

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestRead(t *testing.T) {
	text := "# points\n1 1:0.5 3:2\r\n\n-1 2:1e-3 # two\n+0\n1.5   1:1  2:2  3:-3"
	want := "label:float64! features:vector[3]!\n1 [0.5,0,2]\n-1 [0,0.001,0]\n0 [0,0,0]\n1.5 [1,2,-3]\n"
	for _, batch := range []int{1, 3, 100} {
		if got := iotest.MustRead(t, &Source{Path: iotest.File(t, "x.libsvm", text)}, batch); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	path := iotest.File(t, "x.libsvm", text)
	iotest.Replay(t, func() arrowstream.Source { return &Source{Path: path, Features: 5} })
}

func TestErrors(t *testing.T) {
	for _, bad := range []string{"x 1:1", "1 0:1", "1 2:1 1:1", "1 1:1 1:2", "1 1", "1 a:1", "1 1:x", "1 9:1", "1 1:nan"} {
		s := &Source{Path: iotest.File(t, "x.libsvm", "1 1:1\n"+bad+"\n2 1:1\n"), Features: 3}
		_, err := iotest.Read(t, s, 10)
		var data *arrowstream.DataError
		if !errors.As(err, &data) || data.Where != "line 2" {
			t.Errorf("%q: %v", bad, err)
		}
		s.OnBadRow = arrowstream.SkipBadRow
		if got := iotest.MustRead(t, s, 10); strings.Count(got, "\n") != 3 {
			t.Errorf("%q: skip gives\n%s", bad, got)
		}
	}
	for _, s := range []*Source{{Path: "-"}, {Path: "/no/such"}, {Path: iotest.File(t, "x.libsvm", ""), Features: -1}} {
		if _, err := s.Schema(); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func TestSparkFiles(t *testing.T) {
	for name, want := range map[string][2]int{
		"sample_libsvm_data.txt": {100, 692}, "iris_libsvm.txt": {150, 4}, "sample_linear_regression_data.txt": {501, 10},
		"sample_kmeans_data.txt": {6, 3}, "sample_isotonic_regression_libsvm_data.txt": {100, 1}, "sample_lda_libsvm_data.txt": {12, 11},
	} {
		s := &Source{Path: hostiletest.Data(t, "ml", "spark", name)}
		parts, err := s.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 64))
		if err != nil {
			t.Fatal(err)
		}
		rows, size := 0, 0
		err = iotest.Each(t.Context(), parts[0], func(b arrowstream.Batch) {
			rows += int(b.NumRows())
			v := b.Column(1).(*array.FixedSizeList)
			size = int(v.DataType().(*arrow.FixedSizeListType).Len())
			if got := len(columnar.Values[float64](v.ListValues())); got != size*int(b.NumRows()) {
				t.Errorf("%s: %d values", name, got)
			}
		})
		if err = errors.Join(err, parts[0].Close()); err != nil {
			t.Fatal(err)
		}
		if rows != want[0] || size != want[1] {
			t.Errorf("%s: %d rows of %d features, want %v", name, rows, size, want)
		}
	}
}

func TestDeclared(t *testing.T) {
	open := func(columns string, options map[string]string) (*Source, error) {
		s, err := Connector.Source(arrowstream.Table{Options: options, Schema: iotest.Schema(t, columns)})
		return s.(*Source), err
	}
	path := iotest.File(t, "x.libsvm", "1 1:2\n")
	s, err := open("label:float64 features:vector[3]", map[string]string{"path": path})
	if err != nil {
		t.Fatal(err)
	}
	if got := iotest.MustRead(t, s, 10); !strings.HasSuffix(got, "1 [2,0,0]\n") {
		t.Error(got)
	}
	if s, err = open("label:float64 features:list<float64>", map[string]string{"path": path, "features": "2"}); err != nil || s.Features != 2 {
		t.Error(s, err)
	}
	for _, bad := range []string{"label:utf8 features:vector[3]", "features:vector[3]", "label:float64 features:utf8", "label:float64 features:vector[4]"} {
		if _, err := open(bad, map[string]string{"path": path, "features": "3"}); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
