package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The permutations of AVX2 are as fast as the compressing moves of AVX-512, so
// one form serves both.
var filters = family{name: "filter", kernels: []kernel{
	{
		name: "filter64",
		sig:  "func(dst, src []uint64, keep []byte) (rows, kept int)",
		doc: "moves the kept values of whole words of 64 rows to the front of dst,\n// " +
			"as long as dst has room for 64 more. src has 64 rows for each word of keep.",
		widths: []int{avx2},
		body: func(k *code) {
			filterWords(k, 8, func(x reg.GPVirtual, table, src, to reg.GPVirtual) {
				for j := range 16 { // four rows each
					bits, n := k.GP64(), k.GP64()
					k.RORXQ(operand.U8((4*j+62)%64), x, bits)
					k.ANDL(operand.U32(0x3c), bits.As32()) // four bits, times 4
					k.POPCNTQ(bits, n)
					idx := k.YMM()
					k.VMOVDQU(operand.Mem{Base: table, Index: bits, Scale: 8}, idx)
					k.VPERMD(at(src, 32*j), idx, idx)
					k.VMOVDQU(idx, at(to, 0))
					k.LEAQ(operand.Mem{Base: to, Index: n, Scale: 8}, to)
				}
			})
		},
	},
	{
		name: "filter32",
		sig:  "func(dst, src []uint32, keep []byte) (rows, kept int)",
		doc: "moves the kept values of whole words of 64 rows to the front of dst,\n// " +
			"as long as dst has room for 64 more. src has 64 rows for each word of keep.",
		widths: []int{avx2},
		body: func(k *code) {
			filterWords(k, 4, func(x reg.GPVirtual, table, src, to reg.GPVirtual) {
				for j := range 8 { // eight rows each
					bits, n := k.GP64(), k.GP64()
					k.RORXQ(operand.U8(8*j), x, bits)
					k.MOVBLZX(bits.As8L(), bits.As32())
					k.POPCNTQ(bits, n)
					idx := k.YMM()
					k.VPMOVZXBD(operand.Mem{Base: table, Index: bits, Scale: 8}, idx)
					k.VPERMD(at(src, 32*j), idx, idx)
					k.VMOVDQU(idx, at(to, 0))
					k.LEAQ(operand.Mem{Base: to, Index: n, Scale: 4}, to)
				}
			})
		},
	},
	{
		name: "filterBits",
		sig:  "func(dst, src, keep []byte) (words, kept int, open uint64)",
		doc: "gathers the bits of src that are set in keep, whole words of 64, as long\n// " +
			"as dst has room for one word more, and returns the one that is not full,\n// which dst does not have yet. src has as many words as keep.",
		widths: []int{avx2},
		body: func(k *code) {
			dst, src, keep, n := k.base("dst"), k.base("src"), k.base("keep"), k.length("keep")
			room := k.length("dst")
			k.SHRQ(operand.U8(3), n)
			k.SHRQ(operand.U8(3), room)
			word, used, kept, words := k.GP64(), k.GP64(), k.GP64(), k.GP64()
			for _, r := range []reg.GPVirtual{word, used, kept, words} {
				k.XORQ(r, r)
			}
			k.Label("loop")
			k.CMPQ(words, n)
			k.JGE(operand.LabelRef("done"))
			k.TESTQ(room, room)
			k.JLE(operand.LabelRef("done"))
			mask, bits, ones, low := k.GP64(), k.GP64(), k.GP64(), k.GP64()
			k.MOVQ(operand.Mem{Base: keep, Index: words, Scale: 8}, mask)
			k.MOVQ(operand.Mem{Base: src, Index: words, Scale: 8}, bits)
			k.PEXTQ(mask, bits, bits)
			k.POPCNTQ(mask, ones)
			k.ADDQ(ones, kept)
			k.SHLXQ(used, bits, low)
			k.ORQ(low, word)
			k.MOVQ(word, at(dst, 0))
			// What did not fit: bits >> (64-used), in two steps since used may be 0.
			rest, up := k.GP64(), k.GP64()
			k.MOVQ(used, up)
			k.XORQ(operand.U8(63), up)
			k.SHRXQ(up, bits, rest)
			k.SHRQ(operand.U8(1), rest)
			k.ADDQ(ones, used)
			full := k.GP64()
			k.MOVQ(used, full)
			k.SHRQ(operand.U8(6), full) // 1 if the word is full
			k.CMOVQNE(rest, word)
			k.LEAQ(operand.Mem{Base: dst, Index: full, Scale: 8}, dst)
			k.SUBQ(full, room)
			k.ANDQ(operand.U8(63), used)
			k.INCQ(words)
			k.JMP(operand.LabelRef("loop"))
			k.Label("done")
			k.Store(words, k.ReturnIndex(0))
			k.Store(kept, k.ReturnIndex(1))
			k.Store(word, k.ReturnIndex(2))
			k.RET()
		},
	},
}}

// filterWords is the loop over words of 64 rows of values of size bytes. A word
// with few set bits is walked: eight steps without a branch. One that is all
// set is copied, and permute, which moves to forward, does the others.
func filterWords(k *code, size int, permute func(x, table, src, to reg.GPVirtual)) {
	dst, src, keep, words := k.base("dst"), k.base("src"), k.base("keep"), k.length("keep")
	room := k.length("dst")
	k.SHRQ(operand.U8(3), words)
	table := k.GP64()
	k.LEAQ(permutations(k, size), table)
	kept, rows := k.GP64(), k.GP64()
	k.XORQ(kept, kept)
	k.XORQ(rows, rows)

	k.Label("loop")
	k.TESTQ(words, words)
	k.JEQ(operand.LabelRef("done"))
	k.CMPQ(room, operand.U8(64))
	k.JLT(operand.LabelRef("done"))
	x, ones := k.GP64(), k.GP64()
	k.MOVQ(at(keep, 0), x)
	k.POPCNTQ(x, ones)
	k.JEQ(operand.LabelRef("next"))
	k.ADDQ(ones, kept)
	k.SUBQ(ones, room)
	to := k.GP64()
	k.MOVQ(dst, to)
	k.LEAQ(operand.Mem{Base: dst, Index: ones, Scale: uint8(size)}, dst)
	k.CMPQ(ones, operand.U8(8))
	k.JGT(operand.LabelRef("many"))
	for i := range 8 {
		row := k.GP64()
		k.TZCNTQ(x, row)
		k.ANDQ(operand.U8(63), row) // no bit is left: any row will do
		k.BLSRQ(x, x)
		v, from := k.GP64(), operand.Mem{Base: src, Index: row, Scale: uint8(size)}
		if size == 8 {
			k.MOVQ(from, v)
			k.MOVQ(v, at(to, 8*i))
		} else {
			k.MOVL(from, v.As32())
			k.MOVL(v.As32(), at(to, 4*i))
		}
	}
	k.JMP(operand.LabelRef("next"))

	k.Label("many")
	k.CMPQ(ones, operand.U8(64))
	k.JEQ(operand.LabelRef("all"))
	permute(x, table, src, to)
	k.JMP(operand.LabelRef("next"))

	k.Label("all")
	for i := 0; i < 64*size; i += k.width {
		v := k.vec()
		k.load(at(src, i), v)
		k.store(v, at(to, i))
	}

	k.Label("next")
	k.step(src, 64*size)
	k.step(keep, 8)
	k.ADDQ(operand.U32(64), rows)
	k.DECQ(words)
	k.JMP(operand.LabelRef("loop"))
	k.Label("done")
	k.Store(rows, k.ReturnIndex(0))
	k.Store(kept, k.ReturnIndex(1))
	k.ret()
}

// permutations is a table with the places, as VPERMD counts them, of the set
// bits of every mask of the lanes of a 256-bit vector: for values of 8 bytes
// pairs of 32-bit numbers, 16 vectors; for 4 bytes one byte each, 2 KB.
func permutations(k *code, size int) operand.Mem {
	lanes := 32 / size
	table := k.StaticGlobal([...]string{4: "places32", 8: "places64"}[size])
	k.DataAttributes(attr.RODATA | attr.NOPTR)
	for mask := range 1 << lanes {
		n := 0
		for lane := range lanes {
			if mask>>lane&1 == 0 {
				continue
			}
			if size == 8 {
				k.AddDatum(32*mask+8*n, operand.U64(uint64(2*lane)|uint64(2*lane+1)<<32))
			} else {
				k.AddDatum(8*mask+n, operand.U8(lane))
			}
			n++
		}
		for ; n < lanes; n++ {
			if size == 8 {
				k.AddDatum(32*mask+8*n, operand.U64(0))
			} else {
				k.AddDatum(8*mask+n, operand.U8(0))
			}
		}
	}
	return table
}
