package mlkernels

// columnBuffer keeps the rows of an incomplete group of gradient descent: the
// features column by column, the categories row after row.
type columnBuffer struct {
	x    [][]float64
	cats []int32
	y    []float64
	w    []float64
}

func (b *columnBuffer) add(row []float64, cats []int32, y, w float64) {
	b.size(len(row))
	for j, v := range row {
		b.x[j] = append(b.x[j], v)
	}
	b.cats = append(b.cats, cats...)
	b.y = append(b.y, y)
	b.w = append(b.w, w)
}

// addColumns adds as many rows of x as there are labels, from row from on.
func (b *columnBuffer) addColumns(x [][]float64, from int, y, w []float64) {
	b.size(len(x))
	for j, col := range x {
		b.x[j] = append(b.x[j], col[from:from+len(y)]...)
	}
	b.y = append(b.y, y...)
	b.w = append(b.w, w...)
}

func (b *columnBuffer) size(d int) {
	if len(b.x) != d {
		b.x = make([][]float64, d)
	}
}

func (b *columnBuffer) reset() {
	for j := range b.x {
		b.x[j] = b.x[j][:0]
	}
	b.cats, b.y, b.w = b.cats[:0], b.y[:0], b.w[:0]
}

// rowCats are the categories of row i.
func (b *columnBuffer) rowCats(i int) []int32 {
	c := len(b.cats) / len(b.y)
	return b.cats[i*c : (i+1)*c]
}

func (b *columnBuffer) save(w *stateWriter) {
	w.int(int64(len(b.y) * len(b.x)))
	for i := range b.y {
		for _, col := range b.x {
			w.float(col[i])
		}
	}
	w.floats(b.y)
	w.floats(b.w)
	w.int(int64(len(b.cats)))
	for _, c := range b.cats {
		w.int(int64(c))
	}
}

func (b *columnBuffer) load(r *stateReader, d, width int) {
	x := r.floats()
	b.y, b.w = r.floats(), r.floats()
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
	if len(x) != n*d || len(b.w) != n || n == 0 && len(b.cats) > 0 || n > 0 && len(b.cats)%n != 0 {
		r.fail()
		return
	}
	b.x = make([][]float64, d)
	for j := range b.x {
		for i := range n {
			b.x[j] = append(b.x[j], x[i*d+j])
		}
	}
}
