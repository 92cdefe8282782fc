package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var welfords = family{name: "welford", kernels: []kernel{
	{
		name: "welford",
		sig:  "func(count []float64, mean []float64, m2 []float64, inv []float64, x []float64)",
		doc:  "is about a positive multiple of 8 features.",
		body: func(k *code) {
			count, mean, m2, inv, x, n := k.base("count"), k.base("mean"), k.base("m2"), k.base("inv"), k.base("x"), k.length("x")
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v, c, m, s := k.vec(), k.vec(), k.vec(), k.vec()
				k.VMOVUPD(at(x), v)
				k.VMOVUPD(at(count), c)
				k.VMOVUPD(at(mean), m)
				k.VMOVUPD(at(m2), s)
				known := k.maskOp(ordered, v, v)

				c1, delta, m1, s1 := k.vec(), k.vec(), k.vec(), k.vec()
				k.VADDPD(k.num(1), c, c1)
				k.VSUBPD(m, v, delta)
				k.VDIVPD(c1, delta, m1)
				k.VADDPD(m1, m, m1)
				k.VSUBPD(m1, v, v)
				k.VMOVAPD(s, s1)
				k.VFMADD231PD(v, delta, s1)

				variance, slack, part := k.vec(), k.vec(), k.vec()
				k.VDIVPD(c1, s1, variance)
				k.VMULPD(m1, c1, slack)
				k.VMULPD(k.num(0x1p-52), slack, slack)
				k.VMULPD(slack, slack, slack)
				k.VMULPD(k.num(0x1p-52), c1, part)
				k.VMULPD(variance, part, part)
				k.VADDPD(slack, part, slack)
				varies := k.maskOp(above, variance, slack)
				one, scale := k.numbers(1), k.vec()
				k.VSQRTPD(variance, scale)
				k.VDIVPD(scale, one, scale)
				scale = k.choose(varies, scale, one)

				k.VMOVUPD(k.choose(known, c1, c), at(count))
				k.VMOVUPD(k.choose(known, m1, m), at(mean))
				k.VMOVUPD(k.choose(known, s1, s), at(m2))
				before := k.vec()
				k.VMOVUPD(at(inv), before)
				k.VMOVUPD(k.choose(known, scale, before), at(inv))
			}, count, mean, m2, inv, x)
			k.ret()
		},
	},
	{
		name: "standardize",
		sig:  "func(out []float64, x []float64, mean []float64, inv []float64)",
		doc:  "writes (x[i]-mean[i])*inv[i] to out[i]; len(x) is a positive multiple of 8.",
		body: func(k *code) {
			out, x, mean, inv, n := k.base("out"), k.base("x"), k.base("mean"), k.base("inv"), k.length("x")
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(x), v)
				k.VSUBPD(at(mean), v, v)
				k.VMULPD(at(inv), v, v)
				k.VMOVUPD(v, at(out))
			}, out, x, mean, inv)
			k.ret()
		},
	},
}}

// More predicates: both numbers, or not NaN and greater.
const (
	ordered = 0x07
	above   = 0x1E
)
