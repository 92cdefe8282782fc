package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var exps = family{name: "exp", kernels: []kernel{
	{
		name: "exps",
		sig:  "func(out []float64, x []float64)",
		doc:  "writes Exp(x[i]) to out[i]; len(x) is a positive multiple of 8.",
		body: func(k *code) {
			out, x, n, f := k.base("out"), k.base("x"), k.length("x"), k.expFactors()
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(x), v)
				k.VMOVUPD(k.exp(f, v, true), at(out))
			}, x, out)
			k.ret()
		},
	},
	{
		name: "logs",
		sig:  "func(out []float64, x []float64)",
		doc:  "writes Log(x[i]) to out[i]; len(x) is a positive multiple of 8.",
		body: func(k *code) {
			out, x, n := k.base("out"), k.base("x"), k.length("x")
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(x), v)
				k.VMOVUPD(k.log(v), at(out))
			}, x, out)
			k.ret()
		},
	},
	{
		name: "sigmoids",
		sig:  "func(p []float64, z []float64)",
		doc:  "writes Sigmoid(z[i]) to p[i]; len(z) is a positive multiple of 8.",
		body: func(k *code) {
			p, z, n, f := k.base("p"), k.base("z"), k.length("z"), k.expFactors()
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(z), v)
				r, _ := k.sigmoid(f, v)
				k.VMOVUPD(r, at(p))
			}, z, p)
			k.ret()
		},
	},
}}

// octets repeats body, which does one vector of rows, until eight rows are
// done, and all of that while n is not zero; at is the place of the vector
// behind a pointer. The pointers move on.
func (k *code) octets(n reg.GPVirtual, body func(at func(reg.Register) operand.Mem), pointers ...reg.GPVirtual) {
	k.loop(n, 8, func() {
		for v := range 64 / k.width {
			body(func(p reg.Register) operand.Mem { return at(p, v*k.width) })
		}
		for _, p := range pointers {
			k.step(p, 64)
		}
	})
}

// constants are the vectors of one number that a file refers to.
var constants = map[*build.Context]map[uint64]operand.Mem{}

// bits is a vector of eight times the same 64 bits in read-only memory.
func (k *code) bits(b uint64) operand.Mem {
	of := constants[k.Context]
	if of == nil {
		of = map[uint64]operand.Mem{}
		constants[k.Context] = of
	}
	m, ok := of[b]
	if !ok {
		m = k.StaticGlobal(fmt.Sprintf("c%016x", b))
		k.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 8 {
			k.AddDatum(8*i, operand.U64(b))
		}
		of[b] = m
	}
	return m
}

// num is a vector of eight times x in read-only memory.
func (k *code) num(x float64) operand.Mem { return k.bits(math.Float64bits(x)) }

// numbers is a new register that holds a vector of x.
func (k *code) numbers(x float64) reg.VecVirtual {
	v := k.vec()
	k.VMOVUPD(k.num(x), v)
	return v
}

// Parts of ln 2, and the number that rounds to an integer when it is added and
// taken away.
const (
	ln2hi    = 6.93147180369123816490e-01
	ln2lo    = 1.90821492927058770002e-10
	toNearby = 3 << 51
)

// expFactors are the odd coefficients of e^r, which stay in registers: what is
// in flight is bounded by the renamed registers, and a copy takes none.
type expFactors [6]reg.VecVirtual

func (k *code) expFactors() (f expFactors) {
	for i, factorial := range []float64{6, 120, 5040, 362880, 39916800, 6227020800} {
		f[i] = k.numbers(1 / factorial)
	}
	return f
}

// exp is Exp of x, in the order of operations of the twin. above says that x
// may be above 708. A bound as first source lets NaN pass.
func (k *code) exp(f expFactors, x reg.VecVirtual, above bool) reg.VecVirtual {
	r := k.vec()
	k.VMAXPD(x, k.numbers(-708), r)
	if above {
		k.VMINPD(r, k.numbers(708), r)
	}
	shifted, n := k.vec(), k.vec()
	k.VMULPD(k.num(math.Log2E), r, shifted)
	k.VADDPD(k.num(toNearby), shifted, shifted)
	k.VSUBPD(k.num(toNearby), shifted, n)
	k.VFNMADD231PD(k.num(ln2hi), n, r)
	k.VFNMADD231PD(k.num(ln2lo), n, r)

	pair := func(i int, c float64) reg.VecVirtual { // f[i]·r + c
		v := k.vec()
		k.VMOVAPD(r, v)
		k.VFMADD213PD(k.num(c), f[i], v)
		return v
	}
	r2, r4 := k.vec(), k.vec()
	k.VMULPD(r, r, r2)
	k.VMULPD(r2, r2, r4)
	q0 := k.vec()
	k.VADDPD(k.num(1), r, q0)
	k.VFMADD231PD(pair(0, 1.0/2), r2, q0)
	q1 := pair(1, 1.0/24)
	k.VFMADD231PD(pair(2, 1.0/720), r2, q1)
	k.VFMADD231PD(q1, r4, q0)
	q2 := pair(3, 1.0/40320)
	k.VFMADD231PD(pair(4, 1.0/3628800), r2, q2)
	k.VFMADD231PD(pair(5, 1.0/479001600), r4, q2)
	k.VMULPD(r4, r4, r4)
	k.VFMADD231PD(q2, r4, q0)

	// The low bits of shifted are the integer: moved up they are the exponent.
	k.VPSLLQ(operand.U8(52), shifted, shifted)
	k.VPADDQ(k.num(1), shifted, shifted)
	k.VMULPD(shifted, q0, q0)
	return q0
}

// sigmoid is Sigmoid of z and of -z.
func (k *code) sigmoid(f expFactors, z reg.VecVirtual) (p, q reg.VecVirtual) {
	v := k.vec()
	k.VORPD(k.num(math.Copysign(0, -1)), z, v)
	e := k.exp(f, v, false)
	r := k.vec()
	k.VADDPD(k.num(1), e, r)
	k.VDIVPD(r, k.numbers(1), r)
	k.VMULPD(e, r, e)
	p, q = k.vec(), k.vec()
	if k.wide() {
		negative := k.K()
		k.VPMOVQ2M(z, negative)
		k.VBLENDMPD(e, r, negative, p)
		k.VBLENDMPD(r, e, negative, q)
	} else {
		k.VBLENDVPD(z, e, r, p)
		k.VBLENDVPD(z, r, e, q)
	}
	return p, q
}

// log is Log of x.
func (k *code) log(x reg.VecVirtual) reg.VecVirtual {
	// Subnormal numbers count 2^54-fold, and their exponents 54 less.
	small, up, less := k.lessThan(x, 0x1p-1022), k.vec(), k.vec()
	k.VMULPD(k.num(0x1p54), x, up)
	normal := k.choose(small, up, x)
	k.VXORPD(less, less, less)
	less = k.choose(small, k.numbers(54), less)

	// normal is m·2^n with m in [sqrt(1/2), sqrt(2)): n + 1024 is exact in the
	// low bits of 2^52 + n + 1024.
	b, n := k.vec(), k.vec()
	k.VMOVUPD(k.bits(1<<62-math.Float64bits(math.Sqrt2/2)), b)
	k.VPADDQ(normal, b, b)
	k.VPSRLQ(operand.U8(52), b, n)
	k.VPSLLQ(operand.U8(52), n, b)
	m := k.vec()
	k.VPSUBQ(b, normal, m)
	k.VPADDQ(k.bits(1<<62), m, m)
	k.VPADDQ(k.num(0x1p52), n, n)
	k.VSUBPD(k.num(0x1p52+1024), n, n)
	k.VSUBPD(less, n, n)

	f, s, s2 := k.vec(), k.vec(), k.vec()
	k.VSUBPD(k.num(1), m, f)
	k.VADDPD(k.num(1), m, s)
	k.VDIVPD(s, f, s)
	k.VMULPD(s, s, s2)
	p := k.numbers(1.0 / 19)
	k.VFMADD231PD(k.num(1.0/21), s2, p)
	for _, c := range []float64{17, 15, 13, 11, 9, 7, 5, 3} {
		k.VFMADD213PD(k.num(1/c), s2, p)
	}
	tail, twice := k.vec(), k.vec()
	k.VMULPD(f, s, tail)
	k.VADDPD(s, s, twice)
	k.VMULPD(s2, twice, twice)
	k.VFMSUB231PD(p, twice, tail) // twice·p - s·f
	k.VFMADD231PD(k.num(ln2lo), n, tail)
	k.VADDPD(f, tail, tail)
	k.VFMADD231PD(k.num(ln2hi), n, tail)

	// Zero, negative numbers, NaN and +Inf.
	out := k.choose(k.lessThan(x, math.SmallestNonzeroFloat64), k.numbers(math.Inf(-1)), tail)
	out = k.choose(k.lessThan(x, 0), k.numbers(math.NaN()), out)
	return k.choose(k.notAtMost(x, math.MaxFloat64), x, out)
}

// lessThan and notAtMost compare the numbers of x with c; the first is false
// and the second true for NaN.
func (k *code) lessThan(x reg.VecVirtual, c float64) reg.Register  { return k.maskOf(0x11, x, c) }
func (k *code) notAtMost(x reg.VecVirtual, c float64) reg.Register { return k.maskOf(0x16, x, c) }

func (k *code) maskOf(predicate uint8, x reg.VecVirtual, c float64) reg.Register {
	return k.maskOp(predicate, x, k.num(c))
}

// maskOp compares x with y.
func (k *code) maskOp(predicate uint8, x reg.VecVirtual, y operand.Op) reg.Register {
	var m reg.Register
	if k.wide() {
		m = k.K()
	} else {
		m = k.vec()
	}
	k.VCMPPD(operand.U8(predicate), y, x, m)
	return m
}

// choose is yes where the mask of a comparison is set, else no.
func (k *code) choose(mask reg.Register, yes, no reg.VecVirtual) reg.VecVirtual {
	out := k.vec()
	if k.wide() {
		k.VBLENDMPD(yes, no, mask, out)
	} else {
		k.VBLENDVPD(mask, yes, no, out)
	}
	return out
}
