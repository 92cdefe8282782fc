package parquet

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// maxDeltaValues bounds the values of a page in a delta encoding, which is
// decoded as a whole: constant runs take no bytes, so that the size of the page
// is no bound.
const maxDeltaValues = 4 << 20

// decodeDelta decodes DELTA_BINARY_PACKED values into dst[:0] and returns them
// and what follows in src. At most limit values are accepted. size is 4 or 8,
// the bytes of the type: sums wrap there.
func decodeDelta(dst []int64, src []byte, limit, size int) (values []int64, rest []byte, err error) {
	var head [4]uint64
	for i := range head {
		x, n := binary.Uvarint(src)
		if n <= 0 {
			return nil, nil, errFewValues
		}
		head[i], src = x, src[n:]
	}
	blockSize, minis, total := head[0], head[1], head[2]
	switch {
	case blockSize == 0 || blockSize%128 != 0 || blockSize > 1<<20:
		return nil, nil, fmt.Errorf("delta block size %d is not a multiple of 128", blockSize)
	case minis == 0 || minis > 512 || blockSize/minis%32 != 0 || blockSize%minis != 0:
		return nil, nil, fmt.Errorf("delta block of %d values has %d parts", blockSize, minis)
	case total > uint64(limit):
		return nil, nil, fmt.Errorf("delta page claims %d values where %d are due", total, limit)
	}
	dst = dst[:0]
	if total == 0 {
		return dst, src, nil
	}
	last := unzigzag(head[3])
	dst = append(slices.Grow(dst, int(total)), last)
	perMini := int(blockSize / minis)
	for uint64(len(dst)) < total {
		x, n := binary.Uvarint(src)
		if n <= 0 || len(src)-n < int(minis) {
			return nil, nil, errFewValues
		}
		least := unzigzag(x)
		widths := src[n : n+int(minis)]
		src = src[n+int(minis):]
		for _, w := range widths {
			left := int(total) - len(dst)
			if left == 0 {
				break // parts behind the last value take no bytes
			}
			if w > 64 {
				return nil, nil, fmt.Errorf("delta bit width %d is out of range", w)
			}
			n := min(perMini, left)
			need := perMini * int(w) / 8
			if need > len(src) {
				if need = (n*int(w) + 7) / 8; need > len(src) {
					return nil, nil, errFewValues
				}
			}
			dst = dst[:len(dst)+n]
			last = addDeltas(dst[len(dst)-n:], src, int(w), least, last)
			src = src[need:]
		}
	}
	if size == 4 {
		for i, v := range dst {
			dst[i] = int64(int32(v))
		}
	}
	return dst, src, nil
}

// addDeltas fills out with sums that begin behind last: each adds least and the
// next width bits of src, which has enough of them. It returns the last sum.
// Cost: 1 ns per value, as long as eight bytes can be read for each of them.
func addDeltas(out []int64, src []byte, width int, least, last int64) int64 {
	if width == 0 {
		for i := range out {
			last += least
			out[i] = last
		}
		return last
	}
	i := 0
	if width <= 56 { // and 7 bits before them in the first byte
		mask := uint64(1)<<width - 1
		for at := 0; i < len(out) && at>>3+8 <= len(src); i++ {
			last += least + int64(binary.LittleEndian.Uint64(src[at>>3:])>>(at&7)&mask)
			out[i] = last
			at += width
		}
	}
	for ; i < len(out); i++ {
		last += least + int64(bitsAt(src, i*width, width))
		out[i] = last
	}
	return last
}

func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// bitsAt is the number of width bits, 1 to 64, at bit position at of b, which
// holds them.
func bitsAt(b []byte, at, width int) uint64 {
	p, shift := b[at>>3:], uint(at&7)
	var x uint64
	if len(p) >= 9 {
		x = binary.LittleEndian.Uint64(p) >> shift
		if shift > 0 {
			x |= uint64(p[8]) << (64 - shift)
		}
	} else {
		for i, c := range p[:min(len(p), 9)] {
			if i < 8 {
				x |= uint64(c) << (8 * i) >> shift
			} else {
				x |= uint64(c) << (64 - shift)
			}
		}
	}
	return x & (^uint64(0) >> (64 - width))
}

// decodeDeltaLengths decodes DELTA_LENGTH_BYTE_ARRAY: n+1 offsets and the bytes
// they point into, which alias src.
func decodeDeltaLengths(src []byte, limit int) (offsets []int64, data []byte, err error) {
	lengths, rest, err := decodeDelta(nil, src, limit, 4)
	if err != nil {
		return nil, nil, err
	}
	return sumLengths(lengths, rest)
}

func sumLengths(lengths []int64, rest []byte) (offsets []int64, data []byte, err error) {
	offsets = make([]int64, len(lengths)+1)
	for i, n := range lengths {
		if n < 0 || n > int64(len(rest))-offsets[i] {
			return nil, nil, fmt.Errorf("string of length %d does not fit its page", n)
		}
		offsets[i+1] = offsets[i] + n
	}
	return offsets, rest, nil
}

// decodeDeltaStrings decodes DELTA_BYTE_ARRAY: each value is a prefix of the
// one before and a suffix. The result is at most maxBytes long.
func decodeDeltaStrings(src []byte, limit int, maxBytes int64) (offsets []int64, data []byte, err error) {
	prefixes, rest, err := decodeDelta(nil, src, limit, 4)
	if err != nil {
		return nil, nil, err
	}
	suffixAt, suffixes, err := decodeDeltaLengths(rest, limit)
	if err != nil {
		return nil, nil, err
	}
	if len(prefixes) != len(suffixAt)-1 {
		return nil, nil, fmt.Errorf("page holds %d prefixes and %d suffixes", len(prefixes), len(suffixAt)-1)
	}
	offsets = make([]int64, len(prefixes)+1)
	var before []byte
	for i, p := range prefixes {
		if p < 0 || p > int64(len(before)) {
			return nil, nil, fmt.Errorf("prefix of length %d is longer than the value before", p)
		}
		start := len(data)
		data = append(data, before[:p]...)
		data = append(data, suffixes[suffixAt[i]:suffixAt[i+1]]...)
		if int64(len(data)) > maxBytes {
			return nil, nil, fmt.Errorf("strings of one page are longer than %d bytes", maxBytes)
		}
		before = data[start:]
		offsets[i+1] = int64(len(data))
	}
	return offsets, data, nil
}
