package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of single rows use vectors of four centers on all levels: eight
// at a time would not wait less for each other's sums.
var centers = family{name: "center", kernels: []kernel{
	{
		name:   "nearestRow",
		sig:    "func(x, panels []float64) (best int, dist float64)",
		doc:    "is [NearestRow] for at least one panel.",
		widths: []int{avx2},
		body: func(k *code) {
			x, d, size := k.base("x"), k.length("x"), k.GP64()
			k.panelSize(d, size)
			least, best := k.nearestOf(x, d, size)
			center := k.GP64()
			k.VMOVQ(best.AsX(), center)
			k.Store(center, k.Return("best"))
			r, err := k.Return("dist").Resolve()
			if err != nil {
				panic(err)
			}
			k.VMOVSD(least.AsX(), r.Addr)
			k.ret()
		},
	},
	{
		name:   "followPanel",
		sig:    "func(class []int32, dist, x, panel, weights []float64, decay float64, aheadX [][]float64, aheadFrom, aheadRows int) (done int)",
		doc:    "is [FollowRows] for at least one row and one panel with eight weights,\n// without a look at whether the centers stay finite.",
		widths: []int{avx2},
		body:   followPanel,
	},
	{
		name:   "followRows",
		sig:    "func(class []int32, dist, x, panels, weights []float64, decay float64, undo []float64) (done, failed int)",
		doc:    "is [FollowRows] for at least one row; failed is not 0 before a move out\n// of the numbers.",
		widths: []int{avx2},
		body:   followRows,
	},
}}

// followPanel moves the center of a row in the same pass over the features that
// compares the next row, so that a row waits for 4 cycles per feature and some
// 25 more. All eight centers have their rates at hand; the mask of the nearest
// picks one. It depends on no address.
func followPanel(k *code) {
	x, panel, weights := k.base("x"), k.base("panel"), k.base("weights")
	class, dist, i, n := k.base("class"), k.base("dist"), k.GP64(), k.length("class")
	d := k.length("panel")
	k.SHRQ(operand.U8(3), d)
	k.DECQ(d)
	k.XORQ(i, i)
	frame := k.AllocLocal(2 * 32)
	lanes := [2]operand.Mem{frame, frame.Offset(32)} // the numbers of the centers
	number := k.fourLanes()
	k.VMOVUPD(number, lanes[0])
	k.VPADDQ(k.constant(63, 61), number, number)
	k.VMOVUPD(number, lanes[1])
	ahead := k.ahead()

	acc := k.vecs(2)
	top, last := k.label("row"), k.label("last")
	// pass goes over the features: of the row at x, to which the centers move,
	// and of the next one, which is compared with them.
	pass := func(move, compare bool, mask, keep, rate []reg.VecVirtual) {
		p, this, next := k.GP64(), k.GP64(), k.GP64()
		k.MOVQ(panel, p)
		k.MOVQ(x, this)
		k.LEAQ(operand.Mem{Base: x, Index: d, Scale: 8}, next)
		if !move {
			k.MOVQ(x, next)
		}
		if compare {
			for h := range acc {
				k.VMOVUPD(at(p, 32*h), acc[h])
			}
		}
		k.step(p, 8*panelCenters)
		k.pairs(d, func(f int) {
			row, other := k.vec(), k.vec()
			if move {
				k.VBROADCASTSD(at(this, 8*f), row)
			}
			if compare {
				k.VBROADCASTSD(at(next, 8*f), other)
			}
			for h := range acc {
				c, cell := k.vec(), at(p, 64*f+32*h)
				k.VMOVUPD(cell, c)
				if move {
					moved := k.vec()
					k.VMULPD(c, keep[h], moved)
					k.VFMADD231PD(rate[h], row, moved)
					k.VBLENDVPD(mask[h], moved, c, c)
					k.VMOVUPD(c, cell)
				}
				if compare {
					k.VSUBPD(c, other, c)
					k.VFMADD231PD(c, c, acc[h])
				}
			}
		}, func(n int) {
			k.step(p, 64*n)
			if move {
				k.step(this, 8*n)
			}
			if compare {
				k.step(next, 8*n)
			}
		})
	}
	pass(false, true, nil, nil, nil)

	k.Label(top)
	least, best := k.constant(53, 1), k.zero()
	for h := range acc {
		j := k.vec()
		k.VMOVUPD(lanes[h], j)
		k.keepLess(acc[h], j, least, best)
	}
	k.leastLane(least, best)
	k.VMOVD(best.AsX(), operand.Mem{Base: class, Index: i, Scale: 4})
	k.VMOVSD(least.AsX(), operand.Mem{Base: dist, Index: i, Scale: 8})

	mask, keep, rate := k.vecs(2), k.vecs(2), k.vecs(2)
	decay, one := k.vec(), k.constant(54, 2)
	k.VBROADCASTSD(k.param("decay"), decay)
	lightest, heaviest := k.constant(53, 1), k.constant(52, 0)
	for h := range mask {
		w, more := k.vec(), k.vec()
		k.VPCMPEQQ(lanes[h], best, mask[h])
		k.VMULPD(at(weights, 32*h), decay, w)
		k.VADDPD(one, w, more)
		k.VDIVPD(more, one, rate[h])
		k.VSUBPD(rate[h], one, keep[h])
		k.VBLENDVPD(mask[h], more, w, w)
		k.VMOVUPD(w, at(weights, 32*h))
		k.VMINPD(lightest, w, lightest)
		k.VMAXPD(heaviest, w, heaviest)
	}
	k.INCQ(i)
	k.CMPQ(i, n)
	k.JE(operand.LabelRef(last))
	k.ifDying(lightest, heaviest, last)
	lines := k.GP64()
	k.LEAQ(at(d, 7), lines)
	k.SHRQ(operand.U8(3), lines)
	ahead.ask(lines)
	pass(true, true, mask, keep, rate)
	k.LEAQ(operand.Mem{Base: x, Index: d, Scale: 8}, x)
	k.JMP(operand.LabelRef(top))

	k.Label(last)
	pass(true, false, mask, keep, rate)
	k.Store(i, k.Return("done"))
	k.ret()
}

// followRows reads what it needs once per row from the arguments: registers are
// few.
func followRows(k *code) {
	x, d, size, row := k.base("x"), k.GP64(), k.GP64(), k.GP64()
	k.Load(k.Param("undo").Len(), d)
	k.SHRQ(operand.U8(2), d)
	k.panelSize(d, size)
	k.XORQ(row, row)
	next, out, bad := k.label("row"), k.label("out"), k.label("bad")
	failed := k.GP64()
	k.XORQ(failed, failed)
	k.Label(next)
	least, best := k.nearestOf(x, d, size)
	center := k.GP64()
	k.VMOVQ(best.AsX(), center)
	k.MOVL(center.As32(), operand.Mem{Base: k.base("class"), Index: row, Scale: 4})
	k.VMOVSD(least.AsX(), operand.Mem{Base: k.base("dist"), Index: row, Scale: 8})
	k.moveCenter(x, d, size, center, bad)
	k.INCQ(row)
	k.addWeight(center, out)
	n := k.length("class")
	k.CMPQ(row, n)
	k.JL(operand.LabelRef(next))
	k.JMP(operand.LabelRef(out))
	k.Label(bad)
	k.INCQ(failed)
	k.Label(out)
	k.Store(row, k.Return("done"))
	k.Store(failed, k.Return("failed"))
	k.ret()
}

// panelSize sets size to the bytes of a panel of d features.
func (k *code) panelSize(d, size reg.GPVirtual) {
	k.LEAQ(operand.Mem{Base: d, Disp: 1}, size)
	k.SHLQ(operand.U8(6), size)
}

// nearestOf finds the nearest center of the row at x among those of the
// parameter panels, four panels at a time, then two, then one: eight chains of
// sums keep the units for products busy. The first lanes of the results are
// the distance and the number of the center.
func (k *code) nearestOf(x, d, size reg.GPVirtual) (least, best reg.VecVirtual) {
	p, left := k.base("panels"), k.length("panels")
	k.SHLQ(operand.U8(3), left)
	least, best = k.constant(53, 1), k.zero()
	j, four := k.fourLanes(), k.constant(63, 61)
	for panels := 4; panels > 0; panels /= 2 {
		next, done := k.label("panels"), k.label("done")
		group := k.GP64()
		k.Label(next)
		k.MOVQ(size, group)
		if panels > 1 {
			k.SHLQ(operand.U8(panels/2), group)
		}
		k.CMPQ(left, group)
		k.JL(operand.LabelRef(done))
		k.SUBQ(group, left)
		k.panelsOfRow(x, d, p, size, panels, least, best, j, four)
		k.JMP(operand.LabelRef(next))
		k.Label(done)
	}
	k.leastLane(least, best)
	return least, best
}

// leastLane puts the least of the four lanes into all, of the same the first
// center.
func (k *code) leastLane(least, best reg.VecVirtual) {
	for i := range 2 {
		other, otherBest := k.vec(), k.vec()
		k.otherLane(i, least, other)
		k.otherLane(i, best, otherBest)
		less, same, before := k.vec(), k.vec(), k.vec()
		k.VCMPPD(operand.U8(0x11), least, other, less)
		k.VCMPPD(operand.U8(0x00), least, other, same)
		k.VPCMPGTQ(otherBest, best, before)
		k.VANDPD(before, same, same)
		k.VORPD(same, less, less)
		k.VMINPD(least, other, least)
		k.VBLENDVPD(less, otherBest, best, best)
	}
}

// otherLane swaps the halves of v, or (i = 1) the lanes of each half.
func (k *code) otherLane(i int, v, to reg.VecVirtual) {
	if i == 0 {
		k.VPERM2F128(operand.U8(1), v, v, to)
	} else {
		k.VPERMILPD(operand.U8(5), v, to)
	}
}

// panelsOfRow compares the row with the centers of the given number of panels,
// from p on, which it moves behind them.
func (k *code) panelsOfRow(x, d, p, size reg.GPVirtual, panels int, least, best, j, four reg.VecVirtual) {
	f, three := k.GP64(), k.GP64()
	panel := func(i, disp int) operand.Mem {
		return [...]operand.Mem{
			{Base: p, Disp: disp},
			{Base: p, Index: size, Scale: 1, Disp: disp},
			{Base: p, Index: size, Scale: 2, Disp: disp},
			{Base: p, Index: three, Scale: 1, Disp: disp},
		}[i]
	}
	if panels == 4 {
		k.LEAQ(operand.Mem{Base: size, Index: size, Scale: 2}, three)
	}
	acc := k.vecs(2 * panels)
	for i, v := range acc {
		k.VMOVUPD(panel(i/2, i%2*32), v)
	}
	k.MOVQ(x, f)
	k.step(p, 64)
	k.pairs(d, func(i int) {
		v := k.vec()
		k.VBROADCASTSD(at(f, 8*i), v)
		for l, sum := range acc {
			t := k.vec()
			k.VSUBPD(panel(l/2, 64*i+l%2*32), v, t)
			k.VFMADD231PD(t, t, sum)
		}
	}, func(n int) {
		k.step(f, 8*n)
		k.step(p, 64*n)
	})
	switch panels {
	case 4:
		k.ADDQ(three, p)
	case 2:
		k.ADDQ(size, p)
	}
	for _, sum := range acc {
		k.keepLess(sum, j, least, best)
		k.VPADDQ(four, j, j)
	}
}

// pairs repeats body for pairs of features, 0 and 1, with step(2) after each,
// and for an odd last one, with step(1).
func (k *code) pairs(d reg.GPVirtual, body, step func(i int)) {
	left := k.GP64()
	next, odd, done := k.label("pair"), k.label("odd"), k.label("done")
	k.MOVQ(d, left)
	k.SUBQ(operand.U8(2), left)
	k.JL(operand.LabelRef(odd))
	k.Label(next)
	body(0)
	body(1)
	step(2)
	k.SUBQ(operand.U8(2), left)
	k.JGE(operand.LabelRef(next))
	k.Label(odd)
	k.TESTQ(operand.U32(1), left)
	k.JZ(operand.LabelRef(done))
	body(0)
	step(1)
	k.Label(done)
}

// moveCenter moves the center towards the row at x, whose end x is moved to. It
// changes one lane of vectors of four centers: the next row loads whole
// vectors, which would wait for narrower stores. If a feature is not finite
// any more it puts back the old ones and jumps to bad.
func (k *code) moveCenter(x, d, size, center reg.GPVirtual, bad string) {
	// rate = 1 / (weight*decay + 1), keep = 1 - rate
	keep, rate, mask, one := k.vec(), k.vec(), k.vec(), k.constant(54, 2)
	k.VMOVSD(operand.Mem{Base: k.base("weights"), Index: center, Scale: 8}, rate.AsX())
	k.VMULSD(k.param("decay"), rate.AsX(), rate.AsX())
	k.VADDSD(one.AsX(), rate.AsX(), rate.AsX())
	k.VDIVSD(rate.AsX(), one.AsX(), rate.AsX())
	k.VSUBSD(rate.AsX(), one.AsX(), keep.AsX())
	k.VBROADCASTSD(rate.AsX(), rate)
	k.VBROADCASTSD(keep.AsX(), keep)

	half, lane := k.GP64(), k.GP64()
	k.MOVQ(center, half)
	k.SHRQ(operand.U8(3), half)
	k.IMULQ(size, half)
	k.ADDQ(k.base("panels"), half)
	k.MOVQ(center, lane)
	k.ANDQ(operand.U8(4), lane)
	k.LEAQ(operand.Mem{Base: half, Index: lane, Scale: 8, Disp: 8 * panelCenters}, half)
	k.MOVQ(center, lane)
	k.ANDQ(operand.U8(3), lane)
	k.broadcast(lane, mask)
	k.VPCMPEQQ(k.fourLanes(), mask, mask)

	// rest is 0 but for its sign while everything is finite: NaN has ones where
	// 0 has none. An addition would be one more chain.
	rest, none := k.zero(), k.zero()
	undo, at0 := k.base("undo"), k.GP64()
	k.MOVQ(half, at0)
	k.pairs(d, func(i int) {
		c, v, next := k.vec(), k.vec(), k.vec()
		k.VMOVUPD(at(at0, 64*i), c)
		k.VMOVUPD(c, at(undo, 32*i))
		k.VBROADCASTSD(at(x, 8*i), v)
		k.VMULPD(c, keep, next)
		k.VFMADD231PD(rate, v, next)
		k.VBLENDVPD(mask, next, c, c)
		k.VMOVUPD(c, at(at0, 64*i))
		k.VMULPD(none, next, next)
		k.VORPD(next, rest, rest)
	}, func(n int) {
		k.step(at0, 64*n)
		k.step(undo, 32*n)
		k.step(x, 8*n)
	})
	fine, flags := k.label("fine"), k.GP64()
	k.VCMPPD(operand.U8(0x03), rest, rest, rest) // unordered
	k.VANDPD(mask, rest, rest)
	k.VMOVMSKPD(rest, flags.As32())
	k.TESTL(flags.As32(), flags.As32())
	k.JZ(operand.LabelRef(fine))
	undo = k.base("undo")
	left := k.GP64()
	k.MOVQ(d, left)
	k.loop(left, 1, func() {
		c := k.vec()
		k.VMOVUPD(at(undo, 0), c)
		k.VMOVUPD(c, at(half, 0))
		k.step(half, 64)
		k.step(undo, 32)
	})
	k.JMP(operand.LabelRef(bad))
	k.Label(fine)
}

// addWeight scales all weights, adds one to that of the center, and jumps to
// out if the least is below 1e-8 of the most and not 0.
func (k *code) addWeight(center reg.GPVirtual, out string) {
	weights, n := k.base("weights"), k.length("weights")
	j, four, is, decay := k.fourLanes(), k.constant(63, 61), k.vec(), k.vec()
	k.broadcast(center, is)
	k.VBROADCASTSD(k.param("decay"), decay)
	one, least, most := k.constant(54, 2), k.constant(53, 1), k.constant(52, 0)
	k.loop(n, 4, func() {
		w, more, same := k.vec(), k.vec(), k.vec()
		k.VMULPD(at(weights, 0), decay, w)
		k.VADDPD(one, w, more)
		k.VPCMPEQQ(j, is, same)
		k.VBLENDVPD(same, more, w, w)
		k.VMOVUPD(w, at(weights, 0))
		k.VMINPD(least, w, least)
		k.VMAXPD(most, w, most)
		k.VPADDQ(four, j, j)
		k.step(weights, 32)
	})
	k.ifDying(least, most, out)
}

// ifDying jumps to out if the least of the lanes is below 1e-8 of the most and
// not 0.
func (k *code) ifDying(least, most reg.VecVirtual, out string) {
	for i := range 2 {
		a, b := k.vec(), k.vec()
		k.otherLane(i, least, a)
		k.otherLane(i, most, b)
		k.VMINPD(a, least, least)
		k.VMAXPD(b, most, most)
	}
	small, zero, bits := k.XMM(), k.XMM(), k.GP64()
	k.MOVQ(operand.U64(math.Float64bits(1e-8)), bits)
	k.VMOVQ(bits, small)
	k.VMULSD(small, most.AsX(), small)
	k.VCMPSD(operand.U8(0x11), small, least.AsX(), small) // least < small
	k.VXORPD(zero, zero, zero)
	k.VCMPSD(operand.U8(0x04), zero, least.AsX(), zero) // least != 0
	k.VANDPD(zero, small, small)
	k.VMOVQ(small, bits)
	k.TESTQ(bits, bits)
	k.JNZ(operand.LabelRef(out))
}

// fourLanes are the numbers 0 to 3.
func (k *code) fourLanes() reg.VecVirtual {
	bytes, low, v := k.GP64(), k.XMM(), k.YMM()
	k.MOVQ(operand.U32(0x03020100), bytes)
	k.VMOVQ(bytes, low)
	k.VPMOVZXBQ(low, v)
	return v
}

// param is the memory of the scalar parameter called name.
func (k *code) param(name string) operand.Mem {
	p, err := k.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
