package main

import (
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	for name, tc := range map[string]struct {
		value func(hours float64, rng *rand.Rand) float64
		grows bool
	}{
		"flat":       {func(float64, *rand.Rand) float64 { return 7 }, false},
		"noise":      {func(_ float64, rng *rand.Rand) float64 { return 200 + 30*rng.NormFloat64() }, false},
		"leak":       {func(h float64, rng *rand.Rand) float64 { return 200 + 40*h + 10*rng.NormFloat64() }, true},
		"slow leak":  {func(h float64, _ *rand.Rand) float64 { return 10 + h }, true},
		"falls":      {func(h float64, _ *rand.Rand) float64 { return 200 - 100*h }, false},
		"warming up": {func(h float64, _ *rand.Rand) float64 { return 100 * min(h, 1./6) }, false},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		var samples []sample
		for at := time.Duration(0); at < time.Hour; at += 5 * time.Second {
			s := sample{at: at}
			s.values[descriptors] = tc.value(at.Hours(), rng)
			samples = append(samples, s)
		}
		if got := report(io.Discard, samples, 10*time.Minute); got != tc.grows {
			t.Errorf("%s: grows is %v", name, got)
		}
	}
	line := fit([]sample{{at: 0}, {at: time.Hour, values: [measures]float64{3}}, {at: 2 * time.Hour, values: [measures]float64{6}}}, resident)
	if math.Abs(line.slope-3) > 1e-12 || line.deviation > 1e-12 || line.mean != 3 {
		t.Errorf("%+v", line)
	}
}
