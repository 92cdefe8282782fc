package mlkernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// sameBits reports whether a and b are equal bit by bit, NaN being one value.
func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool {
		return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
	})
}

// TestPlainIsGeneral: the loop of the commonest case gives the bits of the
// loop of all cases, which sample weights of 1 lead to.
func TestPlainIsGeneral(t *testing.T) {
	for _, options := range []map[string]string{
		nil,
		{"penalty": "none"},
		{"learn_rate_strategy": "optimal"},
		{"learn_rate_strategy": "invscaling", "learn_rate": "0.5", "power_t": "0.3"},
		{"fit_intercept": "false"},
		{"intercept_lr": "0.01"},
		{"learn_rate": "1e300"},                    // fails
		{"learn_rate": "1e153", "penalty": "none"}, // fails later
		{"init_weights": "1,-1,0.5", "init_intercept": "0.25"},
	} {
		for _, d := range []int{3, 16, 17, 70} {
			if options["init_weights"] != "" && d != 3 {
				continue
			}
			t.Run(fmt.Sprintf("%v/d=%d", options, d), func(t *testing.T) {
				x, y := benchMatrix(d)
				x.Bad = make([]bool, x.Rows)
				ones := make([]float64, x.Rows)
				for i := range ones {
					ones[i] = 1
					if i%7 == 3 {
						x.Bad[i], x.Dense[1][i] = true, nan
					}
					if i%5 == 1 {
						y[i] = nan
					}
				}
				shape := Shape{Dense: d, Classes: 2}
				plain, general := mustNew(t, "LOGISTIC_REG", options, shape).(*sgd), mustNew(t, "LOGISTIC_REG", options, shape).(*sgd)
				if !plain.plain(nil) || plain.plain(ones) {
					t.Fatal("not the loops this test is about")
				}
				var a, b Scores
				for range 2 {
					if n, m := plain.Step(x, y, nil, &a), general.Step(x, y, ones, &b); n != m {
						t.Errorf("%d rows learned, want %d", n, m)
					}
					if !sameBits(a.Value, b.Value) || !slices.Equal(a.Class, b.Class) || !slices.Equal(a.Valid, b.Valid) || !slices.Equal(a.Version, b.Version) {
						t.Error("the scores differ")
					}
				}
				if plain.Progress() != general.Progress() {
					t.Errorf("%+v, want %+v", plain.Progress(), general.Progress())
				}
				p, err1 := plain.MarshalBinary()
				q, err2 := general.MarshalBinary()
				if err1 != nil || err2 != nil || !slices.Equal(p, q) {
					t.Errorf("the states differ: %v %v", err1, err2)
				}
			})
		}
	}
}

// TestNearest: any number of centers, with ties and with centers that are not
// finite, against one loop.
func TestNearest(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 3))
	for range 3000 {
		k, d := 1+g.IntN(20), 1+g.IntN(17)
		m := &kmeans{k: k, d: d, centers: make([]float64, k*d)}
		for i := range m.centers {
			if m.centers[i] = float64(g.IntN(4)); g.IntN(40) == 0 {
				m.centers[i] = []float64{math.Inf(1), nan, 1e200}[g.IntN(3)]
			}
		}
		x := make([]float64, d)
		for f := range x {
			x[f] = float64(g.IntN(4)) + 0.1*float64(g.IntN(2))
		}
		m.panels = newPanels(m.centers, k, d)
		best, dist := 0, math.Inf(1)
		for j := range k {
			s := 0.0
			for f, v := range x {
				e := v - m.centers[j*d+f]
				s += float64(e * e)
			}
			if s < dist {
				best, dist = j, s
			}
		}
		if b, s := m.nearest(x); b != best || s != dist {
			t.Fatalf("k=%d d=%d: center %d at %v, want %d at %v", k, d, b, s, best, dist)
		}
	}
}

// TestPanelsFollow: whatever changes the centers changes the panels.
func TestPanelsFollow(t *testing.T) {
	x, _ := benchMatrix(5)
	for _, options := range []map[string]string{
		{"k": "19"},
		{"k": "8", "decay_factor": "0.5"}, // clusters die and are revived
		{"k": "8", "update_mode": "mini_batch", "batch_rows": "100", "decay_factor": "0.1"},
		{"k": "16", "init": "kmeans++", "standardize": "true"},
		{"k": "8", "init": "random"},
	} {
		m := mustNew(t, "KMEANS", options, Shape{Dense: 5}).(*kmeans)
		m.Step(x, nil, nil, &Scores{})
		if want := newPanels(m.centers, m.k, m.d); !m.ready || !reflect.DeepEqual(m.panels, want) {
			t.Errorf("%v: the panels are not those of the centers", options)
		}
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		again := mustNew(t, "KMEANS", options, Shape{Dense: 5}).(*kmeans)
		if err := again.UnmarshalBinary(data); err != nil || !reflect.DeepEqual(again.panels, m.panels) {
			t.Errorf("%v: restored panels differ: %v", options, err)
		}
	}
}

// TestAddRun: runs of any length give the bits of one row after another.
func TestAddRun(t *testing.T) {
	for _, opt := range []MetricsOptions{{}, {Last: 30}, {Fading: 0.99}, {AUCRows: 10}} {
		g := rand.New(rand.NewPCG(1, 9))
		one, many := NewClassMetrics(opt), NewClassMetrics(opt)
		probs, logarithms := make([]float64, 40), make([]float64, 40)
		for range 50 {
			rows := make([]Judged, g.IntN(40))
			for i := range rows {
				odd := func(x float64) float64 { return []float64{x, x, x, nan}[g.IntN(4)] }
				rows[i] = Judged{
					Pred: float64(g.IntN(3)), Truth: float64(g.IntN(4)), Last: odd(float64(g.IntN(3))), Usual: odd(1),
					Prob: odd(g.Float64() * float64(g.IntN(2))), Score: odd(g.Float64()), Positive: g.IntN(2) == 0,
				}
				one.Add(rows[i])
			}
			many.addRun(rows, probs, logarithms)
		}
		a, b := &stateWriter{}, &stateWriter{}
		one.save(a)
		many.save(b)
		if !slices.Equal(a.buf, b.buf) {
			t.Errorf("%+v: the states differ", opt)
		}
	}
}

// TestClassIDs: the short ways to a class number lead where the maps do.
func TestClassIDs(t *testing.T) {
	numbers := []float64{0, 1, -1, 127, 128, -128, -129, 0.5, 1e300, -1e300, math.Inf(1), math.Copysign(0, -1), 9.3e18, 1 << 62}
	texts := []string{"", "a", "b", "no", "yes", "\x00", "\x00\x00", "12345678", "123456789", "1234567\x00", "日本", strings.Repeat("x", 100)}
	ids := newClassIDs()
	want := map[any]int32{}
	for round := range 3 {
		for _, v := range numbers {
			if _, ok := want[v]; round == 0 && !ok {
				if id := ids.findNumber(v); id != unseenClass {
					t.Fatalf("%v is class %d before it came", v, id)
				}
				want[v] = int32(len(ids.names))
			}
			if id := ids.number(v, false); id != want[v] || ids.findNumber(v) != id || ids.numbers[v] != int(id) {
				t.Errorf("%v is class %d, want %d", v, id, want[v])
			}
		}
		for _, s := range texts {
			if round == 0 {
				want[s] = int32(len(ids.names))
			}
			behind := append(append(make([]byte, 0, 200), s...), "garbage behind"...)
			for _, b := range [][]byte{[]byte(s), behind[:len(s)], slices.Clip(behind[:len(s)])} {
				if id := ids.text(b); id != want[s] || ids.names[id] != s {
					t.Errorf("%q is class %d, want %d", s, id, want[s])
				}
			}
		}
	}
	if id := ids.number(nan, false); id != noClass {
		t.Errorf("NaN is class %d", id)
	}
}

// TestValidity: bitmaps of flags at every length.
func TestValidity(t *testing.T) {
	mem := columnartest.Allocator(t)
	g := rand.New(rand.NewPCG(2, 2))
	for n := range 200 {
		valid, want := make([]bool, n), 0
		for i := range valid {
			if valid[i] = g.IntN(8) > 0; !valid[i] {
				want++
			}
		}
		v := validityOf(mem, valid)
		bits := columnar.Bitmap{N: n}
		if v.bits != nil {
			bits.Bits = v.bits.Bytes()
		}
		if v.nulls != want || (v.bits == nil) != (want == 0) {
			t.Fatalf("%d rows: %d nulls, want %d", n, v.nulls, want)
		}
		var clear []int
		for i, ok := range valid {
			if bits.Get(i) != ok {
				t.Fatalf("bit %d of %d", i, n)
			}
			if !ok {
				clear = append(clear, i)
			}
		}
		for _, offset := range []int{0, 3, min(n, 64)} {
			offset = min(offset, n)
			var got []int
			for i := range clearBits(bits.Slice(offset, n)) {
				got = append(got, i+offset)
			}
			from, _ := slices.BinarySearch(clear, offset)
			if !slices.Equal(got, clear[from:]) {
				t.Fatalf("clear bits %v, want %v", got, clear[from:])
			}
		}
		v.release()
	}
}

// TestAllFinite: one value among many decides, wherever it is.
func TestAllFinite(t *testing.T) {
	x := []float64{0, math.Copysign(0, -1), 5e-324, math.MaxFloat64, -math.MaxFloat64, 1, -1}
	if !allFinite(nil) || !allFinite(x) {
		t.Error("finite numbers are not")
	}
	for _, v := range []float64{math.Inf(1), math.Inf(-1), nan, math.Float64frombits(0xfff8 << 48), math.Float64frombits(0x7ff0<<48 + 1)} {
		for i := range x {
			y := slices.Clone(x)
			if y[i] = v; allFinite(y) {
				t.Errorf("%v at %d", v, i)
			}
		}
	}
}

// TestTwoValues: labels that are all of two values, or not.
func TestTwoValues(t *testing.T) {
	for _, c := range []struct {
		low  float64
		in   []float64
		want []float64 // nil: refused
	}{
		{0, []float64{0, 1, 1, 0}, []float64{0, 1, 1, 0}},
		{-1, []float64{-1, 1, 1, -1}, []float64{0, 1, 1, 0}},
		{0, []float64{math.Copysign(0, -1)}, []float64{0}},
		{0, []float64{0, -1}, nil},
		{-1, []float64{0, -1}, nil},
		{0, []float64{1, nan}, nil},
		{0, []float64{1, math.Inf(1)}, nil},
		{0, nil, nil},
	} {
		y := slices.Clone(c.in)
		switch ok := twoValues(y, c.low); {
		case ok != (c.want != nil || len(c.in) == 0):
			t.Errorf("%v of %v: %v", c.in, c.low, ok)
		case ok && !sameBits(y, c.want):
			t.Errorf("%v of %v: %v", c.in, c.low, y)
		case !ok && !sameBits(y, c.in):
			t.Errorf("%v was changed to %v", c.in, y)
		}
	}
}
