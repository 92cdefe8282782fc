package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var compares = family{name: "compare", kernels: slices.Concat(
	compareKernels("eq", "=", true), compareKernels("lt", "<", true), compareKernels("le", "<=", false),
)}

// compareKernels are those of one operator, with a constant and, if columns,
// with a column.
func compareKernels(op, sign string, columns bool) (kernels []kernel) {
	for _, e := range elems {
		kernels = append(kernels, kernel{
			name: op + e.name + "Const",
			sig:  "func(out []byte, x []" + e.typ + ", c " + e.typ + ", flip uint64)",
			doc:  "sets bit i of out to x[i] " + sign + " c, exclusive or flip; len(x) is a positive multiple of 64, c not NaN.",
			twin: op + "ConstGo",
			body: func(k *code) {
				x, c := k.base("x"), k.every(e, "c")
				if op == "le" && !e.real && !k.wide() {
					k.compare(e, true, func(disp int) reg.Register { return k.more(e, k.read(at(x, disp)), c) }, x)
					return
				}
				k.compare(e, false, func(disp int) reg.Register { return k.withConst(e, op, at(x, disp), c) }, x)
			},
		})
		if !columns {
			continue
		}
		kernels = append(kernels, kernel{
			name: op + e.name,
			sig:  "func(out []byte, x, y []" + e.typ + ", flip uint64)",
			doc:  "sets bit i of out to x[i] " + sign + " y[i], exclusive or flip; len(x) is a positive multiple of 64.",
			twin: op + "Go",
			body: func(k *code) {
				x, y := k.base("x"), k.base("y")
				k.compare(e, false, func(disp int) reg.Register { return k.columns(e, op, at(x, disp), at(y, disp)) }, x, y)
			},
		})
	}
	return kernels
}

// compare stores the masks that next gives for the vectors of 64 rows, which
// stand disp bytes behind columns, as bits. With negated they are the opposite
// of what is asked for.
func (k *code) compare(e elem, negated bool, next func(disp int) reg.Register, columns ...reg.GPVirtual) {
	out, n, flip := k.base("out"), k.length("x"), k.arg("flip")
	if negated {
		k.NOTQ(flip)
	}
	if k.wide() {
		flips := k.K()
		k.KMOVQ(flip, flips)
		k.loop(n, 64, func() {
			for i := range k.vectors(e, 64) {
				m := next(i * k.width)
				if e.size == 8 {
					k.KXORB(flips, m, m)
					k.KMOVB(m, at(out, i))
				} else {
					k.KXORW(flips, m, m)
					k.KMOVW(m, at(out, 2*i))
				}
			}
			k.advance(e, out, columns)
		})
		k.ret()
		return
	}
	order := k.packOrder(e)
	k.loop(n, 64, func() {
		for half := range 2 {
			bits := k.GP32()
			k.VPMOVMSKB(k.pack(e, order, func(i int) reg.Register { return next((half*k.vectors(e, 32) + i) * k.width) }), bits)
			k.XORL(flip.As32(), bits)
			k.MOVL(bits, at(out, 4*half))
		}
		k.advance(e, out, columns)
	})
	k.ret()
}

// advance goes on by 64 rows.
func (k *code) advance(e elem, out reg.GPVirtual, columns []reg.GPVirtual) {
	for _, c := range columns {
		k.step(c, 64*e.size)
	}
	k.step(out, 8)
}

// pack narrows the masks of 32 rows to bytes: one VPMOVMSKB for all of them is
// faster than a VMOVMSKPD for each vector. The instructions narrow the halves of vectors
// apart, so the bytes are put in order at the end.
func (k *code) pack(e elem, order reg.VecVirtual, mask func(i int) reg.Register) reg.VecVirtual {
	words := func(j int) reg.VecVirtual {
		v := k.vec()
		if e.size == 4 {
			first := mask(2 * j)
			k.VPACKSSDW(mask(2*j+1), first, v)
			return v
		}
		var pairs [2]reg.VecVirtual
		for i := range pairs { // the even 32-bit elements of two vectors
			pairs[i] = k.vec()
			first := mask(4*j + 2*i)
			k.VSHUFPS(operand.U8(0x88), mask(4*j+2*i+1), first, pairs[i])
		}
		k.VPACKSSDW(pairs[1], pairs[0], v)
		return v
	}
	low, high, bytes := words(0), words(1), k.vec()
	k.VPACKSSWB(high, low, bytes)
	if e.size == 4 {
		k.VPERMD(bytes, order, bytes)
	} else {
		k.VPERMQ(operand.U8(0xD8), bytes, bytes)
		k.VPSHUFB(order, bytes, bytes)
	}
	return bytes
}

// packOrder is the constant that pack puts the bytes in order with: groups of
// four rows, or of two after half of the way, stand as 0 4 1 5 2 6 3 7.
func (k *code) packOrder(e elem) reg.VecVirtual {
	order, low, high := k.vec(), k.GP64(), k.GP64()
	if e.size == 4 {
		k.MOVQ(operand.U64(0x0703060205010400), low)
		k.VMOVQ(low, order.AsX())
		k.VPMOVZXBD(order.AsX(), order)
		return order
	}
	k.MOVQ(operand.U64(0x0b0a030209080100), low)
	k.MOVQ(operand.U64(0x0f0e07060d0c0504), high)
	k.VMOVQ(low, order.AsX())
	k.VPINSRQ(operand.Imm(1), high, order.AsX(), order.AsX())
	k.VINSERTI128(operand.Imm(1), order.AsX(), order, order)
	return order
}

// withConst compares the vector at x with a constant that is not NaN: since x
// is the second source of the instructions, c comes first.
func (k *code) withConst(e elem, op string, x operand.Mem, c reg.VecVirtual) reg.Register {
	switch {
	case e.real: // EQ_OQ, GT_OQ, GE_OQ
		return k.cmp(e, map[string]int{"eq": 0x00, "lt": 0x1E, "le": 0x1D}[op], c, x)
	case k.wide(): // EQ, NLE, NLT
		return k.cmp(e, map[string]int{"eq": 0, "lt": 6, "le": 5}[op], c, x)
	case op == "eq":
		return k.same(e, c, x)
	}
	return k.more(e, c, x)
}

// columns compares the vectors at x and y in the order where NaN is equal to
// NaN and greater than everything else.
func (k *code) columns(e elem, op string, x, y operand.Mem) reg.Register {
	switch {
	case e.real:
		return k.columnsReal(e, op, x, y)
	case k.wide(): // EQ, LT
		return k.cmp(e, map[string]int{"eq": 0, "lt": 1}[op], k.read(x), y)
	case op == "eq":
		return k.same(e, k.read(x), y)
	}
	return k.more(e, k.read(y), x)
}

const (
	predEQ    = 0x00 // EQ_OQ: false with NaN
	predUnord = 0x03
	predOrd   = 0x07
	predNGE   = 0x19 // NGE_UQ: true with NaN
)

func (k *code) columnsReal(e elem, op string, x, y operand.Mem) reg.Register {
	a := k.read(x)
	if op == "lt" { // a < y or either is NaN, and a is not
		return k.andMasks(k.cmp(e, predNGE, a, y), k.cmp(e, predOrd, a, a))
	}
	b := k.read(y)
	return k.orMasks(k.cmp(e, predEQ, a, b), k.andMasks(k.cmp(e, predUnord, a, a), k.cmp(e, predUnord, b, b)))
}

// cmp is the mask of a pred b; of integers with AVX-512 only.
func (k *code) cmp(e elem, pred int, a reg.VecVirtual, b operand.Op) reg.Register {
	var m reg.Register
	if k.wide() {
		m = k.K()
	} else {
		m = k.vec()
	}
	switch e.name {
	case "Float64":
		k.VCMPPD(operand.U8(pred), b, a, m)
	case "Float32":
		k.VCMPPS(operand.U8(pred), b, a, m)
	case "Int64":
		k.VPCMPQ(operand.U8(pred), b, a, m)
	case "Int32":
		k.VPCMPD(operand.U8(pred), b, a, m)
	}
	return m
}

// same and more are the masks of a = b and a > b of integers, for AVX2.
func (k *code) same(e elem, a reg.VecVirtual, b operand.Op) reg.Register {
	m := k.vec()
	if e.size == 8 {
		k.VPCMPEQQ(b, a, m)
	} else {
		k.VPCMPEQD(b, a, m)
	}
	return m
}

func (k *code) more(e elem, a reg.VecVirtual, b operand.Op) reg.Register {
	m := k.vec()
	if e.size == 8 {
		k.VPCMPGTQ(b, a, m)
	} else {
		k.VPCMPGTD(b, a, m)
	}
	return m
}

// andMasks and orMasks combine masks, into the first.
func (k *code) andMasks(a, b reg.Register) reg.Register {
	if k.wide() {
		k.KANDW(b, a, a)
	} else {
		k.VPAND(b, a, a)
	}
	return a
}

func (k *code) orMasks(a, b reg.Register) reg.Register {
	if k.wide() {
		k.KORW(b, a, a)
	} else {
		k.VPOR(b, a, a)
	}
	return a
}
