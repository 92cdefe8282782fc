package simd

import "math"

// The derivatives of losses by the score z of a row whose label is y, 1 or
// anything else for the other class. All slices are of the same length.

// LogisticResiduals writes [Sigmoid](z) to p and p - y to g, without
// cancellation: -Sigmoid(-z) where y is 1, else p. p or g may be z.
func LogisticResiduals(p, g, z, y []float64) {
	sameLength("LogisticResiduals", len(p), len(z))
	sameLength("LogisticResiduals", len(g), len(z))
	sameLength("LogisticResiduals", len(y), len(z))
	for len(z) >= 8 {
		n := min(len(z)&^7, maxRows)
		logisticResiduals(p[:n], g[:n], z[:n], y[:n])
		p, g, z, y = p[n:], g[n:], z[n:], y[n:]
	}
	logisticResidualsGo(p, g, z, y)
}

func logisticResidualsGo(p, g, z, y []float64) {
	for i, v := range z {
		yes, no := SigmoidPair(v)
		p[i], g[i] = yes, choose(y[i] == 1, -no, yes)
	}
}

// choose is a if ok, else b, without a branch that would be mispredicted.
func choose(ok bool, a, b float64) float64 {
	mask := uint64(0)
	if ok {
		mask = 1
	}
	x, y := math.Float64bits(a), math.Float64bits(b)
	return math.Float64frombits(y ^ (x^y)&-mask)
}

// HingeResiduals writes to g the slope of max(0, 1-t·z), where t is 1 for the
// label 1, else -1: -t where t·z is at most 1, else 0, which it is for NaN, too.
// g may be z.
func HingeResiduals(g, z, y []float64) {
	sameLength("HingeResiduals", len(g), len(z))
	sameLength("HingeResiduals", len(y), len(z))
	for len(z) >= 8 {
		n := min(len(z)&^7, maxRows)
		hingeResiduals(g[:n], z[:n], y[:n])
		g, z, y = g[n:], z[n:], y[n:]
	}
	hingeResidualsGo(g, z, y)
}

func hingeResidualsGo(g, z, y []float64) {
	for i, v := range z {
		against := choose(y[i] == 1, -1, 1)
		g[i] = choose(v*against >= -1, against, 0)
	}
}

// SquaredResiduals writes z - y, at least -1e12 and at most 1e12, to g, which
// may be z. NaN stays NaN.
func SquaredResiduals(g, z, y []float64) {
	sameLength("SquaredResiduals", len(g), len(z))
	sameLength("SquaredResiduals", len(y), len(z))
	for len(z) >= 8 {
		n := min(len(z)&^7, maxRows)
		squaredResiduals(g[:n], z[:n], y[:n])
		g, z, y = g[n:], z[n:], y[n:]
	}
	squaredResidualsGo(g, z, y)
}

func squaredResidualsGo(g, z, y []float64) {
	for i, v := range z {
		r := v - y[i]
		if r > 1e12 {
			r = 1e12
		} else if r < -1e12 {
			r = -1e12
		}
		g[i] = r
	}
}
