package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// family is what one concept of package simd needs: its kernels go to
// <name>_amd64.s, their stubs and guards to <name>_amd64.go, and the guards of
// machines without assembly to <name>_noasm.go.
type family struct {
	name    string
	kernels []kernel
	// pkg is the package, simd if empty: dir its folder, seen from the one of
	// package simd, and level the expression, with the imports it needs, that
	// tells whether kernels of a level may run.
	pkg, dir string
	imports  []string
	level    func(name string) string
}

func (f family) packageName() string {
	if f.pkg == "" {
		return "simd"
	}
	return f.pkg
}

// has is the condition under which a guard calls the kernel of a width.
func (f family) has(width int) string {
	if f.level == nil {
		return "has" + levelName(width)
	}
	return f.level(levelName(width))
}

// kernel is one primitive: name(args) calls nameAVX512, nameAVX2 or the twin
// nameGo, which is written by hand.
type kernel struct {
	name string
	// sig is the signature, "func(acc *[32]float64, x []float64)". Arguments
	// and results are named.
	sig string
	// doc says what the arguments must satisfy; it follows the name.
	doc string
	// body writes the instructions for one width; it ends with k.ret.
	body func(k *code)
	// widths are the levels body is written for: both if nil.
	widths []int
	// twin is the function in Go, generic perhaps: nameGo if empty.
	twin string
}

func (k kernel) twinName() string {
	if k.twin != "" {
		return k.twin
	}
	return k.name + "Go"
}

// Widths of vectors in bytes.
const (
	avx2   = 32
	avx512 = 64
)

func (k kernel) levels() []int {
	if k.widths == nil {
		return []int{avx512, avx2}
	}
	return k.widths
}

func levelName(width int) string {
	if width == avx512 {
		return "AVX512"
	}
	return "AVX2"
}

// code is the function under construction: the instructions of avo, and what
// a body that serves both widths needs.
type code struct {
	*build.Context
	width int // bytes of a vector
	n     int // labels given out
}

// wide reports whether vectors have 512 bits.
func (k *code) wide() bool { return k.width == avx512 }

// vec is a new vector register of the width.
func (k *code) vec() reg.VecVirtual {
	if k.wide() {
		return k.ZMM()
	}
	return k.YMM()
}

// vecs are n new vector registers.
func (k *code) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = k.vec()
	}
	return v
}

// base and length load the parts of the slice parameter called name.
func (k *code) base(name string) reg.GPVirtual {
	r := k.GP64()
	k.Load(k.Param(name).Base(), r)
	return r
}

func (k *code) length(name string) reg.GPVirtual {
	r := k.GP64()
	k.Load(k.Param(name).Len(), r)
	return r
}

// arg loads the scalar or pointer parameter called name.
func (k *code) arg(name string) reg.GPVirtual {
	r := k.GP64()
	k.Load(k.Param(name), r)
	return r
}

// label is a new label that begins with name.
func (k *code) label(name string) string {
	k.n++
	return fmt.Sprintf("%s%d", name, k.n)
}

// loop repeats body while n, which counts down by step, is not zero. n is a
// positive multiple of step.
func (k *code) loop(n reg.GPVirtual, step int, body func()) {
	top := k.label("loop")
	k.Label(top)
	body()
	k.SUBQ(operand.U32(step), n)
	k.JNZ(operand.LabelRef(top))
}

// step moves the pointer p on by n bytes.
func (k *code) step(p reg.GPVirtual, n int) { k.ADDQ(operand.U32(n), p) }

// at is the memory disp bytes behind base.
func at(base reg.Register, disp int) operand.Mem { return operand.Mem{Base: base, Disp: disp} }

// load, store, xor and or are moves and logic of integers, whose names differ
// between the widths.
func (k *code) load(from operand.Op, to reg.VecVirtual)  { k.move(from, to) }
func (k *code) store(from reg.VecVirtual, to operand.Op) { k.move(from, to) }

func (k *code) move(from, to operand.Op) {
	if k.wide() {
		k.VMOVDQU64(from, to)
	} else {
		k.VMOVDQU(from, to)
	}
}

func (k *code) xor(a, b operand.Op, to reg.VecVirtual) {
	if k.wide() {
		k.VPXORQ(a, b, to)
	} else {
		k.VPXOR(a, b, to)
	}
}

func (k *code) or(a, b operand.Op, to reg.VecVirtual) {
	if k.wide() {
		k.VPORQ(a, b, to)
	} else {
		k.VPOR(a, b, to)
	}
}

// broadcast copies the 64 bits of from to every element of the vector to.
func (k *code) broadcast(from reg.GPVirtual, to reg.VecVirtual) {
	low := k.XMM()
	k.VMOVQ(from, low)
	k.VPBROADCASTQ(low, to)
}

// ret leaves the function; Go code that follows is legacy SSE.
func (k *code) ret() {
	k.VZEROUPPER()
	k.RET()
}

// emit writes the function for one width into ctx.
func (k kernel) emit(ctx *build.Context, width int) {
	ctx.Function(k.name + levelName(width))
	ctx.Attributes(attr.NOSPLIT)
	ctx.SignatureExpr(k.sig)
	k.body(&code{Context: ctx, width: width})
}
