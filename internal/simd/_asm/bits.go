package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var bitmaps = family{name: "bits", kernels: []kernel{
	combine("andBits", "x[i] & y[i]", func(k *code, x, y operand.Mem, v reg.VecVirtual) {
		k.VMOVUPD(x, v)
		if k.wide() {
			k.VPANDQ(y, v, v)
		} else {
			k.VPAND(y, v, v)
		}
	}),
	combine("orBits", "x[i] | y[i]", func(k *code, x, y operand.Mem, v reg.VecVirtual) {
		k.VMOVUPD(x, v)
		if k.wide() {
			k.VPORQ(y, v, v)
		} else {
			k.VPOR(y, v, v)
		}
	}),
	combine("andNotBits", "x[i] &^ y[i]", func(k *code, x, y operand.Mem, v reg.VecVirtual) {
		k.VMOVUPD(y, v)
		if k.wide() {
			k.VPANDNQ(x, v, v)
		} else {
			k.VPANDN(x, v, v)
		}
	}),
	{
		name: "notBits", sig: "func(out, x []byte)",
		doc: "sets out[i] to ^x[i]; len(x) is a positive multiple of 128.",
		body: func(k *code) {
			out, x, ones := k.base("out"), k.base("x"), k.vec()
			if k.wide() {
				k.VPTERNLOGQ(operand.U8(0xFF), ones, ones, ones)
			} else {
				k.VPCMPEQD(ones, ones, ones)
			}
			k.loop(k.length("x"), 128, func() {
				for i := range 128 / k.width {
					v := k.vec()
					if k.wide() {
						k.VPXORQ(at(x, i*k.width), ones, v)
					} else {
						k.VPXOR(at(x, i*k.width), ones, v)
					}
					k.VMOVUPD(v, at(out, i*k.width))
				}
				k.step(x, 128)
				k.step(out, 128)
			})
			k.ret()
		},
	},
	{
		// POPCNT reads 8 bytes, and current machines do three in a cycle.
		name: "countBits", sig: "func(x []byte) (n int)", widths: []int{avx2},
		doc: "is the number of set bits; len(x) is a positive multiple of 128.",
		body: func(k *code) {
			x := k.base("x")
			var sums []reg.GPVirtual
			for range 4 {
				s := k.GP64()
				k.XORQ(s, s)
				sums = append(sums, s)
			}
			k.loop(k.length("x"), 128, func() {
				for i := range 16 {
					c := k.GP64()
					k.POPCNTQ(at(x, 8*i), c)
					k.ADDQ(c, sums[i%4])
				}
				k.step(x, 128)
			})
			for _, s := range sums[1:] {
				k.ADDQ(s, sums[0])
			}
			k.Store(sums[0], k.Return("n"))
			k.ret()
		},
	},
}}

// combine is an operation on the bits of x and y.
func combine(name, what string, op func(k *code, x, y operand.Mem, v reg.VecVirtual)) kernel {
	return kernel{
		name: name, sig: "func(out, x, y []byte)",
		doc: "sets out[i] to " + what + "; len(x) is a positive multiple of 128.",
		body: func(k *code) {
			out, x, y := k.base("out"), k.base("x"), k.base("y")
			k.loop(k.length("x"), 128, func() {
				for i := range 128 / k.width {
					v := k.vec()
					op(k, at(x, i*k.width), at(y, i*k.width), v)
					k.VMOVUPD(v, at(out, i*k.width))
				}
				for _, p := range []reg.GPVirtual{out, x, y} {
					k.step(p, 128)
				}
			})
			k.ret()
		},
	}
}
