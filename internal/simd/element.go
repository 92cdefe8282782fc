package simd

import (
	"math"
	"unsafe"
)

// Fixed are the types of elements of columns. Those of int32, int64, float32
// and float64 have vector instructions, others run the twins; a named type,
// too.
type Fixed interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Number are the types that primitives calculate with.
type Number interface {
	int32 | int64 | float32 | float64
}

// infinity is +Inf for floats.
func infinity[T Fixed]() T {
	inf := math.Inf(1)
	return T(inf)
}

// isReal reports whether T is a floating-point type.
func isReal[T Fixed]() bool {
	half := 0.5
	return T(half) != 0
}

// limits are the least and the greatest value of T; -Inf and +Inf of floats.
func limits[T Fixed]() (least, greatest T) {
	if isReal[T]() {
		return -infinity[T](), infinity[T]()
	}
	var zero T
	if minus := zero - 1; minus > zero { // unsigned
		return zero, minus
	}
	greatest = T(uint64(1)<<(8*unsafe.Sizeof(zero)-1) - 1)
	return greatest + 1, greatest // which wraps
}
