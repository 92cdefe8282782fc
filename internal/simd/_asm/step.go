package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var steps = family{name: "step", kernels: []kernel{
	{
		name: "rowDot",
		sig:  "func(w []float64, x []float64) (p float64)",
		doc:  "is w·x in 32 lanes; len(w) is a positive multiple of 8.",
		body: func(k *code) {
			w, x, n := k.base("w"), k.base("x"), k.length("w")
			acc := k.zeros(32 * 8 / k.width)
			k.lanes(n, func(v, disp int) {
				a := k.vec()
				k.VMOVUPD(at(w, disp), a)
				k.VFMADD231PD(at(x, disp), a, acc[v])
			}, w, x)
			k.returnSum(acc, "p")
			k.ret()
		},
	},
	{
		name: "step",
		sig:  "func(next []float64, w []float64, x []float64, shrink float64, u float64) (finite bool)",
		doc:  "writes shrink*w + u*x to next; len(w) is a positive multiple of 8.",
		body: func(k *code) {
			next, w, x, n := k.base("next"), k.base("w"), k.base("x"), k.length("w")
			shrink, u, rest := k.scalar("shrink"), k.scalar("u"), k.zeros(1)[0]
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v, odd := k.vec(), k.vec()
				k.VMULPD(at(w), shrink, v)
				k.VFMADD231PD(at(x), u, v)
				k.VMOVUPD(v, at(next))
				k.VSUBPD(v, v, odd)
				k.VORPD(odd, rest, rest)
			}, next, w, x)
			k.returnZero(rest, "finite")
			k.ret()
		},
	},
}}

// zeros are n new vectors of zeros.
func (k *code) zeros(n int) []reg.VecVirtual {
	v := k.vecs(n)
	for _, a := range v {
		k.VXORPD(a, a, a)
	}
	return v
}

// lanes calls body for every vector of n values, a multiple of 8: number v of
// the 32 lanes, disp bytes behind the pointers, which move on. n becomes less
// than 8.
func (k *code) lanes(n reg.GPVirtual, body func(v, disp int), pointers ...reg.GPVirtual) {
	top, rest, done := k.label("lanes"), k.label("rest"), k.label("done")
	per := 64 / k.width // vectors of eight values
	k.Label(top)
	k.CMPQ(n, operand.U32(32))
	k.JLT(operand.LabelRef(rest))
	for v := range 4 * per {
		body(v, v*k.width)
	}
	for _, p := range pointers {
		k.step(p, 32*8)
	}
	k.SUBQ(operand.U32(32), n)
	k.JMP(operand.LabelRef(top))
	k.Label(rest)
	for octet := range 3 {
		k.CMPQ(n, operand.U32(8*octet+8))
		k.JLT(operand.LabelRef(done))
		for v := octet * per; v < (octet+1)*per; v++ {
			body(v, v*k.width)
		}
	}
	k.Label(done)
}

// returnSum returns the sum of the 32 lanes of acc, zero as +0.
func (k *code) returnSum(acc []reg.VecVirtual, result string) {
	sum := k.reduce(acc)
	k.VADDSD(k.num(0), sum, sum)
	p, err := k.Return(result).Resolve()
	if err != nil {
		panic(err)
	}
	k.VMOVSD(sum, p.Addr)
}

// reduce adds the 32 lanes of acc at distance 16, 8, 4, 2 and 1.
func (k *code) reduce(acc []reg.VecVirtual) reg.Register {
	for n := len(acc) / 2; n > 0; n /= 2 {
		for v := range n {
			k.VADDPD(acc[v+n], acc[v], acc[v])
		}
	}
	sum := acc[0]
	if k.wide() {
		high := k.YMM()
		k.VEXTRACTF64X4(operand.U8(1), sum, high)
		k.VADDPD(high, sum.AsY(), sum.AsY())
	}
	high := k.XMM()
	k.VEXTRACTF128(operand.U8(1), sum.AsY(), high)
	k.VADDPD(high, sum.AsX(), sum.AsX())
	k.VUNPCKHPD(sum.AsX(), sum.AsX(), high)
	k.VADDSD(high, sum.AsX(), sum.AsX())
	return sum.AsX()
}

// returnZero returns whether all bits of v are 0.
func (k *code) returnZero(v reg.VecVirtual, result string) {
	if k.wide() {
		high := k.YMM()
		k.VEXTRACTF64X4(operand.U8(1), v, high)
		k.VORPD(high, v.AsY(), v.AsY())
	}
	k.VPTEST(v.AsY(), v.AsY())
	p, err := k.Return(result).Resolve()
	if err != nil {
		panic(err)
	}
	k.SETEQ(p.Addr)
}
