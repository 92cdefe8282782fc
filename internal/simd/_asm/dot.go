package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var dots = family{name: "dot", kernels: []kernel{
	{
		name: "dot",
		sig:  "func(acc *[32]float64, x []float64, y []float64)",
		doc:  "adds x[i]*y[i] to acc[i mod 32]; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			acc, x, y, n := k.arg("acc"), k.base("x"), k.base("y"), k.length("x")
			lanes := k.vecs(32 * 8 / k.width)
			for i, v := range lanes {
				k.VMOVUPD(at(acc, i*k.width), v)
			}
			k.loop(n, 32, func() {
				for i, v := range lanes {
					a := k.vec()
					k.VMOVUPD(at(x, i*k.width), a)
					k.VFMADD231PD(at(y, i*k.width), a, v)
				}
				k.step(x, 32*8)
				k.step(y, 32*8)
			})
			for i, v := range lanes {
				k.VMOVUPD(v, at(acc, i*k.width))
			}
			k.ret()
		},
	},
	{
		name: "axpy",
		sig:  "func(y []float64, a float64, x []float64)",
		doc:  "adds a*x[i] to y[i]; len(x) is a positive multiple of 8.",
		body: func(k *code) {
			y, x, n := k.base("y"), k.base("x"), k.length("x")
			a := k.scalar("a")
			k.octets(n, func(at func(reg.Register) operand.Mem) {
				v := k.vec()
				k.VMOVUPD(at(y), v)
				k.VFMADD231PD(at(x), a, v)
				k.VMOVUPD(v, at(y))
			}, x, y)
			k.ret()
		},
	},
}}

// scalar is a vector of the float64 parameter called name.
func (k *code) scalar(name string) reg.VecVirtual {
	v := k.vec()
	p, err := k.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	k.VBROADCASTSD(p.Addr, v)
	return v
}
