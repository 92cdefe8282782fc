package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var ariths = family{name: "arith", kernels: arithKernels()}

// arithKernels are the four operations of floats, the checked ones of integers
// and the two sums of a product.
func arithKernels() (kernels []kernel) {
	for _, op := range []struct{ name, sign string }{{"add", "+"}, {"sub", "-"}, {"mul", "*"}, {"div", "/"}} {
		for _, e := range elems {
			types := "func(out, x, y []" + e.typ + ")"
			doc := "sets out[i] to x[i] " + op.sign + " y[i]; len(out) is a positive multiple of 32, and an x or y of 32 rows stands for every 32 rows."
			switch {
			case e.real:
				kernels = append(kernels, kernel{
					name: op.name + e.name, sig: types, doc: doc, twin: op.name + "FloatsGo",
					body: func(k *code) {
						k.elementwise(e, func(x, y operand.Mem, v reg.VecVirtual) { k.real(e, op.name, x, y, v) })
						k.ret()
					},
				})
			case op.name == "add", op.name == "sub", op.name == "mul" && e.size == 4:
				kernels = append(kernels, kernel{
					name: op.name + e.name, sig: types + " (over bool)", doc: doc + " over tells that a result is outside the range.", twin: op.name + "IntsGo",
					body: func(k *code) {
						over := k.zero()
						c := &checked{code: k, e: e, over: over}
						k.elementwise(e, map[string]func(x, y operand.Mem, v reg.VecVirtual){"add": c.add, "sub": c.sub, "mul": c.mul}[op.name])
						c.store(op.name == "mul")
						k.ret()
					},
				})
			}
		}
	}
	for _, e := range elems[2:] {
		kernels = append(kernels, kernel{
			name: "mulAdd" + e.name, sig: "func(out, a, b, c []" + e.typ + ")",
			doc:  "sets out[i] to a[i]*b[i] + c[i], rounded twice; len(out) is a positive multiple of 32.",
			body: func(k *code) { k.mulAdd(e, false) },
		})
	}
	return append(kernels, kernel{
		name: "fmaFloat64", sig: "func(out, a, b, c []float64)",
		doc:  "sets out[i] to a[i]*b[i] + c[i], rounded once; len(out) is a positive multiple of 32.",
		body: func(k *code) { k.mulAdd(float64s, true) },
	})
}

// elementwise stores the vectors that op computes of the vectors at x and y. A
// parameter of 32 rows is read again and again: its pointer does not move.
func (k *code) elementwise(e elem, op func(x, y operand.Mem, v reg.VecVirtual)) {
	out, n := k.base("out"), k.length("out")
	params := []reg.GPVirtual{k.base("x"), k.base("y")}
	steps := make([]reg.GPVirtual, 2)
	for i, name := range []string{"x", "y"} {
		still, rows := k.GP64(), k.length(name)
		steps[i] = k.GP64()
		k.XORQ(still, still)
		k.MOVQ(operand.U32(32*e.size), steps[i])
		k.CMPQ(rows, operand.Imm(32))
		k.CMOVQEQ(still, steps[i])
	}
	k.loop(n, 32, func() {
		for i := range k.vectors(e, 32) {
			v := k.vec()
			op(at(params[0], i*k.width), at(params[1], i*k.width), v)
			k.VMOVUPD(v, at(out, i*k.width))
		}
		for i, p := range params {
			k.ADDQ(steps[i], p)
		}
		k.step(out, 32*e.size)
	})
}

// real computes v of the floats at x and y.
func (k *code) real(e elem, op string, x, y operand.Mem, v reg.VecVirtual) {
	k.VMOVUPD(x, v)
	switch op + e.name {
	case "addFloat64":
		k.VADDPD(y, v, v)
	case "subFloat64":
		k.VSUBPD(y, v, v)
	case "mulFloat64":
		k.VMULPD(y, v, v)
	case "divFloat64":
		k.VDIVPD(y, v, v)
	case "addFloat32":
		k.VADDPS(y, v, v)
	case "subFloat32":
		k.VSUBPS(y, v, v)
	case "mulFloat32":
		k.VMULPS(y, v, v)
	case "divFloat32":
		k.VDIVPS(y, v, v)
	}
}

// checked is arithmetic of integers that ORs signs of overflow.
type checked struct {
	*code
	e    elem
	over reg.VecVirtual // tells in store whether a result was outside the range
}

// add overflows where the sign of the sum is that of neither operand.
func (c *checked) add(x, y operand.Mem, v reg.VecVirtual) {
	a, b, t := c.read(x), c.read(y), c.vec()
	if c.e.size == 8 {
		c.VPADDQ(a, b, v)
	} else {
		c.VPADDD(a, b, v)
	}
	c.bitwise('^', v, a, a)
	c.bitwise('^', v, b, t)
	c.bitwise('&', a, t, t)
	c.bitwise('|', t, c.over, c.over)
}

// sub overflows where the operands have different signs and the difference
// does not have that of the first.
func (c *checked) sub(x, y operand.Mem, v reg.VecVirtual) {
	a, b := c.read(x), c.read(y)
	if c.e.size == 8 {
		c.VPSUBQ(b, a, v)
	} else {
		c.VPSUBD(b, a, v)
	}
	c.bitwise('^', a, b, b)
	c.bitwise('^', a, v, a)
	c.bitwise('&', a, b, b)
	c.bitwise('|', b, c.over, c.over)
}

// mul multiplies int32 of even and odd places to 64 bits, and overflows where
// the upper halves are not the signs of the lower ones.
func (c *checked) mul(x, y operand.Mem, v reg.VecVirtual) {
	a, b, odd, high := c.read(x), c.read(y), c.vec(), c.vec()
	c.VPMULDQ(a, b, v)
	c.VPSRLQ(operand.Imm(32), a, a)
	c.VPSRLQ(operand.Imm(32), b, b)
	c.VPMULDQ(a, b, odd)
	c.VPSRLQ(operand.Imm(32), v, high)
	c.VPSLLQ(operand.Imm(32), odd, a)
	c.oddPlaces(odd, high)
	c.oddPlaces(a, v)
	c.VPSRAD(operand.Imm(31), v, b)
	c.bitwise('^', b, high, high)
	c.bitwise('|', high, c.over, c.over)
}

// oddPlaces moves the 32-bit elements of odd places from one vector to another.
func (c *checked) oddPlaces(from, to reg.VecVirtual) {
	if !c.wide() {
		c.VPBLENDD(operand.U8(0xAA), from, to, to)
		return
	}
	m, places := c.K(), c.GP32()
	c.MOVL(operand.U32(0xAAAA), places)
	c.KMOVW(places, m)
	c.VMOVDQA32(from, m, to)
}

// store returns whether over is negative, or after mul not zero, somewhere.
func (c *checked) store(product bool) {
	over, m := c.GP8(), c.K()
	switch {
	case product && c.wide():
		c.VPTESTMD(c.over, c.over, m)
		c.KORTESTW(m, m)
	case product:
		c.VPTEST(c.over, c.over)
	case c.wide():
		if c.e.size == 8 {
			c.VPMOVQ2M(c.over, m)
		} else {
			c.VPMOVD2M(c.over, m)
		}
		c.KORTESTW(m, m)
	default:
		signs := c.GP32()
		if c.e.size == 8 {
			c.VMOVMSKPD(c.over, signs)
		} else {
			c.VMOVMSKPS(c.over, signs)
		}
		c.TESTL(signs, signs)
	}
	c.SETNE(over)
	c.Store(over, c.Return("over"))
}

// bitwise is an operation on bits, of either width.
func (k *code) bitwise(op rune, a, b, to reg.VecVirtual) {
	switch {
	case op == '&' && k.wide():
		k.VPANDQ(a, b, to)
	case op == '&':
		k.VPAND(a, b, to)
	case op == '|' && k.wide():
		k.VPORQ(a, b, to)
	case op == '|':
		k.VPOR(a, b, to)
	case k.wide():
		k.VPXORQ(a, b, to)
	default:
		k.VPXOR(a, b, to)
	}
}

// mulAdd is a*b + c.
func (k *code) mulAdd(e elem, fused bool) {
	out, a, b, c := k.base("out"), k.base("a"), k.base("b"), k.base("c")
	k.loop(k.length("out"), 32, func() {
		for i := range k.vectors(e, 32) {
			v, disp := k.read(at(a, i*k.width)), i*k.width
			switch {
			case fused:
				x := k.read(at(b, disp))
				k.VFMADD213PD(at(c, disp), x, v)
			case e.size == 8:
				k.VMULPD(at(b, disp), v, v)
				k.VADDPD(at(c, disp), v, v)
			default:
				k.VMULPS(at(b, disp), v, v)
				k.VADDPS(at(c, disp), v, v)
			}
			k.VMOVUPD(v, at(out, disp))
		}
		for _, p := range []reg.GPVirtual{out, a, b, c} {
			k.step(p, 32*e.size)
		}
	})
	k.ret()
}
