package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	tileRows     = 24 // rows of a tile
	panelCenters = 8  // centers side by side in a panel
	unrolled     = 2  // features in one round
)

// metric is how the difference or product of the features of rows, x, and of a
// center, c in all lanes, goes into the sums acc. t is scratch and may be c,
// which is then used for the last time.
type metric struct {
	name, doc string
	// vecs is how many vectors of rows AVX2 has registers for.
	vecs int
	// spill leaves the last of them in memory.
	spill bool
	// abs asks for the mask that clears signs.
	abs bool
	add func(k *code, x operand.Op, c, t, abs, acc reg.VecVirtual)
}

var metrics = []metric{
	{
		name: "Squared", vecs: 3, spill: true,
		add: func(k *code, x operand.Op, c, t, _, acc reg.VecVirtual) {
			k.VSUBPD(x, c, t)
			k.VFMADD231PD(t, t, acc)
		},
	},
	{
		name: "Manhattan", vecs: 2, abs: true,
		add: func(k *code, x operand.Op, c, t, abs, acc reg.VecVirtual) {
			k.VSUBPD(x, c, t)
			k.VANDPD(abs, t, t)
			k.VADDPD(t, acc, acc)
		},
	},
	{
		name: "Dot", vecs: 3,
		add: func(k *code, x operand.Op, c, _, _, acc reg.VecVirtual) {
			k.VFNMADD231PD(x, c, acc)
		},
	},
}

var nearest = family{name: "nearest", kernels: nearestKernels()}

func nearestKernels() []kernel {
	var all []kernel
	for _, m := range metrics {
		all = append(all, kernel{
			name: "nearest" + m.name,
			sig:  "func(class *[24]int32, dist *[24]float64, tile []float64, d int, panels []float64, first int)",
			doc:  "goes on with [Nearest" + m.name + "], from center number first, which is\n// the first of panels.",
			body: m.tile,
		})
	}
	return all
}

// tile meets the centers of a panel eight (AVX2: four) at a time with as many
// rows as leave every vector of sums in a register. The least sums so far stay
// in dist, the numbers of their centers, as float64, on the stack.
func (m metric) tile(k *code) {
	group, vecs := 4, m.vecs
	if k.wide() {
		group, vecs = panelCenters, tileRows*8/k.width
	}
	class, dist := k.arg("class"), k.arg("dist")
	tile, d := k.base("tile"), k.arg("d")
	panel, end, first := k.base("panels"), k.length("panels"), k.arg("first")
	k.LEAQ(operand.Mem{Base: panel, Index: end, Scale: 8}, end)

	frame := k.AllocLocal(tileRows*8 + 2*k.width)
	number, one := frame.Offset(tileRows*8), frame.Offset(tileRows*8+k.width)
	k.VMOVUPD(k.constant(54, 2), one) // 1.0
	t := k.vec()
	// Without centers before there is nothing to load, which would wait for
	// narrower stores.
	begun, begin := k.label("begun"), k.label("begin")
	k.TESTQ(first, first)
	k.JZ(operand.LabelRef(begin))
	for v := 0; v < tileRows*8; v += k.width {
		k.VCVTDQ2PD(at(class, v/2), t)
		k.VMOVUPD(t, frame.Offset(v))
	}
	k.JMP(operand.LabelRef(begun))
	k.Label(begin)
	none, inf := k.zero(), k.constant(53, 1)
	for v := 0; v < tileRows*8; v += k.width {
		k.VMOVUPD(inf, at(dist, v))
		k.VMOVUPD(none, frame.Offset(v))
	}
	k.Label(begun)
	x := k.XMM()
	k.VXORPD(x, x, x)
	k.VCVTSI2SDQ(first, x, x)
	k.VBROADCASTSD(x, t)
	k.VMOVUPD(t, number)

	half := k.GP64()
	k.XORQ(half, half)
	nextGroup := k.label("group")
	k.Label(nextGroup)
	rows := k.GP64()
	k.XORQ(rows, rows)
	nextRows := k.label("rows")
	k.Label(nextRows)
	acc := make([][]reg.VecVirtual, group)
	for c := range acc {
		acc[c] = k.vecs(vecs)
		k.VBROADCASTSD(at(panel, 8*c), acc[c][0])
		for _, v := range acc[c][1:] {
			k.VMOVAPD(acc[c][0], v)
		}
	}
	p := k.GP64()
	k.LEAQ(at(panel, 8*panelCenters), p)
	m.features(k, acc, tile, d, rows, p)

	mem := func(base reg.Register, disp, v int) operand.Mem {
		return operand.Mem{Base: base, Index: rows, Scale: 1, Disp: disp + v*k.width}
	}
	slot := func(v int) operand.Mem {
		s := frame.Offset(v * k.width)
		s.Index, s.Scale = rows, 1
		return s
	}
	for v := range vecs {
		least, center, j := k.vec(), k.vec(), k.vec()
		k.VMOVUPD(mem(dist, 0, v), least)
		k.VMOVUPD(slot(v), center)
		k.VMOVUPD(number, j)
		for c := range acc {
			k.keepLess(acc[c][v], j, least, center)
			if c < group-1 {
				k.VADDPD(one, j, j)
			}
		}
		k.VMOVUPD(least, mem(dist, 0, v))
		k.VMOVUPD(center, slot(v))
	}
	if vecs*k.width < tileRows*8 {
		k.step(rows, vecs*k.width)
		k.CMPQ(rows, operand.U32(tileRows*8))
		k.JNE(operand.LabelRef(nextRows))
	}
	k.VMOVUPD(number, t)
	for range group {
		k.VADDPD(one, t, t)
	}
	k.VMOVUPD(t, number)
	if k.wide() {
		k.MOVQ(p, panel)
	} else {
		// The other half of the panel, or the next panel.
		k.step(panel, 32)
		k.SUBQ(operand.U8(32), p)
		k.XORQ(operand.U8(1), half)
		k.CMOVQEQ(p, panel)
	}
	k.CMPQ(panel, end)
	k.JB(operand.LabelRef(nextGroup))

	for v := 0; v < tileRows*8; v += k.width {
		k.VMOVUPD(frame.Offset(v), t)
		if k.wide() {
			k.VCVTTPD2DQ(t, t.AsY())
			k.VMOVDQU32(t.AsY(), at(class, v/2))
		} else {
			k.VCVTTPD2DQY(t, t.AsX())
			k.VMOVDQU(t.AsX(), at(class, v/2))
		}
	}
	k.ret()
}

// features adds all features of the rows at byte rows of the tile and of the
// centers at p to acc. It leaves p at the feature behind the last.
func (m metric) features(k *code, acc [][]reg.VecVirtual, tile, d, rows, p reg.GPVirtual) {
	x := k.GP64()
	k.LEAQ(operand.Mem{Base: tile, Index: rows, Scale: 1}, x)
	var abs reg.VecVirtual
	if m.abs {
		abs = k.constant(0, 1)
	}
	// A loop of few rounds ends where the branch predictor expects it to.
	one, four, done := k.label("one"), k.label("four"), k.label("sums")
	left := k.GP64()
	k.MOVQ(d, left)
	k.SUBQ(operand.U8(unrolled), left)
	k.JL(operand.LabelRef(one))
	k.Label(four)
	for i := range unrolled {
		m.feature(k, acc, abs, x, p, i)
	}
	k.step(x, unrolled*tileRows*8)
	k.step(p, unrolled*8*panelCenters)
	k.SUBQ(operand.U8(unrolled), left)
	k.JGE(operand.LabelRef(four))
	k.Label(one)
	k.ADDQ(operand.U8(unrolled), left)
	k.JZ(operand.LabelRef(done))
	rest := k.label("rest")
	k.Label(rest)
	m.feature(k, acc, abs, x, p, 0)
	k.step(x, tileRows*8)
	k.step(p, 8*panelCenters)
	k.DECQ(left)
	k.JNZ(operand.LabelRef(rest))
	k.Label(done)
}

// feature adds feature i from x and p on.
func (m metric) feature(k *code, acc [][]reg.VecVirtual, abs reg.VecVirtual, x, p reg.GPVirtual, i int) {
	vecs := len(acc[0])
	values := make([]operand.Op, vecs)
	for v := range values {
		mem := at(x, i*tileRows*8+v*k.width)
		if values[v] = mem; m.spill && v == vecs-1 && !k.wide() {
			break
		}
		r := k.vec()
		k.VMOVUPD(mem, r)
		values[v] = r
	}
	for c := range acc {
		center, t := k.vec(), k.vec()
		k.VBROADCASTSD(at(p, (i*panelCenters+c)*8), center)
		for v := range values {
			if v == vecs-1 {
				t = center
			}
			m.add(k, values[v], center, t, abs, acc[c][v])
		}
	}
}

// keepLess takes over x and its center j where x is less than least, which NaN
// is not.
func (k *code) keepLess(x, j, least, center reg.VecVirtual) {
	if k.wide() {
		less := k.K()
		k.VCMPPD(operand.U8(0x11), least, x, less)
		k.VMOVAPD(j, less, center)
	} else {
		less := k.vec()
		k.VCMPPD(operand.U8(0x11), least, x, less)
		k.VBLENDVPD(less, j, center, center)
	}
	k.VMINPD(least, x, least)
}

// constant is a vector of ones in every bit, shifted left, then right, by lanes
// of 64 bits.
func (k *code) constant(left, right int) reg.VecVirtual {
	v := k.zero() // tells the register allocator that nothing is read
	if k.wide() {
		k.VPTERNLOGQ(operand.U8(0xff), v, v, v)
	} else {
		k.VPCMPEQQ(v, v, v)
	}
	k.VPSLLQ(operand.U8(left), v, v)
	k.VPSRLQ(operand.U8(right), v, v)
	return v
}
