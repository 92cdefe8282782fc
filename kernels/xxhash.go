package kernels

import (
	"encoding/binary"
	"math/bits"
)

// xxHash64 is the XXH64 hash of s with seed 0 (the published algorithm of
// Y. Collet), as a signed integer.
func xxHash64(s []byte) int64 {
	const (
		p1 = 11400714785074694791
		p2 = 14029467366897019727
		p3 = 1609587929392839161
		p4 = 9650029242287828579
		p5 = 2870177450012600261
	)
	round := func(acc, lane uint64) uint64 { return bits.RotateLeft64(acc+lane*p2, 31) * p1 }
	h := uint64(p5)
	size := uint64(len(s))
	if len(s) >= 32 {
		one, two := uint64(p1), uint64(p2)
		acc := [4]uint64{one + two, two, 0, -one}
		for ; len(s) >= 32; s = s[32:] {
			for k := range acc {
				acc[k] = round(acc[k], binary.LittleEndian.Uint64(s[8*k:]))
			}
		}
		h = bits.RotateLeft64(acc[0], 1) + bits.RotateLeft64(acc[1], 7) + bits.RotateLeft64(acc[2], 12) + bits.RotateLeft64(acc[3], 18)
		for _, a := range acc {
			h = (h^round(0, a))*p1 + p4
		}
	}
	h += size
	for ; len(s) >= 8; s = s[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(s)), 27)*p1 + p4
	}
	if len(s) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(s))*p1, 23)*p2 + p3
		s = s[4:]
	}
	for _, c := range s {
		h = bits.RotateLeft64(h^uint64(c)*p5, 11) * p1
	}
	h = (h ^ h>>33) * p2
	h = (h ^ h>>29) * p3
	return int64(h ^ h>>32)
}
