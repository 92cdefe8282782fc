package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var transposes = family{name: "transpose", kernels: []kernel{{
	name: "transpose",
	sig:  "func(out []float64, stride int, x [][]float64, from int, n int)",
	doc:  "writes x[j][from+i] to out[i*stride+j]; len(x) and n are positive multiples of 4.",
	// Squares of 4x4 are as fast as the memory takes rows.
	widths: []int{avx2},
	body: func(k *code) {
		out, stride, x, from := k.base("out"), k.arg("stride"), k.base("x"), k.arg("from")
		d, n := k.length("x"), k.arg("n")
		k.SHLQ(operand.U8(3), stride)
		three := k.GP64()
		k.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, three)
		k.loop(d, 4, func() {
			var col [4]reg.GPVirtual
			for j := range col {
				col[j] = k.GP64()
				k.MOVQ(at(x, j*headerBytes), col[j])
			}
			row, i, left := k.GP64(), k.GP64(), k.GP64()
			k.MOVQ(out, row)
			k.MOVQ(from, i)
			k.MOVQ(n, left)
			k.loop(left, 4, func() {
				c, pair, r := k.vecs(4), k.vecs(4), k.vecs(4)
				for j, v := range c {
					k.VMOVUPD(operand.Mem{Base: col[j], Index: i, Scale: 8}, v)
				}
				for j := 0; j < 4; j += 2 { // rows 0 and 2, rows 1 and 3 of two columns
					k.VUNPCKLPD(c[j+1], c[j], pair[j])
					k.VUNPCKHPD(c[j+1], c[j], pair[j+1])
				}
				for j := range 2 {
					k.VPERM2F128(operand.U8(0x20), pair[2+j], pair[j], r[j])
					k.VPERM2F128(operand.U8(0x31), pair[2+j], pair[j], r[2+j])
				}
				k.VMOVUPD(r[0], at(row, 0))
				k.VMOVUPD(r[1], operand.Mem{Base: row, Index: stride, Scale: 1})
				k.VMOVUPD(r[2], operand.Mem{Base: row, Index: stride, Scale: 2})
				k.VMOVUPD(r[3], operand.Mem{Base: row, Index: three, Scale: 1})
				k.LEAQ(operand.Mem{Base: row, Index: stride, Scale: 4}, row)
				k.step(i, 4)
			})
			k.step(out, 4*8)
			k.step(x, 4*headerBytes)
		})
		k.ret()
	},
}}}
