package main

import (
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Errors of two neighbouring bytes, as sets of bits. What the upper and the
// lower half of the first and the upper half of the second byte allow is in
// three tables; an error is in all three.
const (
	tooShort   = 1 << iota // a lead is not followed by a continuation
	tooLong                // a continuation after ASCII
	overlong3              // E0 80 .. E0 9F
	tooLarge               // F4 90 and above
	surrogate              // ED A0 .. ED BF
	overlong2              // C0 and C1
	overlong4              // F0 80 .. F0 8F, and F5 80 and above
	twoConts               // two continuations: right where a lead is near enough
	anyPair    = tooShort | tooLong | twoConts
	anyAbove   = anyPair | tooLarge | overlong4
	afterBoth  = tooLong | overlong2 | twoConts
	upperRight = afterBoth | surrogate | tooLarge
)

var utf8Tables = [][]byte{
	slices.Concat(slices.Repeat([]byte{tooLong}, 8), slices.Repeat([]byte{twoConts}, 4),
		[]byte{tooShort | overlong2, tooShort, tooShort | overlong3 | surrogate, tooShort | tooLarge | overlong4}),
	slices.Concat([]byte{anyPair | overlong3 | overlong2 | overlong4, anyPair | overlong2, anyPair, anyPair, anyPair | tooLarge},
		slices.Repeat([]byte{anyAbove}, 8), []byte{anyAbove | surrogate, anyAbove, anyAbove}),
	slices.Concat(slices.Repeat([]byte{tooShort}, 8),
		[]byte{afterBoth | overlong3 | overlong4, afterBoth | overlong3 | tooLarge, upperRight, upperRight},
		slices.Repeat([]byte{tooShort}, 4)),
	slices.Repeat([]byte{0x0f}, 16),
	slices.Repeat([]byte{0xe0 - 0x80}, 16), // less than that: not the lead of three bytes
	slices.Repeat([]byte{0xf0 - 0x80}, 16),
	slices.Repeat([]byte{0x80}, 16),
}

var utf8s = family{name: "utf8", kernels: []kernel{{
	name: "validBlocks",
	sig:  "func(b []byte) bool",
	doc: "reports whether b is UTF-8, but for a character that goes on behind it;\n" +
		"// len(b) is a positive multiple of 64.",
	widths: []int{avx2},
	body:   validBlocks,
}}}

// validBlocks is the algorithm of Keiser and Lemire, "Validating UTF-8 in less
// than one instruction per byte", 2020.
func validBlocks(k *code) {
	tables := k.GP64()
	k.LEAQ(utf8Data(k), tables)
	table := func(i int) operand.Mem { return at(tables, 32*i) }
	b, n := k.base("b"), k.length("b")
	kinds, low := make([]reg.VecVirtual, 3), k.YMM()
	for i := range kinds {
		kinds[i] = k.YMM()
		k.VMOVDQU(table(i), kinds[i])
	}
	k.VMOVDQU(table(3), low)
	bad, before, open := k.YMM(), k.YMM(), k.YMM() // open: the characters that go on behind before
	for _, v := range []reg.VecVirtual{bad, before, open} {
		k.VPXOR(v, v, v)
	}
	k.loop(n, 64, func() {
		first, second, all := k.YMM(), k.YMM(), k.YMM()
		k.VMOVDQU(at(b, 0), first)
		k.VMOVDQU(at(b, 32), second)
		k.VPOR(first, second, all)
		signs := k.GP64()
		k.VPMOVMSKB(all, signs.As32())
		text, next := k.label("text"), k.label("next")
		k.TESTL(signs.As32(), signs.As32())
		k.JNE(operand.LabelRef(text))
		k.VPOR(open, bad, bad)
		k.VPXOR(open, open, open)
		k.JMP(operand.LabelRef(next))

		k.Label(text)
		for _, in := range []reg.VecVirtual{first, second} {
			lanes, prev, x, pair := k.YMM(), k.YMM(), k.YMM(), k.YMM()
			k.VPERM2I128(operand.U8(0x21), in, before, lanes)
			k.VPALIGNR(operand.U8(15), lanes, in, prev)
			k.VPSRLW(operand.U8(4), prev, x)
			k.VPAND(low, x, x)
			k.VPSHUFB(x, kinds[0], pair)
			k.VPAND(low, prev, x)
			k.VPSHUFB(x, kinds[1], x)
			k.VPAND(x, pair, pair)
			k.VPSRLW(operand.U8(4), in, x)
			k.VPAND(low, x, x)
			k.VPSHUFB(x, kinds[2], x)
			k.VPAND(x, pair, pair)
			// The second byte after the lead of three and the third after that of
			// four must be continuations of continuations, others must not.
			k.VPALIGNR(operand.U8(14), lanes, in, prev)
			k.VPSUBUSB(table(4), prev, x)
			k.VPALIGNR(operand.U8(13), lanes, in, prev)
			k.VPSUBUSB(table(5), prev, prev)
			k.VPOR(prev, x, x)
			k.VPAND(table(6), x, x)
			k.VPXOR(x, pair, pair)
			k.VPOR(pair, bad, bad)
			k.VMOVDQA(in, before)
		}
		k.VPSUBUSB(table(7), second, open)
		k.Label(next)
		k.VMOVDQA(second, before)
		k.step(b, 64)
	})
	ok := k.GP64()
	k.VPTEST(bad, bad)
	k.SETEQ(ok.As8())
	k.Store(ok.As8(), k.ReturnIndex(0))
	k.ret()
}

// utf8Data is the tables, each for both halves of a vector, and behind them the
// largest bytes that may stand at the end of a text.
func utf8Data(k *code) operand.Mem {
	data := k.StaticGlobal("utf8Tables")
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	ends := slices.Concat(slices.Repeat([]byte{0xff}, 29), []byte{0xf0 - 1, 0xe0 - 1, 0xc0 - 1})
	n := 0
	for _, t := range append(slices.Clone(utf8Tables), ends) {
		for i := range 32 {
			k.AddDatum(n, operand.U8(t[i%len(t)]))
			n++
		}
	}
	return data
}
