package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ahead asks memory, line by line, for what the parameters aheadX, aheadFrom and
// aheadRows name: some lines each time its turn comes, of one column after
// another. Registers are few: where it is it keeps on the stack.
type ahead struct {
	k                       *code
	header, last, line, end operand.Mem
}

func (k *code) ahead() ahead {
	frame := k.AllocLocal(4 * 8)
	a := ahead{k, frame, frame.Offset(8), frame.Offset(16), frame.Offset(24)}
	header, last := k.base("aheadX"), k.length("aheadX")
	k.MOVQ(header, a.header)
	k.LEAQ(operand.Mem{Base: last, Index: last, Scale: 2}, last)
	k.LEAQ(operand.Mem{Base: header, Index: last, Scale: 8}, last)
	k.MOVQ(last, a.last)
	none := k.GP64()
	k.XORQ(none, none)
	k.MOVQ(none, a.line)
	k.MOVQ(none, a.end)
	return a
}

// ask asks for lines, which is at least 1 and counts down.
func (a ahead) ask(lines reg.GPVirtual) {
	k := a.k
	next, line, done := k.label("ahead"), k.label("line"), k.label("asked")
	p, end := k.GP64(), k.GP64()
	k.MOVQ(a.line, p)
	k.MOVQ(a.end, end)
	k.Label(next)
	k.CMPQ(p, end)
	k.JB(operand.LabelRef(line))
	header := k.GP64()
	k.MOVQ(a.header, header)
	k.CMPQ(header, a.last)
	k.JAE(operand.LabelRef(done))
	k.MOVQ(at(header, 0), p)
	k.step(header, headerBytes)
	k.MOVQ(header, a.header)
	from := k.arg("aheadFrom")
	k.LEAQ(operand.Mem{Base: p, Index: from, Scale: 8}, p)
	rows := k.arg("aheadRows")
	k.LEAQ(operand.Mem{Base: p, Index: rows, Scale: 8}, end)
	k.Label(line)
	k.PREFETCHT0(at(p, 0))
	k.step(p, 64)
	k.DECQ(lines)
	k.JNZ(operand.LabelRef(next))
	k.Label(done)
	k.MOVQ(p, a.line)
	k.MOVQ(end, a.end)
}
