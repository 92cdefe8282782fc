package simd

import "fmt"

// Comparison is an operator on two values.
type Comparison int

// The comparisons: equal, not equal, less, less or equal, greater, greater or
// equal. NaN equals NaN and is greater than every number, and -0 equals 0.
const (
	Eq Comparison = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// mirrored is the operator with its operands swapped.
func (op Comparison) mirrored() Comparison { return [...]Comparison{Eq, Ne, Gt, Ge, Lt, Le}[op] }

// Compare sets bit i of out to x[i] op y[i]. A slice of one row stands for as
// many as the other one has. It writes the bytes that hold a row; the bits
// after the last row are clear.
// Cost: the read bandwidth outside the first-level cache.
func Compare[T Fixed](op Comparison, out []byte, x, y []T) {
	n := len(x)
	if n == 1 {
		n = len(y)
	}
	if len(x) != n && len(x) != 1 || len(y) != n && len(y) != 1 {
		panic(fmt.Sprintf("simd: Compare: lengths %d and %d", len(x), len(y)))
	}
	enoughBits("Compare", out, n)
	switch {
	case n == 0:
	case len(y) < n:
		compareConst(op, out, x, y[0])
	case len(x) < n:
		compareConst(op.mirrored(), out, y, x[0])
	default:
		compareColumns(op, out, x, y)
	}
}

// compareColumns has two loops, since greater is less with the sides swapped,
// and the other operators are the negations.
func compareColumns[T Fixed](op Comparison, out []byte, x, y []T) {
	var flip uint64
	switch op {
	case Ne, Ge:
		flip = ^flip
	case Gt:
		x, y = y, x
	case Le:
		x, y, flip = y, x, ^flip
	}
	equal := op == Eq || op == Ne
	for n := len(x) &^ 63; n > 0; n = len(x) &^ 63 {
		n = min(n, maxRows)
		if equal {
			eqBlocks(out, x[:n], y[:n], flip)
		} else {
			ltBlocks(out, x[:n], y[:n], flip)
		}
		out, x, y = out[n/8:], x[n:], y[n:]
	}
	if equal {
		eqGo(out, x, y, flip)
	} else {
		ltGo(out, x, y, flip)
	}
}

func eqBlocks[T Fixed](out []byte, x, y []T, flip uint64) {
	switch x := any(x).(type) {
	case []int32:
		eqInt32(out, x, any(y).([]int32), flip)
	case []int64:
		eqInt64(out, x, any(y).([]int64), flip)
	case []float32:
		eqFloat32(out, x, any(y).([]float32), flip)
	case []float64:
		eqFloat64(out, x, any(y).([]float64), flip)
	case []T:
		eqGo(out, x, y, flip)
	}
}

func ltBlocks[T Fixed](out []byte, x, y []T, flip uint64) {
	switch x := any(x).(type) {
	case []int32:
		ltInt32(out, x, any(y).([]int32), flip)
	case []int64:
		ltInt64(out, x, any(y).([]int64), flip)
	case []float32:
		ltFloat32(out, x, any(y).([]float32), flip)
	case []float64:
		ltFloat64(out, x, any(y).([]float64), flip)
	case []T:
		ltGo(out, x, y, flip)
	}
}

// compareConst settles what NaN means before the loop: x > c is not x <= c, so
// that a number as c needs no look at x, and NaN itself is what is not at most
// +Inf.
func compareConst[T Fixed](op Comparison, out []byte, x []T, c T) {
	var flip uint64
	if op == Ne || op == Gt || op == Ge {
		flip = ^flip
	}
	if c != c {
		switch op {
		case Le, Gt: // all, none
			fillBits(out, len(x), ^flip)
			return
		case Eq, Ge:
			op, flip = Gt, ^uint64(0)
		case Ne, Lt:
			op, flip = Le, 0
		}
		c = infinity[T]()
	}
	for n := len(x) &^ 63; n > 0; n = len(x) &^ 63 {
		n = min(n, maxRows)
		switch op {
		case Eq, Ne:
			eqConstBlocks(out, x[:n], c, flip)
		case Lt, Ge:
			ltConstBlocks(out, x[:n], c, flip)
		default:
			leConstBlocks(out, x[:n], c, flip)
		}
		out, x = out[n/8:], x[n:]
	}
	switch op {
	case Eq, Ne:
		eqConstGo(out, x, c, flip)
	case Lt, Ge:
		ltConstGo(out, x, c, flip)
	default:
		leConstGo(out, x, c, flip)
	}
}

func eqConstBlocks[T Fixed](out []byte, x []T, c T, flip uint64) {
	switch x := any(x).(type) {
	case []int32:
		eqInt32Const(out, x, int32(c), flip)
	case []int64:
		eqInt64Const(out, x, int64(c), flip)
	case []float32:
		eqFloat32Const(out, x, float32(c), flip)
	case []float64:
		eqFloat64Const(out, x, float64(c), flip)
	case []T:
		eqConstGo(out, x, c, flip)
	}
}

func ltConstBlocks[T Fixed](out []byte, x []T, c T, flip uint64) {
	switch x := any(x).(type) {
	case []int32:
		ltInt32Const(out, x, int32(c), flip)
	case []int64:
		ltInt64Const(out, x, int64(c), flip)
	case []float32:
		ltFloat32Const(out, x, float32(c), flip)
	case []float64:
		ltFloat64Const(out, x, float64(c), flip)
	case []T:
		ltConstGo(out, x, c, flip)
	}
}

func leConstBlocks[T Fixed](out []byte, x []T, c T, flip uint64) {
	switch x := any(x).(type) {
	case []int32:
		leInt32Const(out, x, int32(c), flip)
	case []int64:
		leInt64Const(out, x, int64(c), flip)
	case []float32:
		leFloat32Const(out, x, float32(c), flip)
	case []float64:
		leFloat64Const(out, x, float64(c), flip)
	case []T:
		leConstGo(out, x, c, flip)
	}
}

// fillBits sets n bits to the lowest bit of word, and those after them in the
// last byte to 0.
func fillBits(out []byte, n int, word uint64) {
	for i := range n / 8 {
		out[i] = byte(word)
	}
	if n&7 != 0 {
		out[n/8] = byte(word) & (1<<(n&7) - 1)
	}
}
