package generator

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestClicksLogistic(t *testing.T) {
	for z := -45.0; z < 45; z += 0.0173 {
		want := 1 / (1 + math.Exp(-z))
		if got := logistic(z); math.Abs(got-want) > 2e-14*max(want, 1e-17) && math.Abs(got-want) > 1e-17 {
			t.Fatalf("logistic(%v) = %v, want %v", z, got, want)
		}
	}
}

func TestPow10(t *testing.T) {
	for y := 0.0; y <= 6; y += 0.000917 {
		want := math.Pow(10, y)
		if got := pow10(y); math.Abs(got-want) > 5e-16*want {
			t.Fatalf("pow10(%v) = %v, want %v", y, got, want)
		}
	}
}

// The data are what the documentation says: the figures of the best model, of
// the best model of the other half, and of repeating the last label.
func TestClicksDifficulty(t *testing.T) {
	const rows = 400_000
	k := &clicker{seed: 1, interval: 300_000, outOfOrder: 2e6, driftAt: rows / 2, users: 1e4, run: -1}
	var c click
	var best, stale, repeat, ones, late, maxTS, nulls float64
	var mean, square float64
	last := int64(0)
	for i := range int64(rows) {
		k.row(i, &c)
		dot := func(w *[features]float64) int64 {
			z := 0.0
			for j, x := range c.f {
				z += w[j] * x
			}
			if z > 0 {
				return 1
			}
			return 0
		}
		half := 0
		if i >= rows/2 {
			half = 1
		}
		hit := func(v int64) float64 {
			if v == c.label {
				return 1
			}
			return 0
		}
		best += hit(dot(&weights[half]))
		stale += hit(dot(&weights[1-half]))
		repeat += hit(last)
		ones += float64(c.label)
		last = c.label
		mean += c.f[3]
		square += c.f[3] * c.f[3]
		if float64(c.micros) < maxTS {
			late++
			if maxTS-float64(c.micros) > 2e6 {
				t.Fatalf("row %d is %v µs late", i, maxTS-float64(c.micros))
			}
		}
		maxTS = max(maxTS, float64(c.micros))
		if c.null >= 0 {
			nulls++
		}
	}
	t.Logf("best %.4f stale %.4f repeat %.4f ones %.4f late %.4f nulls %.5f mean %.4f var %.4f", best/rows, stale/rows, repeat/rows, ones/rows, late/rows, nulls/rows, mean/rows, square/rows)
	for name, c := range map[string][3]float64{
		"best": {best / rows, 0.86, 0.90}, "stale": {stale / rows, 0.48, 0.52}, "repeat": {repeat / rows, 0.55, 0.62}, "ones": {ones / rows, 0.48, 0.52},
		"late": {late / rows, 0.10, 0.13}, "nulls": {nulls / rows, 0.003, 0.005}, "variance": {square / rows, 0.95, 1.05}, "mean": {mean / rows, -0.05, 0.05},
	} {
		if c[0] < c[1] || c[0] > c[2] {
			t.Errorf("%s = %.4f, want between %v and %v", name, c[0], c[1], c[2])
		}
	}
}

func TestClicksRows(t *testing.T) {
	whole := textOf(t, &Clicks{Rows: 1500}, 4096)
	for _, batch := range []int{1, 7, 64, 1000} {
		if cut := textOf(t, &Clicks{Rows: 1500}, batch); cut != whole {
			t.Errorf("rows depend on batches of %d", batch)
		}
	}
	if other := textOf(t, &Clicks{Rows: 1500, Seed: 2}, 4096); other == whole {
		t.Error("the seed does nothing")
	}
	if n := strings.Count(whole, "\n"); n != 1501 {
		t.Errorf("%d lines", n)
	}
}

func TestClicksSpan(t *testing.T) {
	windows := map[int64]bool{}
	schema, err := columnartest.Schema("ts:timestamp[us]@ label:int64")
	if err != nil {
		t.Fatal(err)
	}
	rows := int64(0)
	read(t, &Clicks{Rows: 2_000_000, Fields: schema}, 65536, func(b arrow.Record) {
		rows += b.NumRows()
		for _, v := range columnar.Values[int64](b.Column(0)) {
			windows[v/10_000_000] = true
		}
	})
	if rows != 2_000_000 || len(windows) != 60 {
		t.Errorf("%d rows in %d windows of 10 s, want 60", rows, len(windows))
	}
}

func TestClicksSeekAndPace(t *testing.T) {
	clock := &stepClock{time.UnixMilli(5_000)}
	mem := columnartest.Allocator(t)
	open := func(s *Clicks) arrowstream.Replayer {
		parts, err := s.Open(t.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}, BatchRows: 100, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { parts[0].Close() })
		return parts[0].(arrowstream.Replayer)
	}
	live := open(&Clicks{Rate: 1000})
	for _, want := range []int64{1, 20} {
		b, err := live.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.NumRows() != want {
			t.Errorf("%d rows, want %d", b.NumRows(), want)
		}
		b.Release()
		clock.at = clock.at.Add(20 * time.Millisecond)
	}
	pos, err := live.Position()
	if err != nil {
		t.Fatal(err)
	}
	clock.at = clock.at.Add(10 * time.Millisecond)
	want, err := live.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer want.Release()
	again := open(&Clicks{Rows: 1e6, Interval: time.Millisecond})
	if err := again.Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	b, err := again.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	got := b.NewSlice(0, want.NumRows())
	defer got.Release()
	columnartest.Equal(t, got, want)
	if err := again.Seek(t.Context(), []byte{1}); err == nil {
		t.Error("a foreign position is accepted")
	}
}

func BenchmarkClicks(b *testing.B) {
	parts, err := (&Clicks{}).Open(b.Context(), arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: columnar.Pool}, BatchRows: 16384})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	rows := int64(0)
	for b.Loop() {
		rec, err := parts[0].Read(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		rows += rec.NumRows()
		rec.Release()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
