package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var sgds = family{name: "sgd", kernels: []kernel{logisticSteps, logisticRows}}

var logisticSteps = kernel{
	name: "logisticSteps",
	sig:  "func(p []float64, w []float64, b float64, x [][]float64, from int, y []float64, shrink []float64, eta []float64, etaB []float64) (after float64)",
	doc:  "is about one row or more and one column or more.",
	// One chain of scalars.
	widths: []int{avx2},
	body: func(k *code) {
		// What stays in registers: p moves on, the others are found by the
		// number of bytes to the row of p.
		p, w, x, n := k.base("p"), k.base("w"), k.base("x"), k.length("p")
		y, shrinks, etas, etaBs := k.base("y"), k.base("shrink"), k.base("eta"), k.base("etaB")
		row, i := k.arg("from"), k.GP64() // of the columns, of the other slices
		k.XORQ(i, i)
		f := k.expFactors()
		b, z := k.scalar("b"), k.vec()

		// columns calls body for every column: its address and the place of its
		// weight.
		columns := func(body func(col reg.GPVirtual, weight operand.Mem)) {
			header, weight, left := k.GP64(), k.GP64(), k.GP64()
			k.MOVQ(x, header)
			k.MOVQ(w, weight)
			k.Load(k.Param("w").Len(), left)
			k.loop(left, 1, func() {
				col := k.GP64()
				k.MOVQ(at(header, 0), col)
				body(col, at(weight, 0))
				k.step(header, headerBytes)
				k.step(weight, 8)
			})
		}
		cell := func(col reg.GPVirtual, ahead int) operand.Mem {
			return operand.Mem{Base: col, Index: row, Scale: 8, Disp: 8 * ahead}
		}
		k.VXORPD(z, z, z)
		columns(func(col reg.GPVirtual, weight operand.Mem) {
			v := k.XMM()
			k.VMOVSD(weight, v)
			k.VFMADD231SD(cell(col, 0), v, z.AsX())
		})
		top, last := k.label("row"), k.label("last")
		k.Label(top)
		k.VADDPD(b, z, z)
		u, shrink := k.link(f, z, b, i, linkArgs{p, y, shrinks, etas, etaBs})
		k.INCQ(i)
		k.CMPQ(i, n)
		k.JGE(operand.LabelRef(last))

		// The step of this row and the product with the next one.
		k.VXORPD(z, z, z)
		columns(func(col reg.GPVirtual, weight operand.Mem) {
			v := k.XMM()
			k.VMULSD(weight, shrink.AsX(), v)
			k.VFNMADD231SD(cell(col, 0), u.AsX(), v)
			k.VMOVSD(v, weight)
			k.VFMADD231SD(cell(col, 1), v, z.AsX())
		})
		k.INCQ(row)
		k.JMP(operand.LabelRef(top))

		k.Label(last)
		columns(func(col reg.GPVirtual, weight operand.Mem) {
			v := k.XMM()
			k.VMULSD(weight, shrink.AsX(), v)
			k.VFNMADD231SD(cell(col, 0), u.AsX(), v)
			k.VMOVSD(v, weight)
		})
		k.returnNumber(b, "after")
		k.ret()
	},
}

var logisticRows = kernel{
	name: "logisticRows",
	sig:  "func(p []float64, w []float64, b float64, x []float64, y []float64, shrink []float64, eta []float64, etaB []float64, aheadX [][]float64, aheadFrom, aheadRows int) (after float64)",
	doc:  "is about one row or more; len(w) is a positive multiple of 8.",
	// The chain is long, its vectors are few.
	widths: []int{avx2},
	body: func(k *code) {
		p, w, row, n := k.base("p"), k.base("w"), k.base("x"), k.length("p")
		y, shrinks, etas, etaBs := k.base("y"), k.base("shrink"), k.base("eta"), k.base("etaB")
		i, stride := k.GP64(), k.length("w")
		k.XORQ(i, i)
		k.SHLQ(operand.U8(3), stride)
		b, ahead := k.scalar("b"), k.ahead()

		// weights does one pass over the weights.
		weights := func(body func(v int, weight operand.Mem, disp int), pointers ...reg.GPVirtual) {
			weight, left := k.GP64(), k.GP64()
			k.MOVQ(w, weight)
			k.MOVQ(stride, left)
			k.SHRQ(operand.U8(3), left)
			k.lanes(left, func(v, disp int) { body(v, at(weight, disp), disp) }, append(pointers, weight)...)
		}
		acc := k.zeros(8)
		this := k.GP64()
		k.MOVQ(row, this)
		weights(func(v int, weight operand.Mem, disp int) {
			a := k.vec()
			k.VMOVUPD(weight, a)
			k.VFMADD231PD(at(this, disp), a, acc[v])
		}, this)
		top, last := k.label("row"), k.label("last")
		k.Label(top)
		z := k.everywhere(acc)
		k.VADDPD(b, z, z)
		lines := k.GP64() // of as many rows as there are here, one per eight columns
		k.MOVQ(stride, lines)
		k.SHRQ(operand.U8(6), lines)
		ahead.ask(lines)
		u, shrink := k.link(k.expFactors(), z, b, i, linkArgs{p, y, shrinks, etas, etaBs})
		k.MOVQ(row, this)
		k.ADDQ(stride, row)
		k.INCQ(i)
		k.CMPQ(i, n)
		k.JGE(operand.LabelRef(last))

		// The step of this row and the product with the next one.
		next := k.GP64()
		k.MOVQ(row, next)
		for _, v := range acc {
			k.VXORPD(v, v, v)
		}
		weights(func(v int, weight operand.Mem, disp int) {
			a := k.vec()
			k.VMULPD(weight, shrink, a)
			k.VFNMADD231PD(at(this, disp), u, a)
			k.VMOVUPD(a, weight)
			k.VFMADD231PD(at(next, disp), a, acc[v])
		}, this, next)
		k.JMP(operand.LabelRef(top))

		k.Label(last)
		weights(func(_ int, weight operand.Mem, disp int) {
			a := k.vec()
			k.VMULPD(weight, shrink, a)
			k.VFNMADD231PD(at(this, disp), u, a)
			k.VMOVUPD(a, weight)
		}, this)
		k.returnNumber(b, "after")
		k.ret()
	},
}

// linkArgs are the slices that have an element per row.
type linkArgs struct{ p, y, shrink, eta, etaB reg.GPVirtual }

// link is what follows the score z of row i, which all elements hold: it
// stores the probability, moves b, and returns what the row is multiplied by
// and the weights, in all elements.
func (k *code) link(f expFactors, z, b reg.VecVirtual, i reg.GPVirtual, of linkArgs) (u, shrink reg.VecVirtual) {
	element := func(base reg.GPVirtual) operand.Mem { return operand.Mem{Base: base, Index: i, Scale: 8} }
	yes, no := k.sigmoid(f, z)
	k.VMOVSD(yes.AsX(), element(of.p))
	g := k.vec()
	k.VBROADCASTSD(element(of.y), g)
	k.VXORPD(k.num(math.Copysign(0, -1)), no, no)
	k.VBLENDVPD(k.maskOf(equal, g, 1), no, yes, g)
	u, shrink = k.vec(), k.vec()
	k.VBROADCASTSD(element(of.eta), u)
	k.VMULPD(u, g, u)
	k.VBROADCASTSD(element(of.etaB), shrink)
	k.VMULPD(shrink, g, g)
	k.VSUBPD(g, b, b)
	k.VBROADCASTSD(element(of.shrink), shrink)
	return u, shrink
}

// everywhere is the sum of 32 lanes in every element.
func (k *code) everywhere(acc []reg.VecVirtual) reg.VecVirtual {
	sum, other := k.vec(), k.vec()
	for n := len(acc) / 2; n > 0; n /= 2 {
		for v := range n {
			k.VADDPD(acc[v+n], acc[v], acc[v])
		}
	}
	k.VPERM2F128(operand.U8(0x01), acc[0], acc[0], other)
	k.VADDPD(other, acc[0], sum)
	k.VPERMILPD(operand.U8(0x05), sum, other)
	k.VADDPD(other, sum, sum)
	return sum
}

// returnNumber returns the first element of v.
func (k *code) returnNumber(v reg.VecVirtual, result string) {
	r, err := k.Return(result).Resolve()
	if err != nil {
		panic(err)
	}
	k.VMOVSD(v.AsX(), r.Addr)
}
