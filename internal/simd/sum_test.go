package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

var sumTwins = []twin{
	{"SumFloat64", func(a *arena) {
		var acc [32]float64
		SumFloat64(&acc, input[float64](a, a.n))
		a.keep(&acc)
	}},
	{"SumFloat64Valid", func(a *arena) {
		var acc [32]float64
		SumFloat64Valid(&acc, input[float64](a, a.n), bitmap(a, a.n))
		a.keep(&acc)
	}},
	{"SumFloat32", func(a *arena) {
		var acc [32]float64
		SumFloat32(&acc, input[float32](a, a.n))
		a.keep(&acc)
	}},
	{"SumFloat32Valid", func(a *arena) {
		var acc [32]float64
		SumFloat32Valid(&acc, input[float32](a, a.n), bitmap(a, a.n))
		a.keep(&acc)
	}},
	{"SumInt32", func(a *arena) { a.keep(SumInt32(input[int32](a, a.n))) }},
	{"SumInt32Valid", func(a *arena) { a.keep(SumInt32Valid(input[int32](a, a.n), bitmap(a, a.n))) }},
	{"SumInt64", func(a *arena) { keepTotal(a, SumInt64(input[int64](a, a.n))) }},
	{"SumInt64Valid", func(a *arena) { keepTotal(a, SumInt64Valid(input[int64](a, a.n), bitmap(a, a.n))) }},
	{"SumUint64", func(a *arena) { keepTotal(a, SumUint64(input[uint64](a, a.n))) }},
	{"SumUint64Valid", func(a *arena) { keepTotal(a, SumUint64Valid(input[uint64](a, a.n), bitmap(a, a.n))) }},
}

func keepTotal(a *arena, t Total) { a.keep(t.High, t.Low) }

// TestSumsAreExact adds integers of every size with math/big, with and without
// nulls, and floats row by row into their lanes.
func TestSumsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 31, 32, 33, 64, 100, 1000, maxRows + 33} {
		ints, unsigneds, narrow, floats, singles := make([]int64, n), make([]uint64, n), make([]int32, n), make([]float64, n), make([]float32, n)
		valid := make([]byte, bytesOf(n))
		var all, some, unsigned big.Int
		var all32, some32 int64
		var want64, want32 [32]float64
		for i := range n {
			ints[i] = int64(rng.Uint64()) >> rng.IntN(64)
			if rng.IntN(8) == 0 {
				ints[i] = [...]int64{math.MinInt64, math.MaxInt64}[rng.IntN(2)]
			}
			unsigneds[i] = uint64(ints[i])
			narrow[i], floats[i], singles[i] = int32(ints[i]), rng.NormFloat64(), float32(rng.NormFloat64())
			all.Add(&all, big.NewInt(ints[i]))
			all32 += int64(narrow[i])
			unsigned.Add(&unsigned, new(big.Int).SetUint64(uint64(ints[i])))
			if rng.IntN(3) == 0 {
				floats[i], singles[i] = math.NaN(), float32(math.Inf(1)) // nulls hide what they hold
				continue
			}
			valid[i/8] |= 1 << (i % 8)
			some.Add(&some, big.NewInt(ints[i]))
			some32 += int64(narrow[i])
			want64[i%32] += floats[i]
			want32[i%32] += float64(singles[i])
		}
		for _, l := range Levels() {
			defer Use(Use(l))
			if got := bigTotal(SumInt64(ints)); got.Cmp(&all) != 0 {
				t.Errorf("%s: sum of %d int64 is %v, want %v", l, n, got, &all)
			}
			if got := bigTotal(SumInt64Valid(ints, valid)); got.Cmp(&some) != 0 {
				t.Errorf("%s: sum of %d int64 with nulls is %v, want %v", l, n, got, &some)
			}
			if got := bigTotal(SumUint64(unsigneds)); got.Cmp(&unsigned) != 0 {
				t.Errorf("%s: sum of %d uint64 is %v, want %v", l, n, got, &unsigned)
			}
			if got := SumInt32(narrow); got != all32 {
				t.Errorf("%s: sum of %d int32 is %v, want %v", l, n, got, all32)
			}
			if got := SumInt32Valid(narrow, valid); got != some32 {
				t.Errorf("%s: sum of %d int32 with nulls is %v, want %v", l, n, got, some32)
			}
			var got64, got32 [32]float64
			SumFloat64Valid(&got64, floats, valid)
			SumFloat32Valid(&got32, singles, valid)
			if got64 != want64 || got32 != want32 {
				t.Errorf("%s: lanes of %d floats with nulls differ", l, n)
			}
		}
	}
}

func bigTotal(t Total) *big.Int {
	x := big.NewInt(int64(t.High))
	return x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(t.Low))
}

// TestSumIsNearTheExactSum adds with math/big: lanes lose no more than
// pairwise summation does.
func TestSumIsNearTheExactSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 10_007)
	exact, size := new(big.Float).SetPrec(2000), 0.0
	for i := range x {
		x[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(12)))
		exact.Add(exact, big.NewFloat(x[i]))
		size += math.Abs(x[i])
	}
	var acc [32]float64
	SumFloat64(&acc, x)
	want, _ := exact.Float64()
	if got := LanesValue(&acc); math.Abs(got-want) > 1e-13*size {
		t.Errorf("sum is %v, exactly %v", got, want)
	}
}

// TestSumOfCutsIsTheSame adds rows in pieces, with the lanes rotated to where
// each piece begins.
func TestSumOfCutsIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, 200_000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	var whole [32]float64
	SumFloat64(&whole, x)
	for _, l := range Levels() {
		defer Use(Use(l))
		var acc [32]float64
		cuts(rng, len(x), func(lo, hi int) {
			RotateLanes(&acc, lo)
			SumFloat64(&acc, x[lo:hi])
			RotateLanes(&acc, -lo)
		})
		if acc != whole {
			t.Errorf("level %s: lanes differ from those of one call", l)
		}
	}
}
