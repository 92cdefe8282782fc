package simd

import "math/bits"

// The twins of arithmetic go over blocks of 32 rows, where the index needs no
// check. A parameter of one block stays where it is: see next.

// next is the block after the first of x, or x if there is no other.
func next[T Number](x []T) []T {
	if len(x) > 32 {
		return x[32:]
	}
	return x
}

func addFloatsGo[T float32 | float64](out, x, y []T) {
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			r[i] = p[i] + q[i]
		}
	}
}

func subFloatsGo[T float32 | float64](out, x, y []T) {
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			r[i] = p[i] - q[i]
		}
	}
}

func mulFloatsGo[T float32 | float64](out, x, y []T) {
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			r[i] = p[i] * q[i]
		}
	}
}

func divFloatsGo[T float32 | float64](out, x, y []T) {
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			r[i] = p[i] / q[i]
		}
	}
}

// addIntsGo overflows where the sign of the sum is that of neither operand.
func addIntsGo[T int32 | int64](out, x, y []T) (over bool) {
	var signs T
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			a, b := p[i], q[i]
			s := a + b
			signs |= (a ^ s) & (b ^ s)
			r[i] = s
		}
	}
	return signs < 0
}

// subIntsGo overflows where the operands have different signs and the
// difference does not have that of the first.
func subIntsGo[T int32 | int64](out, x, y []T) (over bool) {
	var signs T
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			a, b := p[i], q[i]
			s := a - b
			signs |= (a ^ b) & (a ^ s)
			r[i] = s
		}
	}
	return signs < 0
}

// mulIntsGo overflows where the upper bits of the product do not repeat the
// sign of its lower part.
func mulIntsGo[T int32 | int64](out, x, y []T) (over bool) {
	var differ uint64
	for ; len(out) > 0; out, x, y = out[32:], next(x), next(y) {
		r, p, q := (*[32]T)(out), (*[32]T)(x), (*[32]T)(y)
		for i := range r {
			a, b := p[i], q[i]
			// The unsigned product of the sign-extended operands, made signed.
			hi, lo := bits.Mul64(uint64(a), uint64(b))
			hi -= uint64(int64(a)>>63)&uint64(b) + uint64(int64(b)>>63)&uint64(a)
			s := T(lo)
			differ |= (hi ^ uint64(int64(s)>>63)) | (lo ^ uint64(int64(s)))
			r[i] = s
		}
	}
	return differ != 0
}
