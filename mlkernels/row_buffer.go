package mlkernels

// rowBuffer keeps the rows of an incomplete group, row after row.
type rowBuffer struct {
	x    []float64
	cats []int32
	y    []float64
	w    []float64
}

func (b *rowBuffer) add(row []float64, cats []int32, y, w float64) {
	b.x = append(b.x, row...)
	b.cats = append(b.cats, cats...)
	b.y = append(b.y, y)
	b.w = append(b.w, w)
}

func (b *rowBuffer) reset() {
	b.x, b.cats, b.y, b.w = b.x[:0], b.cats[:0], b.y[:0], b.w[:0]
}

// row returns the features of row i of a buffer of n rows.
func (b *rowBuffer) row(i int) ([]float64, []int32) {
	n := len(b.y)
	d, c := len(b.x)/n, len(b.cats)/n
	return b.x[i*d : (i+1)*d], b.cats[i*c : (i+1)*c]
}

func (b *rowBuffer) save(w *stateWriter) {
	w.floats(b.x)
	w.floats(b.y)
	w.floats(b.w)
	w.int(int64(len(b.cats)))
	for _, c := range b.cats {
		w.int(int64(c))
	}
}

func (b *rowBuffer) load(r *stateReader, d, width int) {
	b.x, b.y, b.w = r.floats(), r.floats(), r.floats()
	b.cats = b.cats[:0]
	for range r.length(1) {
		c := r.int()
		if c < -1 || c >= int64(width) {
			r.fail()
			return
		}
		b.cats = append(b.cats, int32(c))
	}
	n := len(b.y)
	if len(b.x) != n*d || len(b.w) != n || n == 0 && len(b.cats) > 0 || n > 0 && len(b.cats)%n != 0 {
		r.fail()
	}
}
