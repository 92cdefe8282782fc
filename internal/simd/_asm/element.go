package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem is a type of elements of columns. Names of kernels end with name.
type elem struct {
	name string // Float64
	typ  string // float64
	size int    // bytes
	real bool   // a floating-point type
}

var elems = []elem{
	{"Int32", "int32", 4, false},
	{"Int64", "int64", 8, false},
	{"Float32", "float32", 4, true},
	{"Float64", "float64", 8, true},
}

// vectors is the number of vectors that hold rows elements.
func (k *code) vectors(e elem, rows int) int { return rows * e.size / k.width }

// read loads a vector of any type.
func (k *code) read(m operand.Mem) reg.VecVirtual {
	v := k.vec()
	k.VMOVUPD(m, v)
	return v
}

// every is a vector whose elements are all the parameter called name, read
// from memory: a move through a register would be legacy SSE.
func (k *code) every(e elem, name string) reg.VecVirtual {
	v := k.vec()
	c, err := k.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	if e.size == 8 {
		k.VBROADCASTSD(c.Addr, v)
	} else {
		k.VBROADCASTSS(c.Addr, v)
	}
	return v
}

// zero is a vector of zeros.
func (k *code) zero() reg.VecVirtual {
	v := k.vec()
	if k.wide() {
		k.VPXORQ(v, v, v)
	} else {
		k.VPXOR(v, v, v)
	}
	return v
}

// validity turns a bitmap, 32 rows at a time, into masks of vectors. AVX2
// masks are the sign bits of elements: the 32 bits stand in every element and
// are shifted to the left, each by its own count. AVX-512 masks are read.
type validity struct {
	k      *code
	e      elem
	bits   reg.GPVirtual
	disp   int
	word   reg.VecVirtual
	zero   reg.VecVirtual
	counts []reg.VecVirtual // of the first vectors
}

// validity is for elements of the size of e and the bitmap parameter valid.
func (k *code) validity(e elem) *validity {
	v := &validity{k: k, e: e, bits: k.base("valid")}
	if k.wide() {
		return v
	}
	v.word, v.zero = k.vec(), k.zero()
	n, low := k.width/e.size, k.XMM()
	for i := range 4 {
		var counts uint64 // one byte per element
		for lane := range n {
			counts |= uint64(8*e.size-1-n*i-lane) << (8 * lane)
		}
		c, packed := k.vec(), k.GP64()
		k.MOVQ(operand.U64(counts), packed)
		k.VMOVQ(packed, low)
		if e.size == 8 {
			k.VPMOVZXBQ(low, c)
		} else {
			k.VPMOVZXBD(low, c)
		}
		v.counts = append(v.counts, c)
	}
	return v
}

// load reads the bits of 32 rows, disp bytes behind the place in the bitmap.
func (v *validity) load(disp int) {
	v.disp = disp
	if v.k.wide() {
		return
	}
	// In elements of 64 bits the word stands twice; the upper one is shifted out.
	v.k.VPBROADCASTD(at(v.bits, disp), v.word)
}

// mask is that of vector i of the 32 rows; i goes up by one.
func (v *validity) mask(i int) reg.Register {
	k := v.k
	switch {
	case k.wide() && v.e.size == 8:
		m := k.K()
		k.KMOVB(at(v.bits, v.disp+i), m)
		return m
	case k.wide():
		m := k.K()
		k.KMOVW(at(v.bits, v.disp+2*i), m)
		return m
	}
	m := k.vec()
	if v.e.size == 8 {
		if i == 4 {
			k.VPSRLQ(operand.Imm(16), v.word, v.word)
		}
		k.VPSLLVQ(v.counts[i%4], v.word, m)
	} else {
		k.VPSLLVD(v.counts[i], v.word, m)
	}
	return m
}

// orZero is vector i of the 32 rows, read from x, with zeros for nulls. AVX2
// blends: columns outside the caches are read at half the speed by masked
// loads.
func (v *validity) orZero(x operand.Mem, i int) reg.VecVirtual {
	k := v.k
	if !k.wide() {
		return v.or(x, i, v.zero)
	}
	m, y := v.mask(i), k.vec()
	if v.e.size == 8 {
		k.VMOVUPD_Z(x, m, y)
	} else {
		k.VMOVUPS_Z(x, m, y)
	}
	return y
}

// or is vector i of the 32 rows, read from x, with the elements of other for
// nulls.
func (v *validity) or(x operand.Mem, i int, other reg.VecVirtual) reg.VecVirtual {
	k, m, y := v.k, v.mask(i), v.k.vec()
	switch {
	case k.wide() && v.e.size == 8:
		k.VMOVAPD(other, y)
		k.VMOVUPD(x, m, y)
	case k.wide():
		k.VMOVAPS(other, y)
		k.VMOVUPS(x, m, y)
	case v.e.size == 8:
		k.VBLENDVPD(m, x, other, y)
	default:
		k.VBLENDVPS(m, x, other, y)
	}
	return y
}

// step goes on by rows.
func (v *validity) step(rows int) { v.k.step(v.bits, rows/8) }
