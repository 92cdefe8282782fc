package simd

// Operator is a binary operation of arithmetic.
type Operator int

// The operators. Div is of floats.
const (
	Add Operator = iota
	Sub
	Mul
	Div
)

// Arith sets out[i] to x[i] op y[i]. An x or y of one row stands for as many as
// out has; out may be x or y. Floats round once and follow IEEE 754. Integers
// wrap, and overflow tells that a result of any row was outside the range:
// whoever cares looks for the row.
// Cost: the bandwidth; the product of int64, which has no vector form, 1.2
// ns/row.
func Arith[T Number](op Operator, out, x, y []T) (overflow bool) {
	var constX, constY, tailX, tailY, tailOut [32]T
	n := len(out)
	x, y = operand(&constX, x, n), operand(&constY, y, n)
	for n := len(out) &^ 31; n > 0; n = len(out) &^ 31 {
		n = min(n, maxRows)
		overflow = arithBlocks(op, out[:n], x[:min(n, len(x))], y[:min(n, len(y))]) || overflow
		out, x, y = out[n:], after(x, n, &constX), after(y, n, &constY)
	}
	if len(out) > 0 { // the last rows, and zeros
		copy(tailX[:len(out)], x)
		copy(tailY[:len(out)], y)
		overflow = arithBlocks(op, tailOut[:], tailX[:], tailY[:]) || overflow
		copy(out, tailOut[:])
	}
	return overflow
}

// operand is x, or a block of its one row in the place of n rows.
func operand[T Number](block *[32]T, x []T, n int) []T {
	if len(x) != 1 || n == 1 {
		sameLength("Arith", n, len(x))
		return x
	}
	for i := range block {
		block[i] = x[0]
	}
	return block[:]
}

// after is what follows n rows of x, if it is not block.
func after[T Number](x []T, n int, block *[32]T) []T {
	if len(x) > 0 && &x[0] == &block[0] {
		return x
	}
	return x[n:]
}

func arithBlocks[T Number](op Operator, out, x, y []T) (overflow bool) {
	switch out := any(out).(type) {
	case []int32:
		return arithInt32(op, out, any(x).([]int32), any(y).([]int32))
	case []int64:
		return arithInt64(op, out, any(x).([]int64), any(y).([]int64))
	case []float32:
		arithFloat32(op, out, any(x).([]float32), any(y).([]float32))
	case []float64:
		arithFloat64(op, out, any(x).([]float64), any(y).([]float64))
	}
	return false
}

func arithInt32(op Operator, out, x, y []int32) bool {
	switch op {
	case Add:
		return addInt32(out, x, y)
	case Sub:
		return subInt32(out, x, y)
	case Mul:
		return mulInt32(out, x, y)
	}
	panic("simd: Arith: division of integers")
}

func arithInt64(op Operator, out, x, y []int64) bool {
	switch op {
	case Add:
		return addInt64(out, x, y)
	case Sub:
		return subInt64(out, x, y)
	case Mul:
		return mulIntsGo(out, x, y)
	}
	panic("simd: Arith: division of integers")
}

func arithFloat32(op Operator, out, x, y []float32) {
	switch op {
	case Add:
		addFloat32(out, x, y)
	case Sub:
		subFloat32(out, x, y)
	case Mul:
		mulFloat32(out, x, y)
	case Div:
		divFloat32(out, x, y)
	}
}

func arithFloat64(op Operator, out, x, y []float64) {
	switch op {
	case Add:
		addFloat64(out, x, y)
	case Sub:
		subFloat64(out, x, y)
	case Mul:
		mulFloat64(out, x, y)
	case Div:
		divFloat64(out, x, y)
	}
}
