package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var tiles = family{name: "tile", kernels: []kernel{
	{
		name: "loadTiles",
		sig:  "func(tiles []float64, x [][]float64, from int)",
		doc:  "is [LoadTiles] for whole tiles, at least one, of at least one column.",
		body: func(k *code) {
			tiles, size := k.base("tiles"), k.length("tiles")
			col, d, from := k.base("x"), k.length("x"), k.arg("from")
			k.LEAQ(operand.Mem{Base: tiles, Index: size, Scale: 8}, size) // the end
			stride, left := k.GP64(), k.GP64()
			k.IMUL3Q(operand.U32(tileRows*8), d, stride)
			k.MOVQ(d, left)
			k.loop(left, 1, func() {
				p, out, next := k.GP64(), k.GP64(), k.label("tile")
				k.MOVQ(at(col, 0), p)
				k.LEAQ(operand.Mem{Base: p, Index: from, Scale: 8}, p)
				k.MOVQ(tiles, out)
				k.Label(next)
				for v := 0; v < tileRows*8; v += k.width {
					x := k.vec()
					k.VMOVUPD(at(p, v), x)
					k.VMOVUPD(x, at(out, v))
				}
				k.step(p, tileRows*8)
				k.ADDQ(stride, out)
				k.CMPQ(out, size)
				k.JB(operand.LabelRef(next))
				k.step(col, headerBytes)
				k.step(tiles, tileRows*8)
			})
			k.ret()
		},
	},
	{
		name:   "addTile",
		sig:    "func(sums []float64, class []int32, tile []float64, d int)",
		doc:    "is [AddTile] for len(class) rows, a positive multiple of 4, and at\n// least one column.",
		widths: []int{avx2},
		body:   addTile,
	},
}}

// addTile turns squares of four rows and four columns of the tile and adds each
// row to the sums of its class.
func addTile(k *code) {
	sums, class, n := k.base("sums"), k.base("class"), k.length("class")
	tile, d := k.base("tile"), k.arg("d")
	k.loop(n, 4, func() {
		var to [4]reg.GPVirtual
		for r := range to {
			to[r] = k.GP64()
			k.MOVLQSX(at(class, 4*r), to[r])
			k.IMULQ(d, to[r])
			k.LEAQ(operand.Mem{Base: sums, Index: to[r], Scale: 8}, to[r])
		}
		x, f := k.GP64(), k.GP64()
		k.MOVQ(tile, x)
		k.XORQ(f, f)
		squares, rest, done := k.label("squares"), k.label("rest"), k.label("done")
		left := k.GP64()
		k.MOVQ(d, left)
		k.SUBQ(operand.U8(4), left)
		k.JL(operand.LabelRef(rest))
		k.Label(squares)
		k.addSquare(x, func(r int) operand.Mem { return operand.Mem{Base: to[r], Index: f, Scale: 8} })
		k.step(x, 4*tileRows*8)
		k.step(f, 4)
		k.SUBQ(operand.U8(4), left)
		k.JGE(operand.LabelRef(squares))
		k.Label(rest)
		k.CMPQ(f, d)
		k.JE(operand.LabelRef(done))
		for r := range to {
			v, sum := k.XMM(), operand.Mem{Base: to[r], Index: f, Scale: 8}
			k.VMOVSD(sum, v)
			k.VADDSD(at(x, 8*r), v, v)
			k.VMOVSD(v, sum)
		}
		k.step(x, tileRows*8)
		k.INCQ(f)
		k.JMP(operand.LabelRef(rest))
		k.Label(done)
		k.step(class, 4*4)
		k.step(tile, 4*8)
	})
	k.ret()
}

// addSquare adds four features of four rows, which begin at x, to what is at
// sum(0) to sum(3).
func (k *code) addSquare(x reg.GPVirtual, sum func(r int) operand.Mem) {
	v, w := k.vecs(4), k.vecs(4)
	for c := range v {
		k.VMOVUPD(at(x, c*tileRows*8), v[c])
	}
	for c := 0; c < 4; c += 2 {
		k.VUNPCKLPD(v[c+1], v[c], w[c])
		k.VUNPCKHPD(v[c+1], v[c], w[c+1])
	}
	for r := range v {
		k.VPERM2F128(operand.U8(0x20+r/2*0x11), w[2+r%2], w[r%2], v[r])
		k.VADDPD(sum(r), v[r], v[r])
		k.VMOVUPD(v[r], sum(r))
	}
}
