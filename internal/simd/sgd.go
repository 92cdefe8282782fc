package simd

import "math"

// LogisticSteps goes through len(p) rows of x, from row from on, one after
// another: p[i] = [Sigmoid](w·x_i + b), the product in the order of the
// columns; then, with g = p[i] - y[i] without cancellation (see
// [LogisticResiduals]),
//
//	w = shrink[i]*w - (eta[i]*g)*x_i, the last product fused
//	b = b - etaB[i]*g
//
// It changes w and returns b. What is not finite once stays so. A row waits
// for the one before: about 30 ns for ten columns, most of it the sigmoid.
func LogisticSteps(p, w []float64, b float64, x [][]float64, from int, y, shrink, eta, etaB []float64) float64 {
	columnsHold("LogisticSteps", x, len(w), from, len(p))
	for _, v := range [][]float64{y, shrink, eta, etaB} {
		sameLength("LogisticSteps", len(v), len(p))
	}
	if len(w) == 0 {
		return logisticStepsGo(p, w, b, x, from, y, shrink, eta, etaB)
	}
	const rows = 1024
	for len(p) > 0 {
		n := min(len(p), rows)
		b = logisticSteps(p[:n], w, b, x, from, y[:n], shrink[:n], eta[:n], etaB[:n])
		p, y, shrink, eta, etaB = p[n:], y[n:], shrink[n:], eta[n:], etaB[n:]
		from += n
	}
	return b
}

func logisticStepsGo(p, w []float64, b float64, x [][]float64, from int, y, shrink, eta, etaB []float64) float64 {
	if len(p) == 0 {
		return b
	}
	x = x[:len(w)]
	z := 0.0
	for j, v := range w {
		z = math.FMA(v, x[j][from], z)
	}
	for i := range p {
		yes, no := SigmoidPair(z + b)
		p[i] = yes
		g := choose(y[i] == 1, -no, yes)
		u := float64(eta[i] * g)
		b -= float64(etaB[i] * g)
		z = 0
		row, s := from+i, shrink[i]
		if i+1 == len(p) {
			for j, v := range w {
				w[j] = math.FMA(-u, x[j][row], float64(v*s))
			}
			break
		}
		for j, v := range w {
			col := x[j][row : row+2]
			v = math.FMA(-u, col[0], float64(v*s))
			w[j] = v
			z = math.FMA(v, col[1], z)
		}
	}
	return b
}

// LogisticRows is [LogisticSteps] for rows that stand one after another, padded
// as those of [RowDot] are, and with its products: for more columns. Meanwhile it asks for
// the rows ahead, as many as it learns.
func LogisticRows(p, w []float64, b float64, x, y, shrink, eta, etaB []float64, ahead Ahead) float64 {
	ahead.check("LogisticRows")
	padded("LogisticRows", w, w)
	for _, v := range [][]float64{y, shrink, eta, etaB} {
		sameLength("LogisticRows", len(v), len(p))
	}
	sameLength("LogisticRows", len(x), len(p)*len(w))
	if len(w) == 0 {
		return logisticRowsGo(p, w, b, x, y, shrink, eta, etaB, nil, 0, 0)
	}
	rows := max(1, maxRows/len(w))
	for len(p) > 0 {
		n := min(len(p), rows)
		b = logisticRows(p[:n], w, b, x[:n*len(w)], y[:n], shrink[:n], eta[:n], etaB[:n], ahead.X, ahead.From, ahead.Rows)
		p, x, y, shrink, eta, etaB = p[n:], x[n*len(w):], y[n:], shrink[n:], eta[n:], etaB[n:]
	}
	return b
}

func logisticRowsGo(p, w []float64, b float64, x, y, shrink, eta, etaB []float64, _ [][]float64, _, _ int) float64 {
	d := len(w)
	if len(p) == 0 {
		return b
	}
	z := rowDotGo(w, x[:d])
	for i := range p {
		yes, no := SigmoidPair(z + b)
		p[i] = yes
		g := choose(y[i] == 1, -no, yes)
		b -= float64(etaB[i] * g)
		stepGo(w, w, x[i*d:(i+1)*d], shrink[i], -float64(eta[i]*g))
		if i+1 < len(p) {
			z = rowDotGo(w, x[(i+1)*d:(i+2)*d])
		}
	}
	return b
}
