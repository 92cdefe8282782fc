package kernels

import (
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func cot(x float64) float64 { return 1 / math.Tan(x) }

// constantKernel is a number for every row.
func constantKernel(v float64) Kernel {
	return func(mem memory.Allocator, n int, _ []Datum) (arrow.Array, error) {
		buf, out := fixed[float64](mem, n)
		for i := range out {
			out[i] = v
		}
		return finish(float64Type, noNulls(mem, n), buf), nil
	}
}

// nanvl is x, or y where x is NaN: NULL only where what it takes is.
func nanvl(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if args[0].Null() {
		return Nulls(mem, float64Type, n), nil
	}
	x, mx := columnar.Values[float64](args[0].Array), args[0].mask()
	y, my := columnar.Values[float64](args[1].Array), args[1].mask()
	there := validBits(args[1], n)
	valid := strict(mem, n, args[0])
	buf, out := fixed[float64](mem, n)
	for i := range out {
		if v := x[i&mx]; v == v {
			out[i] = v
			continue
		}
		if !valid.get(i) {
			continue
		}
		if !there.Get(i) {
			valid.null(i)
			continue
		}
		out[i] = y[i&my]
	}
	return finish(float64Type, valid, buf), nil
}

// pmodInts is the remainder with the sign of the divisor: the positive one for a
// positive divisor.
func pmodInts[T integer](out, x, y []T, mx, my int, valid columnar.Bitmap) int {
	bad := modInts(out, x, y, mx, my, valid)
	for i, r := range out {
		if b := y[i&my]; r != 0 && (r < 0) != (b < 0) {
			out[i] = r + b
		}
	}
	return bad
}

// pmodFloat is pmodInts of floats; NaN for a divisor of 0.
func pmodFloat(x, y float64) float64 {
	r := math.Mod(x, y)
	if r != 0 && (r < 0) != (y < 0) {
		r += y
	}
	return r
}

// bindPMod takes integers as they are and all else as DOUBLE.
func bindPMod(f *Function, args []Arg) (*Binding, error) {
	x, y := Logical(args[0].Type), Logical(args[1].Type)
	if !isInt(x) || !isInt(y) {
		return scalar(float64Type, mapFloats2(pmodFloat), float64Type)(f, args)
	}
	if max(signedWidth(x), signedWidth(y)) <= 32 {
		return failing(scalar(int32Type, divide("PMOD", pmodInts[int32], int32Type), int32Type))(f, args)
	}
	return failing(scalar(int64Type, divide("PMOD", pmodInts[int64], int64Type), int64Type))(f, args)
}

// bitCount is the number of bits that are set in an integer as it is stored, in
// 64 bits for all types as in Spark: of -1 it is 64.
func bitCount(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i, v := range columnar.Values[int64](args[0].Array) {
		out[i] = int32(bits.OnesCount64(uint64(v)))
	}
	return finish(int32Type, valid, buf), nil
}

// widthBucket is WIDTH_BUCKET(x, lo, hi, n): in which of n buckets of equal width
// x lies, 0 below the first and n + 1 above the last. hi below lo counts down.
// NULL where there are no buckets: n below 1, lo = hi, NaN or an infinite bound.
func widthBucket(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int64Type, n), nil
	}
	var v [3][]float64
	var m [3]int
	for k := range v {
		v[k], m[k] = columnar.Values[float64](args[k].Array), args[k].mask()
	}
	buckets := intsOf(args[3])
	valid := strict(mem, n, args...)
	buf, out := fixed[int64](mem, n)
	for i := range out {
		if !valid.get(i) {
			continue
		}
		x, lo, hi, count := v[0][i&m[0]], v[1][i&m[1]], v[2][i&m[2]], buckets.at(i)
		if x != x || lo == hi || lo-lo != 0 || hi-hi != 0 || count < 1 || count == math.MaxInt64 {
			valid.null(i)
			continue
		}
		out[i] = bucketOf(x, lo, hi, count)
	}
	return finish(int64Type, valid, buf), nil
}

// bucketOf scales by halves, so that no difference is infinite.
func bucketOf(x, lo, hi float64, count int64) int64 {
	if lo > hi {
		x, lo, hi = -x, -lo, -hi
	}
	switch {
	case x < lo:
		return 0
	case x >= hi:
		return count + 1
	}
	share := (x/2 - lo/2) / (hi/2 - lo/2)
	return min(int64(share*float64(count)), count-1) + 1
}

func bindWidthBucket(f *Function, args []Arg) (*Binding, error) {
	return nulls(NullPossible, scalar(int64Type, widthBucket, float64Type, float64Type, float64Type, int64Type))(f, args)
}
