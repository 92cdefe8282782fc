package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var sums = family{name: "sum", kernels: []kernel{
	{
		name: "sumFloat64",
		sig:  "func(acc *[32]float64, x []float64)",
		doc:  "adds x[i] to acc[i mod 32]; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			x := k.base("x")
			k.sumLanes(8, x, nil, func(i int) operand.Op { return at(x, i*k.width) })
		},
	},
	{
		name: "sumFloat64Valid",
		sig:  "func(acc *[32]float64, x []float64, valid []byte)",
		doc:  "is sumFloat64 of the rows whose bit is set.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float64s)
			k.sumLanes(8, x, valid, func(i int) operand.Op { return valid.orZero(at(x, i*k.width), i) })
		},
	},
	{
		name: "sumFloat32",
		sig:  "func(acc *[32]float64, x []float32)",
		doc:  "adds float64(x[i]) to acc[i mod 32]; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			x := k.base("x")
			k.sumLanes(4, x, nil, func(i int) operand.Op {
				v := k.vec()
				k.VCVTPS2PD(at(x, i*k.width/2), v)
				return v
			})
		},
	},
	{
		name: "sumFloat32Valid",
		sig:  "func(acc *[32]float64, x []float32, valid []byte)",
		doc:  "is sumFloat32 of the rows whose bit is set.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float64s)
			var zero reg.VecVirtual
			if !k.wide() {
				zero = k.zero()
			}
			k.sumLanes(4, x, valid, func(i int) operand.Op {
				m, v := valid.mask(i), k.vec()
				if k.wide() {
					k.VCVTPS2PD_Z(at(x, i*k.width/2), m, v)
				} else {
					k.VCVTPS2PD(at(x, i*k.width/2), v)
					k.VBLENDVPD(m, v, zero, v)
				}
				return v
			})
		},
	},
	{
		name: "sumHalves64",
		sig:  "func(x []int64, flip uint64) (low, high uint64)",
		doc:  "is the sum of x[i]^flip modulo 2^64 and that of the upper 32 bits; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			x := k.base("x")
			k.sumHalves(8, "flip", x, nil, func(i int) reg.VecVirtual { return k.read(at(x, i*k.width)) })
		},
	},
	{
		name: "sumHalves64Valid",
		sig:  "func(x []int64, flip uint64, valid []byte) (low, high uint64)",
		doc:  "is sumHalves64 with 0 for the rows whose bit is clear.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float64s)
			k.sumHalves(8, "flip", x, valid, func(i int) reg.VecVirtual { return valid.orZero(at(x, i*k.width), i) })
		},
	},
	{
		name: "sumInt32",
		sig:  "func(x []int32) (biased uint64)",
		doc:  "is the sum of x[i]+2^31; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			x := k.base("x")
			k.sumHalves(4, "", x, nil, func(i int) reg.VecVirtual { return k.read(at(x, i*k.width)) })
		},
	},
	{
		name: "sumInt32Valid",
		sig:  "func(x []int32, valid []byte) (biased uint64)",
		doc:  "is sumInt32 with 0 for the rows whose bit is clear.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float32s)
			k.sumHalves(4, "", x, valid, func(i int) reg.VecVirtual { return valid.orZero(at(x, i*k.width), i) })
		},
	},
}}

var float32s, float64s = elems[2], elems[3]

// sumLanes adds what next gives for each vector of 32 rows of size bytes to
// the 32 lanes.
func (k *code) sumLanes(size int, x reg.GPVirtual, valid *validity, next func(i int) operand.Op) {
	acc, n := k.arg("acc"), k.length("x")
	lanes := k.vecs(32 * 8 / k.width)
	for i, v := range lanes {
		k.VMOVUPD(at(acc, i*k.width), v)
	}
	k.loop(n, 32, func() {
		if valid != nil {
			valid.load(0)
		}
		for i, v := range lanes {
			k.VADDPD(next(i), v, v)
		}
		k.step(x, 32*size)
		if valid != nil {
			valid.step(32)
		}
	})
	for i, v := range lanes {
		k.VMOVUPD(v, at(acc, i*k.width))
	}
	k.ret()
}

// sumHalves adds vectors of 32 rows of size bytes, as 64-bit numbers with the
// bits in flip inverted, and their upper halves: five operations a vector
// whose sums tell the lower halves too. Without flip the elements are pairs of
// int32, whose sum is that of both halves.
func (k *code) sumHalves(size int, flip string, x reg.GPVirtual, valid *validity, next func(i int) reg.VecVirtual) {
	n := k.length("x")
	var mask reg.VecVirtual
	if flip != "" {
		mask = k.every(float64s, flip)
	} else {
		mask = k.vec()
		signs := k.GP64()
		k.MOVQ(operand.U64(1<<63|1<<31), signs)
		k.VMOVQ(signs, mask.AsX())
		k.VPBROADCASTQ(mask.AsX(), mask)
	}
	low, high := []reg.VecVirtual{k.zero(), k.zero()}, []reg.VecVirtual{k.zero(), k.zero()}
	k.loop(n, 32, func() {
		if valid != nil {
			valid.load(0)
		}
		for i := range 32 * size / k.width {
			v := next(i)
			if k.wide() {
				k.VPXORQ(mask, v, v)
			} else {
				k.VPXOR(mask, v, v)
			}
			k.VPADDQ(v, low[i%2], low[i%2])
			k.VPSRLQ(operand.Imm(32), v, v)
			k.VPADDQ(v, high[i%2], high[i%2])
		}
		k.step(x, 32*size)
		if valid != nil {
			valid.step(32)
		}
	})
	k.VPADDQ(low[1], low[0], low[0])
	k.VPADDQ(high[1], high[0], high[0])
	l, h := k.sumQuads(low[0]), k.sumQuads(high[0])
	if flip != "" {
		k.Store(l, k.Return("low"))
		k.Store(h, k.Return("high"))
	} else { // l - h<<32 is the sum of the lower halves
		k.ADDQ(h, l)
		k.SHLQ(operand.Imm(32), h)
		k.SUBQ(h, l)
		k.Store(l, k.Return("biased"))
	}
	k.ret()
}

// sumQuads adds the 64-bit elements of v.
func (k *code) sumQuads(v reg.VecVirtual) reg.GPVirtual {
	if k.wide() {
		upper := k.YMM()
		k.VEXTRACTI64X4(operand.Imm(1), v, upper)
		k.VPADDQ(upper, v.AsY(), v.AsY())
	}
	upper := k.XMM()
	k.VEXTRACTI128(operand.Imm(1), v.AsY(), upper)
	k.VPADDQ(upper, v.AsX(), upper)
	next, sum := k.XMM(), k.GP64()
	k.VPSHUFD(operand.Imm(0xEE), upper, next)
	k.VPADDQ(next, upper, upper)
	k.VMOVQ(upper, sum)
	return sum
}
