package generator_test

import (
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/generator"
)

// open is the reader of a series in batches of n rows.
func open(t *testing.T, s *generator.Series, n int) arrowstream.Replayer {
	t.Helper()
	parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnartest.Allocator(t)}, BatchRows: n})
	if err != nil {
		t.Fatal(err)
	}
	return parts[0].(arrowstream.Replayer)
}

// next are the values of the next batch, nil at the end.
func next(t *testing.T, r arrowstream.Replayer) []int64 {
	t.Helper()
	b, err := r.Read(t.Context())
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	return slices.Clone(columnar.Values[int64](b.Column(0)))
}

func TestSeries(t *testing.T) {
	const least, most = math.MinInt64, math.MaxInt64
	for _, c := range []struct {
		from, to, step int64
		want           []int64
	}{
		{1, 5, 2, []int64{1, 3, 5}},
		{1, 4, 2, []int64{1, 3}},
		{3, 1, -1, []int64{3, 2, 1}},
		{1, 0, 1, nil},
		{0, 1, -1, nil},
		{5, 5, -3, []int64{5}},
		{most - 1, most, 1, []int64{most - 1, most}},
		{least + 1, least, -1, []int64{least + 1, least}},
		{least, most, most, []int64{least, -1, most - 1}},
		{most, least, least, []int64{most, -1}},
	} {
		for _, n := range []int{1, 2, 100} {
			r := open(t, &generator.Series{From: c.from, To: c.to, Step: c.step}, n)
			var got []int64
			for b := next(t, r); b != nil; b = next(t, r) {
				if got = append(got, b...); len(b) > n {
					t.Errorf("a batch of %d rows, not %d", len(b), n)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("from %d to %d by %d: got %d, want %d", c.from, c.to, c.step, got, c.want)
			}
		}
	}
}

// TestSeriesLong reads the start of a series that nobody ends, and its end.
func TestSeriesLong(t *testing.T) {
	for _, s := range []*generator.Series{
		{From: 0, To: 1e18, Step: 1},
		{From: math.MinInt64, To: math.MaxInt64, Step: 1},
		{From: math.MaxInt64, To: math.MinInt64, Step: -1},
	} {
		r := open(t, s, 3)
		if got := next(t, r); !slices.Equal(got, []int64{s.From, s.From + s.Step, s.From + 2*s.Step}) {
			t.Errorf("got %d", got)
		}
		pos, err := r.Position()
		if err != nil {
			t.Fatal(err)
		}
		want := next(t, r)
		again := open(t, s, 3)
		if err := again.Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		if got := next(t, again); !slices.Equal(got, want) {
			t.Errorf("got %d after a seek, not %d", got, want)
		}
		if err := again.Seek(t.Context(), []byte{9}); err == nil {
			t.Error("a foreign position is taken")
		}
	}
}

func TestSeriesSchema(t *testing.T) {
	if _, err := (&generator.Series{From: 1, To: 2}).Schema(); err == nil {
		t.Error("a step of 0 is taken")
	}
	if _, err := (&generator.Series{To: 2, Step: 1, Type: arrow.BinaryTypes.String}).Schema(); err == nil {
		t.Error("a series of texts is taken")
	}
}
