package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var hashes = family{name: "hash", kernels: []kernel{
	{
		name: "hash",
		sig:  "func(out, x []uint64, seed uint64)",
		doc:  "is Hash; len(x), that of out too, is a positive multiple of 16.",
		body: func(k *code) {
			out, x, n := k.base("out"), k.base("x"), k.length("x")
			m := newMixer(k)
			seed := k.vec()
			k.broadcast(k.arg("seed"), seed)
			k.loop(n, 16, func() {
				v := k.vecs(16 * 8 / k.width)
				for i := range v {
					k.xor(at(x, i*k.width), seed, v[i])
				}
				m.mix(v)
				for i := range v {
					k.store(v[i], at(out, i*k.width))
				}
				k.step(x, 16*8)
				k.step(out, 16*8)
			})
			k.ret()
		},
	},
	{
		name: "hashWith",
		sig:  "func(h, x []uint64)",
		doc:  "is HashWith; len(x), that of h too, is a positive multiple of 16.",
		body: func(k *code) {
			h, x, n := k.base("h"), k.base("x"), k.length("x")
			m := newMixer(k)
			k.loop(n, 16, func() {
				v := k.vecs(16 * 8 / k.width)
				for i := range v {
					k.load(at(h, i*k.width), v[i])
					k.xor(at(x, i*k.width), v[i], v[i])
				}
				m.mix(v)
				for i := range v {
					k.store(v[i], at(h, i*k.width))
				}
				k.step(x, 16*8)
				k.step(h, 16*8)
			})
			k.ret()
		},
	},
	{
		name: "floatKeys",
		sig:  "func(out []uint64, x []float64)",
		doc:  "is FloatKeys; len(x), that of out too, is a positive multiple of 16.",
		body: func(k *code) {
			out, x, n := k.base("out"), k.base("x"), k.length("x")
			zero, nan := k.vec(), k.vec()
			k.VXORPD(zero, zero, zero)
			c := k.GP64()
			k.MOVQ(operand.U64(0x7ff8000000000000), c)
			k.broadcast(c, nan)
			k.loop(n, 16, func() {
				for i := range 16 * 8 / k.width {
					v := k.vec()
					k.VADDPD(at(x, i*k.width), zero, v) // -0 becomes +0
					if k.wide() {
						is := k.K()
						k.VCMPPD(operand.U8(3), v, v, is) // unordered
						k.VMOVDQA64(nan, is, v)
					} else {
						is := k.vec()
						k.VCMPPD(operand.U8(3), v, v, is)
						k.VBLENDVPD(is, nan, v, v)
					}
					k.store(v, at(out, i*k.width))
				}
				k.step(x, 16*8)
				k.step(out, 16*8)
			})
			k.ret()
		},
	},
	{
		name:   "prefetch",
		sig:    "func(table *byte, h []uint64, mask uint64, shift uint64)",
		doc:    "is Prefetch; len(h) is a positive multiple of 4.",
		widths: []int{avx2},
		body: func(k *code) {
			table, h, n := k.arg("table"), k.base("h"), k.length("h")
			mask, shift := k.arg("mask"), k.arg("shift")
			k.loop(n, 4, func() {
				for i := range 4 {
					slot := k.GP64()
					k.MOVQ(mask, slot)
					k.ANDQ(at(h, 8*i), slot)
					k.SHLXQ(shift, slot, slot)
					k.PREFETCHT0(operand.Mem{Base: table, Index: slot, Scale: 1})
				}
				k.step(h, 4*8)
			})
			k.ret()
		},
	},
	{
		name:   "prefetchRows",
		sig:    "func(table *byte, rows []uint32, size uint64)",
		doc:    "is PrefetchRows; len(rows) is a positive multiple of 4.",
		widths: []int{avx2},
		body: func(k *code) {
			table, rows, n := k.arg("table"), k.base("rows"), k.length("rows")
			size := k.arg("size")
			k.loop(n, 4, func() {
				for i := range 4 {
					row := k.GP64()
					k.MOVL(at(rows, 4*i), row.As32())
					k.IMULQ(size, row)
					k.PREFETCHT0(operand.Mem{Base: table, Index: row, Scale: 1})
				}
				k.step(rows, 4*4)
			})
			k.ret()
		},
	},
}}

// mixer holds the constants of Mix: the factor, and its upper half.
type mixer struct {
	k      *code
	lo, hi reg.VecVirtual
}

func newMixer(k *code) mixer {
	m := mixer{k, k.vec(), k.vec()}
	c := k.GP64()
	k.MOVQ(operand.U64(0xd6e8feb86659fd93), c)
	k.broadcast(c, m.lo)
	k.VPSRLQ(operand.U8(32), m.lo, m.hi)
	return m
}

// mix replaces every element of the vectors v by its Mix. AVX-512 has a 64-bit
// multiplication of three steps; AVX2 makes it of three 32-bit ones, of which
// the upper half of x, unchanged by the shift before, feeds one.
func (m mixer) mix(v []reg.VecVirtual) {
	k := m.k
	for range 2 {
		for _, x := range v {
			high := k.vec()
			k.VPSRLQ(operand.U8(32), x, high)
			k.xor(high, x, x)
			if k.wide() {
				k.VPMULLQ(m.lo, x, x)
				continue
			}
			cross := k.vec()
			k.VPMULUDQ(m.lo, high, high)
			k.VPMULUDQ(m.hi, x, cross)
			k.VPADDQ(cross, high, high)
			k.VPSLLQ(operand.U8(32), high, high)
			k.VPMULUDQ(m.lo, x, x)
			k.VPADDQ(high, x, x)
		}
	}
	for _, x := range v {
		high := k.vec()
		k.VPSRLQ(operand.U8(32), x, high)
		k.xor(high, x, x)
	}
}
