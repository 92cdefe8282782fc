package mlkernels

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// buffer keeps a row of a model without centers. When the rows suffice, it
// sets the centers and learns the buffered rows.
func (m *kmeans) buffer(row []float64) {
	m.waiting++
	if i := m.pending.find(row); i >= 0 {
		m.pending.w[i]++
	} else {
		m.pending.add(row, nil, 0, 1)
	}
	n := len(m.pending.y)
	if n < m.k || m.opt.Init == "kmeans++" && m.waiting < m.opt.InitRows {
		return
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i], _ = m.pending.row(i)
		if m.scaler != nil {
			z := make([]float64, m.d)
			m.scaler.Transform(z, rows[i])
			rows[i] = z
		}
	}
	chosen := make([]int, m.k)
	for i := range chosen {
		chosen[i] = i
	}
	if m.opt.Init == "kmeans++" {
		if chosen = plusPlus(rows, m.pending.w, m.k, m.opt.Seed); len(chosen) < m.k {
			return
		}
	}
	centers := make([]float64, 0, m.k*m.d)
	for _, i := range chosen {
		centers = append(centers, rows[i]...)
	}
	m.start(centers)
	m.absorbBuffered(rows, m.pending.w)
	m.pending, m.waiting = rowBuffer{}, 0
}

// absorbBuffered learns the rows that centers were chosen from as one group
// without forgetting. Every center is one of the rows and gets at least one.
func (m *kmeans) absorbBuffered(rows [][]float64, counts []float64) {
	for i, row := range rows {
		best, _ := m.nearest(row)
		for f, v := range row {
			m.sums[best*m.d+f] = math.FMA(counts[i], v, m.sums[best*m.d+f])
		}
		m.counts[best] += counts[i]
	}
	m.applyGroup(1)
}

// find is the position of the buffered row equal to row, or -1.
func (b *rowBuffer) find(row []float64) int {
	for i := range b.y {
		if have, _ := b.row(i); slices.Equal(have, row) {
			return i
		}
	}
	return -1
}

// distance is the square of the distance of x to the nearest chosen row.
func distance(rows [][]float64, chosen []int, x []float64) float64 {
	least := math.Inf(1)
	for _, c := range chosen {
		s := 0.0
		for f, v := range rows[c] {
			s = math.FMA(x[f]-v, x[f]-v, s)
		}
		least = min(least, s)
	}
	return least
}

// plusPlus chooses k rows by k-means++ (Arthur, Vassilvitskii 2007): each with
// a probability proportional to the square of its distance to those before.
// counts is how often each row came.
func plusPlus(rows [][]float64, counts []float64, k int, seed uint64) []int {
	g := rand.New(rand.NewPCG(seed, 0x6b2d6d65616e732b))
	chosen := []int{int(g.Uint64N(uint64(len(rows))))}
	least := make([]float64, len(rows))
	for i := range least {
		least[i] = math.Inf(1)
	}
	for len(chosen) < k {
		total := 0.0
		last := chosen[len(chosen)-1:]
		for i, row := range rows {
			least[i] = min(least[i], distance(rows, last, row))
			total += float64(least[i] * counts[i])
		}
		if total == 0 {
			return chosen
		}
		at := float64(g.Float64() * total)
		pick := -1
		for i, v := range least {
			if v > 0 {
				pick = i
			}
			if at -= float64(v * counts[i]); at < 0 && pick >= 0 {
				break
			}
		}
		chosen = append(chosen, pick)
	}
	return chosen
}

// xorShift is Spark's XORShiftRandom with the normal numbers of
// java.util.Random on top (Spark: util/random/XORShiftRandom.scala).
type xorShift struct {
	state int64
	have  bool
	next  float64
}

func newXORShift(seed int64) *xorShift {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(seed))
	low := murmur3(b[:], 0x3c074a61)
	high := murmur3(b[:], low)
	return &xorShift{state: int64(uint64(high)<<32 | uint64(low))}
}

func (g *xorShift) bits(n uint) int64 {
	s := uint64(g.state)
	s ^= s << 21
	s ^= s >> 35
	s ^= s << 4
	g.state = int64(s)
	return int64(s & (1<<n - 1))
}

// double is uniform on [0, 1).
func (g *xorShift) double() float64 {
	return float64(g.bits(26)<<27+g.bits(27)) / (1 << 53)
}

// gaussian is a standard normal number by the polar method.
func (g *xorShift) gaussian() float64 {
	if g.have {
		g.have = false
		return g.next
	}
	for {
		v1, v2 := 2*g.double()-1, 2*g.double()-1
		s := float64(v1*v1) + float64(v2*v2)
		if s >= 1 || s == 0 {
			continue
		}
		f := math.Sqrt(-2 * simd.Log(s) / s)
		g.have, g.next = true, v2*f
		return v1 * f
	}
}

// murmur3 is the 32-bit MurmurHash3 of data, whose length is a multiple of 4,
// as scala.util.hashing.MurmurHash3.bytesHash computes it.
func murmur3(data []byte, seed uint32) uint32 {
	h := seed
	for i := 0; i+4 <= len(data); i += 4 {
		k := binary.LittleEndian.Uint32(data[i:])
		k *= 0xcc9e2d51
		k = bits.RotateLeft32(k, 15)
		k *= 0x1b873593
		h ^= k
		h = bits.RotateLeft32(h, 13)
		h = h*5 + 0xe6546b64
	}
	h ^= uint32(len(data))
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return h
}
