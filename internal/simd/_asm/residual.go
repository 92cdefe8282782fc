package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var residuals = family{name: "residual", kernels: []kernel{
	{
		name: "logisticResiduals",
		sig:  "func(p []float64, g []float64, z []float64, y []float64)",
		doc:  "is about a positive multiple of 8 rows.",
		body: func(k *code) {
			p, g, z, y, n, f := k.base("p"), k.base("g"), k.base("z"), k.base("y"), k.length("z"), k.expFactors()
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(z), v)
				a, b := k.sigmoid(f, v)
				k.VMOVUPD(a, at(p))
				k.VXORPD(k.num(math.Copysign(0, -1)), b, b)
				label := k.vec()
				k.VMOVUPD(at(y), label)
				k.VMOVUPD(k.choose(k.maskOf(equal, label, 1), b, a), at(g))
			}, p, g, z, y)
			k.ret()
		},
	},
	{
		name: "hingeResiduals",
		sig:  "func(g []float64, z []float64, y []float64)",
		doc:  "is about a positive multiple of 8 rows.",
		body: func(k *code) {
			g, z, y, n := k.base("g"), k.base("z"), k.base("y"), k.length("z")
			one, minus, zero := k.numbers(1), k.numbers(-1), k.numbers(0)
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				label, margin := k.vec(), k.vec()
				k.VMOVUPD(at(y), label)
				against := k.choose(k.maskOf(equal, label, 1), minus, one)
				k.VMULPD(at(z), against, margin) // at least -1 inside of the margin
				k.VMOVUPD(k.choose(k.maskOf(notBelow, margin, -1), against, zero), at(g))
			}, g, z, y)
			k.ret()
		},
	},
	{
		name: "squaredResiduals",
		sig:  "func(g []float64, z []float64, y []float64)",
		doc:  "is about a positive multiple of 8 rows.",
		body: func(k *code) {
			g, z, y, n := k.base("g"), k.base("z"), k.base("y"), k.length("z")
			least, most := k.numbers(-1e12), k.numbers(1e12)
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(z), v)
				k.VSUBPD(at(y), v, v)
				k.VMINPD(v, most, v)
				k.VMAXPD(v, least, v)
				k.VMOVUPD(v, at(g))
			}, g, z, y)
			k.ret()
		},
	},
}}

// Predicates of comparisons, false for NaN.
const (
	equal    = 0x00
	notBelow = 0x1D
)
