package mlkernels

// Baselines predict the label without features: the one before, and the most
// frequent class (the first to get there on ties) or, in regression, the mean.
type Baselines struct {
	classify bool
	last     float64
	counts   []float64
	usual    float64
	n        float64
}

// NewBaselines returns baselines that have seen no label.
func NewBaselines(classify bool) *Baselines {
	return &Baselines{classify: classify, last: nan, usual: nan}
}

// Predict are the predictions of the baselines, NaN before the first label.
func (b *Baselines) Predict() (last, usual float64) { return b.last, b.usual }

// Learn takes in a label.
func (b *Baselines) Learn(y float64) {
	b.last = y
	b.n++
	if !b.classify {
		if b.usual != b.usual {
			b.usual = 0
		}
		b.usual += (y - b.usual) / b.n
		return
	}
	for len(b.counts) <= int(y) {
		b.counts = append(b.counts, 0)
	}
	b.counts[int(y)]++
	if b.usual != b.usual || b.counts[int(y)] > b.counts[int(b.usual)] {
		b.usual = y
	}
}

func (b *Baselines) save(w *stateWriter) {
	w.floats(b.counts)
	w.floats([]float64{b.last, b.usual, b.n})
}

func (b *Baselines) load(r *stateReader) {
	b.counts = r.floats()
	x := r.sized("baselines", 3)
	b.last, b.usual, b.n = x[0], x[1], x[2]
	if b.classify && b.usual == b.usual && (b.usual < 0 || int(b.usual) >= len(b.counts)) {
		r.fail()
	}
}
