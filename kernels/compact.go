package kernels

import (
	"math/bits"
	"unsafe"

	"github.com/arrowstream/arrowstream/columnar"
)

// compact moves the values of src whose bit is set to the front of dst, which
// has room for exactly them. Per word of 64 rows it walks the set bits when
// there are few of them, copies when there are few runs, and else writes every
// value and steps on only past the kept ones, without a branch.
func compact[T any](dst, src []T, keep columnar.Bitmap) {
	n := 0
	for w := range keep.Words() {
		x := keep.Word(w)
		if x == 0 {
			continue
		}
		part := src[64*w : min(64*w+64, len(src))]
		ones := bits.OnesCount64(x)
		runs := bits.OnesCount64(x &^ (x << 1))
		switch {
		case runs <= 3 && ones > 8:
			copyRuns(dst[n:], part, x)
		case ones <= 22 || n+ones == len(dst):
			// Also the last word, which may be short: compactWord writes past
			// what it keeps.
			out := dst[n : n+ones]
			for i := range out {
				out[i] = part[bits.TrailingZeros64(x)&63]
				x &= x - 1
			}
		default:
			compactWord(&dst[n], (*[64]T)(part), x)
		}
		n += ones
	}
}

// copyRuns copies run by run.
func copyRuns[T any](dst, part []T, x uint64) {
	for n := 0; x != 0; {
		i := bits.TrailingZeros64(x)
		k := bits.TrailingZeros64(^(x >> i))
		n += copy(dst[n:], part[i:i+k])
		if i+k == 64 {
			return
		}
		x &^= (1<<k - 1) << i
	}
}

// compactWord is compact for 64 rows, without bounds checks: every value is
// written, and the next one over it unless its bit is set. There must be room
// at dst for one value more than x has set bits.
func compactWord[T any](dst *T, src *[64]T, x uint64) {
	size, at := unsafe.Sizeof(*dst), uintptr(0)
	for k := 0; k < 64; k += 8 {
		v := (*[8]T)(src[k:])
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[0]
		at += uintptr(x & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[1]
		at += uintptr(x >> 1 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[2]
		at += uintptr(x >> 2 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[3]
		at += uintptr(x >> 3 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[4]
		at += uintptr(x >> 4 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[5]
		at += uintptr(x >> 5 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[6]
		at += uintptr(x >> 6 & 1)
		*(*T)(unsafe.Add(unsafe.Pointer(dst), at*size)) = v[7]
		at += uintptr(x >> 7 & 1)
		x >>= 8
	}
}
