package simd

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"unsafe"
)

// element are the types of the slices that primitives take.
type element interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// placement says where in its memory a slice lies.
type placement int

const (
	atOffset placement = iota // at a number of elements behind the start, between guard bytes
	atEnd                     // so that the byte behind it cannot be read
	atStart                   // so that the byte before it cannot be read
)

// arena hands out the slices of one run of a primitive and holds what came out
// of it. What is not inside a slice must not change, and inputs neither.
type arena struct {
	t     *testing.T
	rng   *rand.Rand
	n     int // rows of this run
	off   int // elements, for atOffset
	place placement
	mix   int // which values and bits: see input and Bits

	pages []region
	used  int
	out   []any
}

// region is memory between two pages that cannot be touched, with the slice in
// use and what the whole looked like.
type region struct {
	mem    []byte
	before []byte
	lo, hi int  // the slice
	output bool // the slice may change
}

const regionBytes = 64 << 10

// guards is what memory holds before it is used.
var guards = bytes.Repeat([]byte{0xA5}, regionBytes)

// newArena reserves memory for the slices of a run, until the test ends.
func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{t: t, pages: make([]region, 40)}
	page := syscall.Getpagesize()
	for i := range a.pages {
		raw, err := syscall.Mmap(-1, 0, regionBytes+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Munmap(raw) })
		for _, fence := range [][]byte{raw[:page], raw[page+regionBytes:]} {
			if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
				t.Fatal(err)
			}
		}
		a.pages[i].mem = raw[page : page+regionBytes]
		a.pages[i].before = make([]byte, regionBytes)
	}
	return a
}

// reset begins a run whose slices and values depend on the arguments alone.
func (a *arena) reset(seed uint64, n, off int, place placement, mix int) {
	a.rng = rand.New(rand.NewPCG(seed, uint64(n)))
	a.n, a.off, a.place, a.mix, a.used, a.out = n, off, place, mix, 0, nil
}

// take places a slice of n elements.
func take[T element](a *arena, n int, output bool) []T {
	r := &a.pages[a.used]
	a.used++
	size := int(unsafe.Sizeof(*new(T)))
	switch a.place {
	case atEnd:
		r.lo = regionBytes - n*size
	case atStart:
		r.lo = 0
	default:
		r.lo = 256 + a.off*size
	}
	r.hi, r.output = r.lo+n*size, output
	// Only the neighbourhood of the slice is looked at: it is what a wrong
	// kernel would write to.
	lo, hi := r.window()
	copy(r.mem[lo:hi], guards)
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&r.mem[r.lo])), n)
}

func (r *region) window() (lo, hi int) { return max(0, r.lo-256), min(regionBytes, r.hi+256) }

// input is a slice of n values: mix 0 and 1 have special values among random
// ones, 2 random numbers of similar size, 3 few different small numbers.
func input[T element](a *arena, n int) []T {
	v := take[T](a, n, false)
	for i := range v {
		v[i] = value[T](a)
	}
	r := &a.pages[a.used-1]
	lo, hi := r.window()
	copy(r.before[lo:hi], r.mem[lo:hi])
	return v
}

// touched says that the run itself has changed its inputs: they are as they
// should be now.
func (a *arena) touched() {
	for i := range a.pages[:a.used] {
		r := &a.pages[i]
		lo, hi := r.window()
		copy(r.before[lo:hi], r.mem[lo:hi])
	}
}

// output is a slice of n elements for results, which are compared.
func output[T element](a *arena, n int) []T {
	v := take[T](a, n, true)
	r := &a.pages[a.used-1]
	lo, hi := r.window()
	copy(r.before[lo:hi], r.mem[lo:hi])
	a.keep(v)
	return v
}

// inout is a slice of n values that may change and is compared afterwards.
func inout[T element](a *arena, n int) []T {
	v := input[T](a, n)
	a.pages[a.used-1].output = true
	a.keep(v)
	return v
}

// keep holds results to compare: numbers, slices of them, and pointers to
// arrays of lanes.
func (a *arena) keep(results ...any) { a.out = append(a.out, results...) }

// bitmap is n bits: all set, none set, random, mostly set or rarely set.
func bitmap(a *arena, n int) []byte {
	v := take[byte](a, (n+7)/8, false)
	kind := a.rng.IntN(5)
	for i := range v {
		v[i] = 0
		for b := range 8 {
			set := [...]bool{true, false, a.rng.IntN(2) == 0, a.rng.IntN(10) > 0, a.rng.IntN(10) == 0}[kind]
			if set {
				v[i] |= 1 << b
			}
		}
	}
	r := &a.pages[a.used-1]
	lo, hi := r.window()
	copy(r.before[lo:hi], r.mem[lo:hi])
	return v
}

// intact fails when something changed that must not.
func (a *arena) intact() error {
	for i := range a.pages[:a.used] {
		r := &a.pages[i]
		lo, hi := r.window()
		if r.output {
			copy(r.before[r.lo:r.hi], r.mem[r.lo:r.hi])
		}
		if bytes.Equal(r.mem[lo:hi], r.before[lo:hi]) {
			continue
		}
		for p := lo; p < hi; p++ {
			if r.mem[p] == r.before[p] {
				continue
			}
			what := "outside of"
			if p >= r.lo && p < r.hi {
				what = "in the input of"
			}
			return fmt.Errorf("wrote %s slice %d, at byte %d of [0,%d)", what, i, p-r.lo, r.hi-r.lo)
		}
	}
	return nil
}

// results are the bits of what was kept; every NaN is the same.
func (a *arena) results() []uint64 {
	var bits []uint64
	for _, x := range a.out {
		bits = appendBits(bits, x)
	}
	return bits
}

func appendBits(bits []uint64, x any) []uint64 {
	switch x := x.(type) {
	case float64:
		if x != x {
			return append(bits, math.Float64bits(math.NaN()))
		}
		return append(bits, math.Float64bits(x))
	case float32:
		if x != x {
			return append(bits, uint64(math.Float32bits(float32(math.NaN()))))
		}
		return append(bits, uint64(math.Float32bits(x)))
	case int:
		return append(bits, uint64(x))
	case int64:
		return append(bits, uint64(x))
	case int32:
		return append(bits, uint64(x))
	case uint64:
		return append(bits, x)
	case uint32:
		return append(bits, uint64(x))
	case bool:
		if x {
			return append(bits, 1)
		}
		return append(bits, 0)
	case *[32]float64:
		return appendBits(bits, x[:])
	case []float64:
		for _, v := range x {
			if v != v {
				v = math.NaN()
			}
			bits = append(bits, math.Float64bits(v))
		}
		return bits
	case []float32:
		for _, v := range x {
			if v != v {
				v = float32(math.NaN())
			}
			bits = append(bits, uint64(math.Float32bits(v)))
		}
		return bits
	case []int64:
		return appendInts(bits, x)
	case []int32:
		return appendInts(bits, x)
	case []uint64:
		return append(bits, x...)
	case []uint32:
		return appendInts(bits, x)
	case []uint16:
		return appendInts(bits, x)
	case []uint8:
		return appendInts(bits, x)
	}
	panic(fmt.Sprintf("arena: keep of %T", x))
}

func appendInts[T int64 | int32 | uint32 | uint16 | uint8](bits []uint64, v []T) []uint64 {
	for _, x := range v {
		bits = append(bits, uint64(x))
	}
	return bits
}

// value is one element of the mix of the run.
func value[T element](a *arena) T {
	var v T
	switch p := any(&v).(type) {
	case *float64:
		*p = floatValue(a, specialFloat64s)
	case *float32:
		*p = float32(floatValue(a, specialFloat32s))
	default:
		v = intValue[T](a)
	}
	return v
}

var specialFloat64s = []float64{
	0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Float64frombits(0xfff8000000000123), math.Inf(1), math.Inf(-1),
	math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 0x1p-1022, 7, 1e300,
}

var specialFloat32s = []float64{
	0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1),
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 7,
}

func floatValue(a *arena, special []float64) float64 {
	switch {
	case a.mix == 3:
		return float64(a.rng.IntN(5) - 2)
	case a.mix < 2 && a.rng.IntN(4>>(2*a.mix)+1) == 0:
		return special[a.rng.IntN(len(special))]
	}
	return a.rng.NormFloat64() * math.Pow(10, float64(a.rng.IntN(5)))
}

func intValue[T element](a *arena) T {
	bits := 8 * int(unsafe.Sizeof(*new(T)))
	switch {
	case a.mix == 3:
		return T(a.rng.IntN(5))
	case a.mix < 2 && a.rng.IntN(4>>(2*a.mix)+1) == 0:
		ones, low := ^uint64(0), uint64(1)<<(bits-1) // low is the least of the signed, the middle of the unsigned
		return T([...]uint64{0, 1, ones, low, low - 1, low + 1}[a.rng.IntN(6)])
	}
	return T(a.rng.Uint64() >> a.rng.IntN(bits))
}
