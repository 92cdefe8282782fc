package parquet

import (
	"encoding/binary"
	"math/bits"
)

// A block of the delta encoding is 128 differences in four parts, each packed
// with as many bits as its largest difference above the least of the block needs.
const (
	deltaBlock = 128
	deltaPart  = 32
)

// appendDelta appends v as DELTA_BINARY_PACKED, differences wrapping around in
// the width of T. It reports false if that is not shorter than three quarters
// of the plain values; what it appended then is of no use. About 2 ns a value.
func appendDelta[T int32 | int64](b []byte, v []T, size int) ([]byte, bool) {
	if len(v) == 0 {
		return b, false
	}
	b = append(b, deltaBlock&0x7f|0x80, deltaBlock>>7, deltaBlock/deltaPart)
	b = binary.AppendUvarint(b, uint64(len(v)))
	b = binary.AppendUvarint(b, zigzag(int64(v[0])))
	start := len(b)
	last := v[0]
	for at := 1; at < len(v); at += deltaBlock {
		block := v[at:min(at+deltaBlock, len(v))]
		var diff [deltaBlock]T
		least := block[0] - last
		for i, x := range block {
			diff[i] = x - last
			least = min(least, diff[i])
			last = x
		}
		b = binary.AppendUvarint(b, zigzag(int64(least)))
		widths := len(b)
		b = append(b, 0, 0, 0, 0)
		for p := 0; p < len(block); p += deltaPart {
			var part [deltaPart]uint64
			var all uint64
			for i := range min(deltaPart, len(block)-p) {
				x := uint64(diff[p+i] - least)
				if size == 4 {
					x = uint64(uint32(x))
				}
				part[i] = x
				all |= x
			}
			width := bits.Len64(all)
			b[widths+p/deltaPart] = byte(width)
			b = appendPart(b, &part, width)
		}
		if done := at + len(block); done >= 8*deltaBlock || done == len(v) {
			if 4*(len(b)-start) > 3*size*done {
				return b, false
			}
		}
	}
	return b, true
}

func zigzag(x int64) uint64 { return uint64(x<<1) ^ uint64(x>>63) }

// appendPart appends 32 values of width bits.
func appendPart(b []byte, v *[deltaPart]uint64, width int) []byte {
	if width == 0 {
		return b
	}
	var acc uint64
	n := 0
	for _, x := range v {
		acc |= x << n
		if n += width; n < 64 {
			continue
		}
		b = binary.LittleEndian.AppendUint64(b, acc)
		n -= 64
		acc = x >> (width - n)
	}
	if n > 0 {
		b = binary.LittleEndian.AppendUint32(b, uint32(acc))
	}
	return b
}
