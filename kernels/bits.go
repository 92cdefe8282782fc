package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// bitwise is an operation on the bits of integers.
type bitwise int

const (
	bitsAnd bitwise = iota
	bitsOr
	bitsXor
	bitsNot
	bitsLeft
	bitsRight
)

// bitKernel computes op in T; the number of places of a shift is an int64.
func bitKernel[T integer](op bitwise, t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		x, m := slots[T](args[0].Array), args[0].mask()
		switch op {
		case bitsNot:
			for i := range out {
				out[i] = ^x[i&m]
			}
		case bitsLeft, bitsRight:
			places := intsOf(args[1])
			if i := firstBad(valid.bits, func(i int) bool { return places.at(i) < 0 }); i >= 0 {
				giveUp(valid, buf)
				return nil, errorf(CodeValue, "a shift by %d places", places.at(i))
			}
			shift(op, out, x, m, places)
		default:
			combineBits(op, out, x, slots[T](args[1].Array), m, args[1].mask())
		}
		return finish(t, valid, buf), nil
	}
}

func combineBits[T integer](op bitwise, out, x, y []T, mx, my int) {
	switch op {
	case bitsAnd:
		for i := range out {
			out[i] = x[i&mx] & y[i&my]
		}
	case bitsOr:
		for i := range out {
			out[i] = x[i&mx] | y[i&my]
		}
	default:
		for i := range out {
			out[i] = x[i&mx] ^ y[i&my]
		}
	}
}

// shift reads places as unsigned: what is negative in a NULL row does no harm.
func shift[T integer](op bitwise, out, x []T, m int, places intArg) {
	for i := range out {
		if k := uint64(places.at(i)); op == bitsLeft {
			out[i] = x[i&m] << k
		} else {
			out[i] = x[i&m] >> k
		}
	}
}

func bindBits(op bitwise) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		shifts := op == bitsLeft || op == bitsRight
		width := 32
		for i, a := range args {
			t := Logical(a.Type)
			if !isInt(t) && !isNull(t) {
				return nil, f.mismatch(args)
			}
			if isInt(t) && (i == 0 || !shifts) {
				width = max(width, signedWidth(t))
			}
		}
		t := signedOf(width)
		b := &Binding{Args: same(t, len(args)), Out: t}
		if shifts {
			b.Args[1] = int64Type
		}
		if width == 32 {
			b.Kernel = bitKernel[int32](op, t)
		} else {
			b.Kernel = bitKernel[int64](op, t)
		}
		return b, nil
	}
}
