package simd

// Ahead are rows From to From+Rows-1 of the columns X, which are read soon: a
// kernel that waits for itself most of the time asks memory for them meanwhile.
// It changes no result.
type Ahead struct {
	X          [][]float64
	From, Rows int
}

func (a Ahead) check(name string) { columnsHold(name, a.X, len(a.X), a.From, a.Rows) }
