package kernels

import (
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// Random numbers are a function of a seed and the number of a row, so that a
// replay repeats them and no batch, worker or restart changes them: the generator
// is counter-based (Salmon and others 2011), with the mixing function of the
// engine for a cipher.

// RandomWord is the k-th random word of a row.
func RandomWord(seed, row int64, k uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15
	stream := simd.Mix(uint64(seed) + golden)
	return simd.Mix(simd.Mix(stream+uint64(row)) + (k+1)*golden)
}

// unitFloat is a word as a number from 0 to below 1, a multiple of 2^-53.
func unitFloat(w uint64) float64 { return float64(w>>11) * 0x1p-53 }

// randKernel is a random number of each row: f of its first two words. The
// arguments are the number of the row and the seed.
func randKernel(f func(a, b uint64) float64) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		row, seed := intsOf(args[0]), intsOf(args[1])
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		for i := range out {
			out[i] = f(RandomWord(seed.at(i), row.at(i), 0), RandomWord(seed.at(i), row.at(i), 1))
		}
		return finish(float64Type, valid, buf), nil
	}
}

func uniform(a, _ uint64) float64 { return unitFloat(a) }

// normal is the transform of Box and Muller; the logarithm is never that of 0.
func normal(a, b uint64) float64 {
	return math.Sqrt(-2*simd.Log(1-unitFloat(a))) * math.Cos(2*math.Pi*unitFloat(b))
}

// uuidKernel is a random UUID of each row, version 4 of RFC 9562. The arguments
// are those of randKernel.
func uuidKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	row, seed := intsOf(args[0]), intsOf(args[1])
	valid := strict(mem, n, args...)
	out := newText(mem, n, 36*n)
	var b [16]byte
	for i := range n {
		if !valid.get(i) {
			out.skip(i)
			continue
		}
		binary.BigEndian.PutUint64(b[:], RandomWord(seed.at(i), row.at(i), 0))
		binary.BigEndian.PutUint64(b[8:], RandomWord(seed.at(i), row.at(i), 1))
		b[6] = b[6]&0x0f | 0x40
		b[8] = b[8]&0x3f | 0x80
		dst := hex.AppendEncode(out.tail(), b[:4])
		for at := 4; at < 10; at += 2 {
			dst = hex.AppendEncode(append(dst, '-'), b[at:at+2])
		}
		out.put(i, hex.AppendEncode(append(dst, '-'), b[10:]))
	}
	return out.finish(textType, valid)
}
