package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// headerBytes is the size of a slice header: columns are found by theirs.
const headerBytes = 24

var matvecs = family{name: "matvec", kernels: []kernel{
	{
		name: "matVec",
		sig:  "func(out []float64, x [][]float64, from int, w []float64)",
		doc:  "writes the sum of w[j]*x[j][from+i], j in order, to out[i]; len(out) is a positive multiple of 8, len(w) positive.",
		body: func(k *code) {
			x, w, d := k.base("x"), k.base("w"), k.length("w")
			k.rowBlocks(32, func(i reg.GPVirtual, acc []reg.VecVirtual) {
				for _, v := range acc {
					k.VXORPD(v, v, v)
				}
				header, weight, left := k.GP64(), k.GP64(), k.GP64()
				k.MOVQ(x, header)
				k.MOVQ(w, weight)
				k.MOVQ(d, left)
				k.loop(left, 1, func() {
					k.addColumn(at(header, 0), at(weight, 0), i, acc)
					k.step(header, headerBytes)
					k.step(weight, 8)
				})
			})
		},
	},
	{
		name: "matVecLanes",
		sig:  "func(out []float64, x [][]float64, from int, w []float64, waiting *[3 * 16]float64)",
		doc:  "writes the sum of w[j]*x[j][from+i] in 32 lanes of j to out[i]; len(out) is a positive multiple of 8. waiting is scratch.",
		body: func(k *code) {
			x, w, d, waiting := k.base("x"), k.base("w"), k.length("w"), k.arg("waiting")
			k.rowBlocks(16, func(i reg.GPVirtual, acc []reg.VecVirtual) {
				// Eight quartets of lanes: 0, 16, 8 and 24, then 4, 20, 12 and 28, and
				// so on: those of number t begin at t with its bits reversed. The sum
				// of two quartets, or of two such sums, is due as soon as its second
				// half is there. The first halves wait, by size.
				for t := range 8 {
					sum := k.quartet(laneArgs{x, w, d, i}, int(bits.Reverse8(uint8(t))>>5), 8, len(acc))
					size := bits.TrailingZeros8(^uint8(t))
					for level := range size {
						for v, a := range sum {
							k.VADDPD(at(waiting, level*16*8+v*k.width), a, a)
						}
					}
					for v, a := range sum {
						if t < 7 {
							k.VMOVUPD(a, at(waiting, size*16*8+v*k.width))
						} else {
							k.VADDPD(k.num(0), a, acc[v])
						}
					}
				}
			})
		},
	},
	{
		name: "matTVec",
		sig:  "func(acc [][32]float64, x [][]float64, from int, r []float64)",
		doc:  "adds r[i]*x[j][from+i] to acc[j][i mod 32]; len(r) is a positive multiple of 32, len(acc) positive.",
		body: func(k *code) {
			acc, x, from, r := k.base("acc"), k.base("x"), k.arg("from"), k.base("r")
			n, d := k.length("r"), k.length("acc")
			lanes := k.vecs(32 * 8 / k.width)
			k.loop(d, 1, func() {
				col, row, left := k.GP64(), k.GP64(), k.GP64()
				k.MOVQ(at(x, 0), col)
				k.LEAQ(operand.Mem{Base: col, Index: from, Scale: 8}, col)
				k.MOVQ(r, row)
				k.MOVQ(n, left)
				for i, v := range lanes {
					k.VMOVUPD(at(acc, i*k.width), v)
				}
				k.loop(left, 32, func() {
					for i, v := range lanes {
						a := k.vec()
						k.VMOVUPD(at(row, i*k.width), a)
						k.VFMADD231PD(at(col, i*k.width), a, v)
					}
					k.step(row, 32*8)
					k.step(col, 32*8)
				})
				for i, v := range lanes {
					k.VMOVUPD(v, at(acc, i*k.width))
				}
				k.step(x, headerBytes)
				k.step(acc, 32*8)
			})
			k.ret()
		},
	},
	{
		name: "lanesValues",
		sig:  "func(out []float64, lanes [][32]float64)",
		doc:  "writes LanesValue of every lanes[j] to out[j]; len(out) is positive.",
		body: func(k *code) {
			out, lanes, n := k.base("out"), k.base("lanes"), k.length("out")
			k.loop(n, 1, func() {
				acc := k.vecs(32 * 8 / k.width)
				for v, a := range acc {
					k.VMOVUPD(at(lanes, v*k.width), a)
				}
				k.VMOVSD(k.reduce(acc), at(out, 0))
				k.step(lanes, 32*8)
				k.step(out, 8)
			})
			k.ret()
		},
	},
}}

// rowBlocks writes what body leaves in acc to out, most rows at a time, then
// eight; i is the byte of the first row in a column. It returns from the
// function.
func (k *code) rowBlocks(most int, body func(i reg.GPVirtual, acc []reg.VecVirtual)) {
	out, i, n := k.base("out"), k.arg("from"), k.length("out")
	k.SHLQ(operand.U8(3), i)
	for _, rows := range []int{most, 8} {
		top, less := k.label("rows"), k.label("less")
		k.Label(top)
		k.CMPQ(n, operand.U32(rows))
		k.JLT(operand.LabelRef(less))
		acc := k.vecs(rows * 8 / k.width)
		body(i, acc)
		for j, v := range acc {
			k.VMOVUPD(v, at(out, j*k.width))
		}
		k.step(out, rows*8)
		k.step(i, rows*8)
		k.SUBQ(operand.U32(rows), n)
		k.JMP(operand.LabelRef(top))
		k.Label(less)
	}
	k.ret()
}

// addColumn adds the product of a weight and a column to the rows of acc and
// asks for the next rows: so many columns are more than the processor foresees.
func (k *code) addColumn(header, weight operand.Mem, i reg.GPVirtual, acc []reg.VecVirtual) {
	col, b := k.GP64(), k.vec()
	k.MOVQ(header, col)
	k.VBROADCASTSD(weight, b)
	cell := func(disp int) operand.Mem { return operand.Mem{Base: col, Index: i, Scale: 1, Disp: disp} }
	bytes := len(acc) * k.width
	for line := 0; line < bytes; line += 64 {
		k.PREFETCHT0(cell(bytes + line))
	}
	for j, v := range acc {
		k.VFMADD231PD(cell(j*k.width), b, v)
	}
}

// laneArgs are the columns, the weights, the number of both and the byte of
// the first row.
type laneArgs struct{ x, w, d, i reg.GPVirtual }

// quartet is the sum of the lanes l, l+dist, ... below 32 for as many rows as n
// vectors have, added at distance 16 first and dist last.
func (k *code) quartet(args laneArgs, l, dist, n int) []reg.VecVirtual {
	if dist == 32 {
		return k.lane(args, l, n)
	}
	a, b := k.quartet(args, l, 2*dist, n), k.quartet(args, l+dist, 2*dist, n)
	for v := range a {
		k.VADDPD(b[v], a[v], a[v])
	}
	return a
}

// lane is the sum of the columns l, l+32, ...
func (k *code) lane(args laneArgs, l, n int) []reg.VecVirtual {
	acc := k.vecs(n)
	for _, v := range acc {
		k.VXORPD(v, v, v)
	}
	done := k.label("lane")
	k.CMPQ(args.d, operand.U32(l))
	k.JLE(operand.LabelRef(done))
	k.addColumn(at(args.x, l*headerBytes), at(args.w, l*8), args.i, acc)
	k.CMPQ(args.d, operand.U32(l+32))
	k.JLE(operand.LabelRef(done))
	header, weight, left, top := k.GP64(), k.GP64(), k.GP64(), k.label("more")
	k.MOVQ(args.x, header)
	k.MOVQ(args.w, weight)
	k.LEAQ(at(args.d, -l-32), left)
	k.Label(top)
	k.step(header, 32*headerBytes)
	k.step(weight, 32*8)
	k.addColumn(at(header, l*headerBytes), at(weight, l*8), args.i, acc)
	k.SUBQ(operand.U32(32), left)
	k.JG(operand.LabelRef(top))
	k.Label(done)
	return acc
}
