package generator

import "math/bits"

const golden = 0x9E3779B97F4A7C15

// mix64 is the finalizer of SplitMix64.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// rng is a SplitMix64 stream.
type rng struct{ s uint64 }

// stream is the random stream of key k: mixing twice keeps the streams of
// neighbouring keys apart.
func stream(seed, k uint64) rng { return rng{mix64(mix64(k+golden) ^ seed)} }

func (r *rng) next() uint64 {
	r.s += golden
	return mix64(r.s)
}

// intn is a number in [0, n).
func (r *rng) intn(n uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), n)
	return hi
}

// float is a number in [0, 1).
func (r *rng) float() float64 { return float64(r.next()>>11) * 0x1p-53 }
