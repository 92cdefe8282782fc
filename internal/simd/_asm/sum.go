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
			k.sumLanes(4, x, valid, func(i int) operand.Op {
				m, v := valid.mask(i), k.vec()
				if k.wide() {
					k.VCVTPS2PD_Z(at(x, i*k.width/2), m, v)
				} else {
					k.VCVTPS2PD(at(x, i*k.width/2), v)
					k.VBLENDVPD(m, v, valid.zero, v)
				}
				return v
			})
		},
	},
	{
		name: "sumInt64",
		sig:  "func(x []int64) (sum uint64, high int64)",
		doc:  "is the sum of x[i] modulo 2^64 and that of x[i]>>48; len(x) is a positive multiple of 32, at most 65,536.",
		body: func(k *code) {
			x := k.base("x")
			k.sumWide(true, x, nil, func(i int) reg.VecVirtual { return k.read(at(x, i*k.width)) })
		},
	},
	{
		name: "sumInt64Valid",
		sig:  "func(x []int64, valid []byte) (sum uint64, high int64)",
		doc:  "is sumInt64 of the rows whose bit is set.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float64s)
			k.sumWide(true, x, valid, func(i int) reg.VecVirtual { return valid.orZero(at(x, i*k.width), i) })
		},
	},
	{
		name: "sumUint64",
		sig:  "func(x []uint64) (sum uint64, high int64)",
		doc:  "is sumInt64 of unsigned numbers.",
		body: func(k *code) {
			x := k.base("x")
			k.sumWide(false, x, nil, func(i int) reg.VecVirtual { return k.read(at(x, i*k.width)) })
		},
	},
	{
		name: "sumUint64Valid",
		sig:  "func(x []uint64, valid []byte) (sum uint64, high int64)",
		doc:  "is sumUint64 of the rows whose bit is set.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float64s)
			k.sumWide(false, x, valid, func(i int) reg.VecVirtual { return valid.orZero(at(x, i*k.width), i) })
		},
	},
	{
		name: "sumInt32",
		sig:  "func(x []int32) (sum int64)",
		doc:  "is the sum of x; len(x) is a positive multiple of 32, at most 65,536.",
		body: func(k *code) {
			x := k.base("x")
			k.sumNarrow(x, nil, func(i int) reg.VecVirtual { return k.read(at(x, i*k.width)) })
		},
	},
	{
		name: "sumInt32Valid",
		sig:  "func(x []int32, valid []byte) (sum int64)",
		doc:  "is sumInt32 of the rows whose bit is set.",
		body: func(k *code) {
			x, valid := k.base("x"), k.validity(float32s)
			k.sumNarrow(x, valid, func(i int) reg.VecVirtual { return valid.orZero(at(x, i*k.width), i) })
		},
	},
}}

var float32s, float64s = elems[2], elems[3]

// sumLanes adds what next gives for 32 rows of size bytes to the 32 lanes.
func (k *code) sumLanes(size int, x reg.GPVirtual, valid *validity, next func(i int) operand.Op) {
	acc, n := k.arg("acc"), k.length("x")
	lanes := k.vecs(32 * 8 / k.width)
	for i, v := range lanes {
		k.VMOVUPD(at(acc, i*k.width), v)
	}
	k.each32(n, x, size, valid, func() {
		for i, v := range lanes {
			k.VADDPD(next(i), v, v)
		}
	})
	for i, v := range lanes {
		k.VMOVUPD(v, at(acc, i*k.width))
	}
	k.ret()
}

// each32 repeats body for every 32 of n rows of size bytes.
func (k *code) each32(n, x reg.GPVirtual, size int, valid *validity, body func()) {
	k.loop(n, 32, func() {
		if valid != nil {
			valid.load(0)
		}
		body()
		k.step(x, 32*size)
		if valid != nil {
			valid.step(32)
		}
	})
}

// sumHigh adds the vectors of 32 rows of e with add, and their elements of 32
// bits, shifted by 16 to the right, as such: for 65,536 rows they do not
// overflow. Three operations a vector; what the upper bits sum up to tells how
// often the other sum went over.
func (k *code) sumHigh(e elem, signed bool, x reg.GPVirtual, valid *validity, next func(i int) reg.VecVirtual) (sum, high reg.VecVirtual) {
	sums, highs := []reg.VecVirtual{k.zero(), k.zero()}, []reg.VecVirtual{k.zero(), k.zero()}
	k.each32(k.length("x"), x, e.size, valid, func() {
		for i := range k.vectors(e, 32) {
			v := next(i)
			if e.size == 8 {
				k.VPADDQ(v, sums[i%2], sums[i%2])
			} else {
				k.VPADDD(v, sums[i%2], sums[i%2])
			}
			if signed {
				k.VPSRAD(operand.Imm(16), v, v)
			} else {
				k.VPSRLD(operand.Imm(16), v, v)
			}
			k.VPADDD(v, highs[i%2], highs[i%2])
		}
	})
	if e.size == 8 {
		k.VPADDQ(sums[1], sums[0], sums[0])
	} else {
		k.VPADDD(sums[1], sums[0], sums[0])
	}
	k.VPADDD(highs[1], highs[0], highs[0])
	return sums[0], highs[0]
}

// sumWide is the end of a sum of 64-bit numbers.
func (k *code) sumWide(signed bool, x reg.GPVirtual, valid *validity, next func(i int) reg.VecVirtual) {
	sums, highs := k.sumHigh(float64s, signed, x, valid, next)
	k.VPSRLQ(operand.Imm(32), highs, highs)
	sum, high := k.sumQuads(sums), k.sumQuads(highs)
	if signed {
		k.MOVLQSX(high.As32(), high)
	} else {
		k.MOVL(high.As32(), high.As32())
	}
	k.Store(sum, k.Return("sum"))
	k.Store(high, k.Return("high"))
	k.ret()
}

// sumNarrow is the end of a sum of int32.
func (k *code) sumNarrow(x reg.GPVirtual, valid *validity, next func(i int) reg.VecVirtual) {
	sums, highs := k.sumHigh(float32s, true, x, valid, next)
	// The sums of the lower 16 bits, without sign, widened.
	low := k.vec()
	k.VPSLLD(operand.Imm(16), highs, low)
	k.VPSUBD(low, sums, sums)
	k.VPSRLQ(operand.Imm(32), sums, low)
	k.VPSLLQ(operand.Imm(32), sums, sums)
	k.VPSRLQ(operand.Imm(32), sums, sums)
	k.VPADDQ(low, sums, sums)
	odd := k.vec()
	k.VPSRLQ(operand.Imm(32), highs, odd)
	k.VPADDD(odd, highs, highs)
	sum, high := k.sumQuads(sums), k.sumQuads(highs)
	k.MOVLQSX(high.As32(), high)
	k.SHLQ(operand.Imm(16), high)
	k.ADDQ(high, sum)
	k.Store(sum, k.Return("sum"))
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
