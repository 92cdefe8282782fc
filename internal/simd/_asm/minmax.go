package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var minmax = family{name: "minmax", kernels: slices.Concat(extremes("min", "less"), extremes("max", "greater"))}

// extremes are the kernels of min or max.
func extremes(op, sense string) (kernels []kernel) {
	for _, e := range elems {
		types := "func(acc, x []" + e.typ
		doc := "puts rows of x into lanes of acc where they are " + sense +
			"; NaN is skipped by min and stays in max. acc has 256 bytes, len(x) is a positive multiple of its length."
		kernels = append(kernels, kernel{
			name: op + e.name, sig: types + ")", doc: doc, twin: op + "Go",
			body: func(k *code) { k.extreme(e, op == "max", false) },
		}, kernel{
			name: op + e.name + "Valid", sig: types + ", valid []byte)", doc: "is " + op + e.name + " of the rows whose bit is set.", twin: op + "ValidGo",
			body: func(k *code) { k.extreme(e, op == "max", true) },
		})
	}
	return kernels
}

// extreme keeps the lanes in registers. Where a null stands, the lane is
// compared with itself.
func (k *code) extreme(e elem, largest, masked bool) {
	acc, x, n := k.base("acc"), k.base("x"), k.length("x")
	var valid *validity
	if masked {
		valid = k.validity(e)
	}
	lanes := k.vecs(256 / k.width)
	for i, v := range lanes {
		k.VMOVUPD(at(acc, i*k.width), v)
	}
	var nan nanFlag
	if e.real && largest {
		nan = k.nanFlag(e)
	}
	per32 := k.vectors(e, 32)
	k.loop(n, 256/e.size, func() {
		var before reg.VecVirtual
		for i, lane := range lanes {
			var v reg.VecVirtual
			if masked {
				if i%per32 == 0 {
					valid.load(4 * (i / per32))
				}
				v = valid.or(at(x, i*k.width), i%per32, lane)
			} else {
				v = k.read(at(x, i*k.width))
			}
			if nan.k != nil && i%2 == 1 {
				nan.see(before, v)
			}
			before = v
			k.putExtreme(e, largest, v, lane)
		}
		k.step(x, 256)
		if masked {
			valid.step(256 / e.size)
		}
	})
	if nan.k != nil {
		nan.put(lanes[0])
	}
	for i, v := range lanes {
		k.VMOVUPD(v, at(acc, i*k.width))
	}
	k.ret()
}

// putExtreme puts v into lane where it is less, or greater. NaN in v is
// skipped: with two zeros or a NaN the instructions return what is their
// second source to Intel, the first operand here.
func (k *code) putExtreme(e elem, largest bool, v, lane reg.VecVirtual) {
	pick := func(least, most func(...operand.Op)) func(...operand.Op) {
		if largest {
			return most
		}
		return least
	}
	switch {
	case e.name == "Float64":
		pick(k.VMINPD, k.VMAXPD)(lane, v, lane)
	case e.name == "Float32":
		pick(k.VMINPS, k.VMAXPS)(lane, v, lane)
	case e.name == "Int32":
		pick(k.VPMINSD, k.VPMAXSD)(v, lane, lane)
	case k.wide():
		pick(k.VPMINSQ, k.VPMAXSQ)(v, lane, lane)
	default: // AVX2 has none for 64 bits
		m := k.vec()
		if largest {
			k.VPCMPGTQ(lane, v, m)
		} else {
			k.VPCMPGTQ(v, lane, m)
		}
		k.VBLENDVPD(m, v, lane, lane)
	}
}

// nanFlag remembers in which elements a NaN was seen.
type nanFlag struct {
	k    *code
	e    elem
	flag reg.Register
}

func (k *code) nanFlag(e elem) nanFlag {
	if k.wide() {
		m := k.K()
		k.KXORW(m, m, m)
		return nanFlag{k, e, m}
	}
	return nanFlag{k, e, k.zero()}
}

// see looks at two vectors with one comparison.
func (f nanFlag) see(a, b reg.VecVirtual) { f.k.orMasks(f.flag, f.k.cmp(f.e, predUnord, a, b)) }

// put makes the flagged elements of lane NaN: all bits set.
func (f nanFlag) put(lane reg.VecVirtual) {
	switch {
	case !f.k.wide():
		f.k.VORPD(f.flag, lane, lane)
	case f.e.size == 8:
		f.k.VPTERNLOGQ(operand.U8(0xFF), lane, lane, f.flag, lane)
	default:
		f.k.VPTERNLOGD(operand.U8(0xFF), lane, lane, f.flag, lane)
	}
}
