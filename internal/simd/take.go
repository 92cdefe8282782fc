package simd

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// InRange reports whether all positions are at least 0 and below n. Cost: the
// read bandwidth of the level of memory idx is in.
func InRange(idx []int32, n int) bool {
	if len(idx) == 0 {
		return true
	}
	if n <= 0 {
		return false
	}
	limit := int32(min(n, math.MaxInt32))
	for len(idx) >= 32 {
		k := min(len(idx)&^31, maxRows)
		if int32(outside(idx[:k], limit)) < 0 {
			return false
		}
		idx = idx[k:]
	}
	return int32(outsideGo(idx, limit)) >= 0
}

func outsideGo(idx []int32, n int32) uint32 {
	var acc int32
	for _, x := range idx {
		acc |= x | (n - 1 - x)
	}
	return uint32(acc) & (1 << 31)
}

// Take stores src[idx[i]] in dst[i]. The positions must be [InRange] of src,
// which is not looked at again: others read foreign memory. T holds no pointers.
// Cost in L2: 0.3 ns per row of 8 bytes. Gathering instructions are no faster
// than loads one by one, so there is no kernel.
func Take[T any](dst, src []T, idx []int32) {
	sameLength("Take", len(dst), len(idx))
	size := unsafe.Sizeof(*new(T))
	from := unsafe.Pointer(unsafe.SliceData(src))
	at := func(i int32) T { return *(*T)(unsafe.Add(from, uintptr(i)*size)) }
	for len(idx) >= 4 {
		i, to := (*[4]int32)(idx), (*[4]T)(dst)
		to[0] = at(i[0])
		to[1] = at(i[1])
		to[2] = at(i[2])
		to[3] = at(i[3])
		idx, dst = idx[4:], dst[4:]
	}
	for i, x := range idx {
		dst[i] = at(x)
	}
}

// TakeBits stores bit idx[i] of src in bit i of dst, of whole words of 64 bits;
// the rest of the last word is cleared. The positions must be [InRange] of src.
// Cost in L1: 0.6 ns per row.
func TakeBits(dst, src []byte, idx []int32) {
	enoughBits("TakeBits", dst, (len(idx)+63)&^63)
	from := unsafe.Pointer(unsafe.SliceData(src))
	for len(idx) > 0 {
		var x uint64
		part := idx[:min(64, len(idx))]
		for i, j := range part {
			b := *(*byte)(unsafe.Add(from, uintptr(j)>>3))
			x |= uint64(b>>(j&7)&1) << i
		}
		binary.LittleEndian.PutUint64(dst, x)
		dst, idx = dst[8:], idx[len(part):]
	}
}
