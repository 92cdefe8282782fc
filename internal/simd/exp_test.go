package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

var expTwins = []twin{
	{"Exps", func(a *arena) { Exps(output[float64](a, a.n), exponents(a)) }},
	{"Exps in place", func(a *arena) {
		x := inout[float64](a, a.n)
		Exps(x, x)
	}},
	{"Logs", func(a *arena) { Logs(output[float64](a, a.n), input[float64](a, a.n)) }},
	{"Logs near 1", func(a *arena) {
		x := inout[float64](a, a.n)
		for i := range x {
			x[i] = math.Ldexp(0.7+0.8*a.rng.Float64(), a.rng.IntN(2100)-1080)
		}
		Logs(x, x)
	}},
	{"Sigmoids", func(a *arena) { Sigmoids(output[float64](a, a.n), exponents(a)) }},
}

// exponents are numbers most of which are not too large for Exp.
func exponents(a *arena) []float64 {
	x := inout[float64](a, a.n)
	for i := range x {
		if math.Abs(x[i]) > 1000 && a.rng.IntN(8) > 0 {
			x[i] = 1500 * (a.rng.Float64() - 0.5)
		}
	}
	return x
}

// ulps is how many numbers x is away from want.
func ulps(x, want float64) float64 {
	return math.Abs(x-want) / (math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want))
}

// TestExpIsNearMath compares with package math, whose error is below 1 ulp but
// for logarithms of subnormal numbers.
func TestExpIsNearMath(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	worst := map[string]float64{}
	for range 300_000 {
		x := rng.Float64()*1416 - 708
		if rng.IntN(2) == 0 {
			x = rng.NormFloat64()
		}
		u := math.Float64frombits(1<<52 + rng.Uint64()>>1%(0x7fe<<52))
		if rng.IntN(2) == 0 {
			u = 2 * rng.Float64()
		}
		p, q := SigmoidPair(x)
		for name, v := range map[string][2]float64{
			"exp":       {Exp(x), math.Exp(x)},
			"log":       {Log(u), math.Log(u)},
			"sigmoid":   {p, 1 / (1 + math.Exp(-x))},
			"sigmoid -": {q, math.Exp(-x) / (1 + math.Exp(-x))},
		} {
			worst[name] = max(worst[name], ulps(v[0], v[1]))
		}
	}
	for name, most := range map[string]float64{"exp": 4, "log": 4, "sigmoid": 4, "sigmoid -": 5} {
		if worst[name] > most {
			t.Errorf("%s is %v ulps from that of package math", name, worst[name])
		}
	}
}

// TestExpOfSpecialValues looks at one vector of the machine's level; that the
// levels agree is tested with the twins.
func TestExpOfSpecialValues(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name    string
		f       func(out, x []float64)
		x, want float64
	}{
		{"exp", Exps, 0, 1},
		{"exp", Exps, math.Copysign(0, -1), 1},
		{"exp", Exps, nan, nan},
		{"exp", Exps, inf, Exp(708)},
		{"exp", Exps, -inf, Exp(-708)},
		{"exp", Exps, 800, Exp(708)},
		{"log", Logs, 1, 0},
		{"log", Logs, 0, -inf},
		{"log", Logs, math.Copysign(0, -1), -inf},
		{"log", Logs, -1e-320, nan},
		{"log", Logs, -inf, nan},
		{"log", Logs, inf, inf},
		{"log", Logs, nan, nan},
		{"log", Logs, 0x1p-1074, -744.4400719213812},
		{"sigmoid", Sigmoids, 0, 0.5},
		{"sigmoid", Sigmoids, inf, 1},
		{"sigmoid", Sigmoids, -inf, Exp(-708)},
		{"sigmoid", Sigmoids, nan, nan},
	} {
		var x, out [8]float64
		x[3] = c.x
		if c.f(out[:], x[:]); out[3] != c.want && !(out[3] != out[3] && c.want != c.want) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, out[3], c.want)
		}
	}
}

// TestExpOnAGrid: the relative error stays below 1e-15, also where the
// logarithm is near 0.
func TestExpOnAGrid(t *testing.T) {
	near := func(name string, got, want, slack float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-15*math.Abs(want)+slack {
			t.Fatalf("%s is %v, want %v", name, got, want)
		}
	}
	for x := -708.0; x <= 708; x += 0.37 {
		near("exp", Exp(x), math.Exp(x), 0)
	}
	for x := 1e-300; x < 1e300; x *= 1.37 {
		near("log", Log(x), math.Log(x), 0)
	}
	for x := 0.9; x < 1.1; x += 0.0003 {
		near("log", Log(x), math.Log(x), 1e-18)
	}
}

// TestExpUnclamped: beyond the reach of Exp it rounds once, as Ldexp does.
func TestExpUnclamped(t *testing.T) {
	for x := -760.0; x < 760; x += 0.0371 {
		got, want := ExpUnclamped(x), Exp(x)
		if math.Abs(x) > 708 {
			if want = math.Exp(x); math.Abs(got-want) > 1e-15*want+5e-324 && got != want {
				t.Fatalf("exp(%v) = %v, want %v", x, got, want)
			}
		} else if got != want {
			t.Fatalf("exp(%v) = %v, clamped %v", x, got, want)
		}
	}
	if v := ExpUnclamped(math.NaN()); v == v {
		t.Errorf("exp(NaN) = %v", v)
	}
}

// TestLogBits: the logarithm without branches has the bits of its definition
// by way of Frexp.
func TestLogBits(t *testing.T) {
	naive := func(x float64) float64 {
		m, e := math.Frexp(x)
		if m < math.Sqrt2/2 {
			m *= 2
			e--
		}
		f := m - 1
		s := f / (m + 1)
		s2 := s * s
		p := 1.0 / 21
		for _, c := range []float64{1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3} {
			p = math.FMA(p, s2, c)
		}
		k := float64(e)
		return math.FMA(k, ln2hi, f+math.FMA(k, ln2lo, math.FMA(2*s*s2, p, -float64(s*f))))
	}
	g := rand.New(rand.NewPCG(5, 1))
	x := []float64{1, 0.5, 2, math.Sqrt2 / 2, math.Nextafter(math.Sqrt2/2, 0), math.Sqrt2, math.MaxFloat64, 0x1p-1022, 0x1p-1074, 3e-310, 1e-15, 1 - 1e-15}
	for range 20000 {
		x = append(x, math.Float64frombits(g.Uint64()>>1%(0x7ff<<52)), g.Float64())
	}
	for _, v := range x {
		if v > 0 && Log(v) != naive(v) {
			t.Fatalf("log %v = %v, want %v", v, Log(v), naive(v))
		}
	}
}
